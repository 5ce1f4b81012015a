// Package backup writes the log into a directory while everything runs, and restores a log from it.
//
// # Content
//
//	manifest.json        format, time, program, streams
//	LICENSES.snapshot    a snapshot of each stream, in the format of NATS
//	ROWS.snapshot
//	KV_jobs.snapshot     a bucket is a stream, too
//	KV_managers.snapshot
//	KV_products.snapshot
//	KV_mappings.snapshot
//	views.bolt           a copy of the views, if the source has one
//	SHA256SUMS           of each file above; sha256sum -c SHA256SUMS checks the backup without this program
//
// SHA256SUMS is written last, by a rename, when everything is on the disk. A directory without it
// is an interrupted backup and cannot be restored. [Open] compares all files with their checksums
// before anything is written anywhere.
//
// The views have nothing that LICENSES lacks; a copy of them makes the restore of millions of
// licenses a matter of seconds. They are copied first, from one transaction, so they are never
// ahead of the stream. A restore folds the events after them. To the views a restored stream is a
// different one, with another creation time, so the caller must assign it to them. A copy that is
// damaged or does not fit is ignored, and the views are rebuilt.
//
// The backup omits admin.key: the buckets have digests of keys only, and a backup should give no
// access. It has customers' data, so its files are private.
//
// # Moment
//
// The moment of a backup is the snapshot of LICENSES. The backup has every import that was sealed by then, with all its
// rows. After a restore the import continues from its last batch of outcomes in LICENSES. Each snapshot ends between
// two batches ([eventlog.Log.Snapshot]). Half a batch would leave outcomes without the position of their commit, and
// the next processor would have to search for them (processor/torn_batch.go).
//
// # Order
//
// No moment is common to all streams, so a snapshot precedes those that it may lag behind.
//
//	snapshot             why at this place
//	LICENSES             Rows are stored before their job is sealed. So ROWS, taken later, has the rows of
//	                     each sealed job. In the other order ROWS could lack the last rows of one.
//	ROWS                 Its extra rows belong to uploads that were not sealed. The janitor of ingest
//	                     aborts these after two minutes, as it does with any interrupted upload.
//	KV_jobs              A job id is the revision of an entry here, allocated before the job's first row is
//	                     stored. So its revisions are beyond every id in both streams, and no id repeats.
//	KV_managers, _products   They depend on nothing. A replaced entry could be missing, so a snapshot is
//	                     repeated until no write happened during it.
//
// Three consequences:
//
//   - A retention of rows that is shorter than a backup takes can purge the rows of a job that ended
//     during it. After a restore that job ends as rows_missing. Set a longer retention.
//   - An idempotency key may refer to an upload that LICENSES does not know, or not as sealed. Ingest
//     handles this as after a crash: the key is reusable once the job is aborted as abandoned.
//   - KV_jobs is not repeated. Only the key of a failed upload can be missing from its snapshot, and that
//     key is reusable in any case.
//
// The consumer that the processors share is not restored: its position may be beyond the end of
// LICENSES. Without it the stream delivers each sealed job again; one that has ended costs four
// short requests. Durable consumers of other services keep their positions, up to the end of the
// snapshot.
//
// # Limits
//
// A restore undoes everything after the backup. Uploads acknowledged since then must be sent again,
// their ids are assigned to other uploads, and keys revoked since then work again.
package backup
