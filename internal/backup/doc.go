// Package backup writes the log into a folder while everything runs, and makes a
// log from such a folder.
//
// # What a backup holds
//
//	manifest.json        what stands in it: format, time, program, streams
//	LICENSES.snapshot    a snapshot of each stream, in NATS's own format
//	ROWS.snapshot
//	KV_jobs.snapshot     the buckets are streams, too
//	KV_managers.snapshot
//	KV_products.snapshot
//	views.bolt           a copy of the views, where whoever made the backup could get one
//	SHA256SUMS           for each file above; sha256sum -c SHA256SUMS checks it without this program
//
// SHA256SUMS comes last, by a rename, when everything is on the disk: a folder
// without it is a backup that was interrupted, and is not restored. [Open] reads all
// files and compares them before anything is written anywhere.
//
// The views hold nothing that LICENSES does not; with a copy of them a restore of millions of
// licenses is a matter of seconds. They are copied first, from one transaction, so that they are
// never ahead of the stream; what they lack at its end is folded after a restore. A restored stream
// is another stream to views, made at another time: whoever restores has to tell
// them. A copy that is damaged, or does not fit, is left aside and folded anew.
//
// The file admin.key is not in it: the buckets hold digests of keys only, and a backup
// should open no door. It does hold customers' data, so its files are private.
//
// # The moment of a backup
//
// It is the moment at which the snapshot of LICENSES is taken. Every import that
// was sealed by then is in the backup with all its rows, and is brought to its end after
// a restore, from the last batch of outcomes in LICENSES on. Each snapshot is cut
// between two batches ([eventlog.Log.Snapshot]): half a batch would leave outcomes
// without the position that they were committed with, and rows would be decided twice.
//
// # Why this order
//
// The streams cannot be cut at one moment, so each is taken before those that it
// may lag behind:
//
//   - LICENSES is first and ROWS comes after it. Rows are stored before their job is
//     sealed, so each job that is sealed in LICENSES has its rows in ROWS. The other
//     way round, a job might be sealed of which ROWS lacks the end. What ROWS holds too much are
//     rows of uploads that were not sealed at that moment; the janitor of ingest
//     ends those after two minutes, as it does with any upload that broke off. (Rows
//     are purged days after their job has ended. A retention shorter than the time of
//     a backup could purge rows of a job that ended meanwhile; it then ends as
//     rows_missing. Don't set it so low.)
//   - The bucket of jobs is after both. A job id is the revision of an entry there and is drawn
//     before the job's first row is stored. So this bucket has counted beyond every
//     id in the two streams, and gives none of them out again. The other way round,
//     ids could repeat; ingest would notice and draw on, one at a time.
//   - An idempotency key in it may stand for an upload that LICENSES does not know, or
//     not as sealed. Ingest meets that after a crash as well: the key is free again
//     once that job is ended as abandoned.
//   - Managers and products depend on nothing. An entry that is replaced
//     while its bucket is copied could be missing, so they are copied again
//     until nobody wrote meanwhile. In the bucket of jobs only the key of an upload that
//     had failed can get lost like that, and it is free in any case.
//
// The consumer that the processors share is not restored: it may have been moved
// past a job after LICENSES was cut. Without it each sealed job is looked at again;
// one that has ended costs four short requests. The durable consumers of other services
// are restored where they were, bounded by the snapshot.
//
// # What a restore cannot know
//
// What happened after the backup did not happen: uploads acknowledged since then
// have to be sent again, their ids will be given to others, and keys that were revoked since then
// work again.
package backup
