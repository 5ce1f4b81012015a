// Package ingest takes uploads. It turns a CSV file into RowReceived events in the stream ROWS and
// promises that no row of an upload that was answered 200 is lost.
//
// # The way of a row
//
//	request ─▶ pacedReader ─▶ body ─▶ file ─▶ rowParser ─▶ batcher ─▶ ROWS
//
//	ingest.go       the routes, admission, shutdown
//	config.go       limits and timeouts, with their defaults
//	limiter.go      how many uploads are in flight, shared between managers
//	upload.go       drives one upload: the steps below, and its end
//	source.go       where an upload's rows come from
//	query.go        the table of query parameters, the Idempotency-Key
//	pacedreader.go  the request's body: minimum pace of the client, interruption
//	multipart.go    exactly one part, named file; length and SHA-256
//	gzip.go         the file or the request, unpacked
//	workbook.go     tells a workbook from a CSV; the temporary file of a workbook
//	rowparser.go    CSV to RowReceived; damaged rows become events, too
//	mapping.go      which mapping a file has: the query's, the one that the file names, or none
//	mappings.go     the routes of saved mappings
//	inspect.go      what the columns of a file seem to be
//	idempotency.go  draws the job id, and recognizes a repeated upload
//	batcher.go      collects events into batches and stores them while the next one fills
//	jobstate.go     loads the state of an import and appends the fact that a decision makes of it
//	transitions.go  refused transitions as HTTP answers; what the janitor does
//	cancel.go       the route that cancels an import
//	undo.go         the route that undoes an import
//	retry.go        the route that imports again the rows that an import rejected
//	rejected.go     reads these rows from the outcomes of that import
//	retrymapping.go the header of that import's file under another mapping
//	janitor.go      ends abandoned uploads, purges rows that nobody needs
//	template.go     the CSV template
//	observer.go     what is reported for the metrics
//	proxy.go        passes all other API requests on to the projector (role ingest only)
//	proxy_watch.go  gives a projector up that does not answer
//
// A workbook cannot be read before its end has arrived. So it is first written to a temporary file that
// has no name, then read like a CSV; its first three steps begin when the request has been read.
//
// # Steps of an upload
//
// After a crash between two steps the state in the streams is well-defined.
//
//  1. The header and the first row are read. An error up to here is the client's and makes no import.
//  2. A job id is drawn: the revision of an entry in a KV bucket.
//  3. The first batch of rows is stored and made durable, and then ImportStarted. So every import that started has
//     rows, and the janitor finds open uploads by the subjects of ROWS.
//  4. The other batches follow. One is read and encoded while another is stored.
//  5. The closing boundary and the end of the body are read, the stream has acknowledged every row,
//     all rows are durable, and the manager's key still works. Then ImportSealed is appended, and 200 is answered. A
//     processor works on sealed imports only.
//
// An upload that ends before step 5 appends ImportAborted and purges its rows; nothing of it is
// imported. If it cannot (the process died, or NATS cannot be reached), the janitor does both later.
// Only an import that can never be sealed any more loses its rows: see [importjob.State.Discarded].
// A batch that was in flight may be stored after the purge; the next sweep purges again.
//
// While an upload is received its process responds to those who ask whether it is alive
// ([eventlog.Log.UploadAlive]). The janitor, in any process, aborts an upload that gave no sign of
// life for two minutes (Config.Abandoned) and two visits: no new row, and no response. A process that died, hangs
// or is cut off does not respond.
//
// # Retry
//
// A retry is an upload whose rows come from outcomes.<job>.rejected instead of a file: steps 2 to 5 are
// the same, and so are the batches, the seal, the limits and the janitor. It holds one row of that
// subject at a time. A row keeps the line of the first file and gets another number; one that could
// not be read as CSV is received as such again. ImportSealed has the length and the SHA-256 of the rows
// as CSV records (rejected.go), so two retries of the same rows have the same. Everything else that
// ImportStarted says is the first import's, but for who retries, and what the query says.
//
// # Concurrent transitions
//
// Seal, abort and cancel may happen at the same time in different processes. Each reads the
// import's state, decides by the pure functions of package importjob, and appends a fact that
// expects the last sequence it has read. If another fact came first the stream refuses the append,
// and the process reads and decides again (jobstate.go). So one of them wins and the others see its
// fact.
//
// # Memory and backpressure
//
// An upload holds one row, two batches and its buffers: 1 to 6 MiB, whatever the size of the file.
// A batch is stored as soon as one of these holds:
//
//	rows             1000
//	bytes            2 MiB
//	no further row   for 20 to 40 ms (Config.FlushAfter)
//
// If storing is slower than reading, the upload stops reading. That time does not count against the
// pace of the client; only time spent waiting for the client does.
//
// # Caveats
//
// A key that is revoked ends its uploads within a second (access.Authenticator.Watch), with 401. While
// the keys cannot be checked an upload goes on; it is not sealed before they can.
//
// What is stored of a file is bounded, too: 306 bytes of gzip can be 150,000 rows of one character,
// and 23 MB of events. So a file is refused beyond Config.MaxRows, and where its events take more
// than four times Config.MaxFile (and than 16 MiB).
//
// An unknown query parameter is refused, since a misspelt dry_run would import.
//
// If the disk of an external NATS server is full, an upload is answered 503 after some 30 s: that
// server's answer looks like any other failure. The embedded server's disk is checked first, and
// the answer is 507.
//
// [Ingest.Shutdown] lets uploads finish until its context ends, and then aborts them.
package ingest
