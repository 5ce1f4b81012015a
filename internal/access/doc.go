// Package access knows who may call: managers, their roles and their keys.
//
// A key looks like lik_<8 characters>_<43 characters>: a public prefix that
// names it in lists, then 32 random bytes in base64url. It is shown once. The
// bucket "managers" holds, under the prefix, the manager's name, role and
// products and the key's SHA-256 digest; so whoever reads the bucket cannot
// call, and digests are compared in constant time. The one key that is stored
// readable is the admin key that a first start makes for itself
// ([EnsureAdminKey]).
//
// A revoked key keeps its record, marked as revoked, so that nothing can bring
// it back by mistake: neither a file that still holds it nor a second key with
// the same prefix.
//
// Each request looks its key up, through a cache that believes a record for
// half a second ([Authenticator]). So a revoked key stops within a second in
// every process, a poll costs no round trip, and a process that cannot reach
// the bucket answers 503 instead of guessing.
//
// A request that goes on (an upload, an event stream, a download) is authenticated again while it
// does: [Authenticator.Watch] ends its context within a second after its key was revoked.
//
// # Caveats
//
// Role and products stand in the key's record: two keys of one name may
// differ. What a manager has made belongs to the name, and so to all its keys.
// Keys travel in a header only, never in an address.
package access
