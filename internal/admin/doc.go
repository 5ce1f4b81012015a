// Package admin is the API of what admins manage: managers' keys, the catalogue of products, and the audit
// log of both and of saved mappings.
//
// # The audit log
//
// Each change is an event of the stream LICENSES, at operations.<what>.<revision>, which names who made it
// and when: see [eventlog.RecordedBucket]. The key-value bucket is written first, so that a revocation
// depends on nothing else; the event follows from the bucket's entry. [Audit] appends what a crash in
// between has left out: every minute, and whenever the log is read. So a reader of the log always sees what
// the buckets hold.
//
// # Access
//
// Every route needs the right [access.Manage]: an admin that is not limited to products. The table in
// api.go is the one place.
package admin
