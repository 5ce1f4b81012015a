// Package access authenticates and authorizes callers: managers, their roles and keys.
//
// A key looks like lik_<8 characters>_<43 characters>: a public prefix, which lists show,
// then 32 random bytes in base64url. It is shown once. Under the prefix the bucket
// "managers" holds the manager's name, role and products and the key's SHA-256 digest. So
// a reader of the bucket has no key. Digests are compared in constant time. One key is
// stored in clear: the admin key of a first start ([EnsureAdminKey]).
//
// A revoked key's record stays, marked as revoked. So nothing restores the key by
// mistake: neither a file that still holds it nor a second key with the same prefix.
//
// Each change of the bucket is an event of the log ([Open]), which names the manager who made it
// ([Store.As]).
//
// Each request looks its key up through a cache with a TTL of half a second
// ([Authenticator]). So a revoked key stops within a second in every process, and a poll
// costs no round trip. A process that cannot reach the bucket answers 503.
//
// A request that goes on (an upload, an event stream, a download) is authenticated again while it
// does: [Authenticator.Watch] ends its context within a second after its key was revoked.
//
// A person who stays signed in sends a cookie in place of the key ([Sessions]). The same checks hold, and
// it ends with its key. A request by the cookie that changes something must come from this server's page.
//
// # Caveats
//
// Role and products stand in the key's record: two keys of one name may differ. Imports
// belong to the manager's name, and so to all its keys. Keys are sent in a header only,
// never in a URL or a cookie.
package access
