// Package ingest takes uploads: it turns a CSV file into events and promises
// that none of them is lost.
//
//	request ──▶ wire ──▶ multipart, gzip ──▶ file ──▶ rows ──▶ sender ──▶ ROWS
//	            pace     exactly one part    length,  CSV to   atomic
//	                     named file          SHA-256  events   batches
//
// # What an upload is
//
// An upload becomes an import in steps, each of which leaves the stream in a
// state that is understood after a crash:
//
//  1. The header and the first row are read. Whatever is wrong up to there is
//     the client's to mend, and makes no import.
//  2. An id is drawn: the revision of a KV entry (claim.go).
//  3. The first batch of rows is stored, and then ImportStarted. So every import
//     that started has rows, and the janitor finds every open upload by the
//     subjects of the stream of rows.
//  4. The other batches follow, the next one being read and encoded while one is
//     stored (sender.go).
//  5. After the closing boundary and the end of the request's body, when every
//     row is acknowledged, ImportSealed is appended. Only then is 200 answered,
//     and only then may a processor begin.
//
// Whatever ends an upload before step 5 appends ImportAborted, and nothing of it
// is imported. If that fails too, since NATS cannot be reached, the janitor does
// it later.
//
// # Who decides
//
// Seal, abort and cancel may happen at the same moment, in different processes.
// Each reads the import's state, has package importjob decide and appends the
// fact, expecting that it follows the last one that it knows; else it reads and
// decides again (jobstate.go). So exactly one of them wins, and the others learn
// of it. transitions.go turns refusals into answers.
//
// # Memory and pace
//
// Memory does not grow with a file: an upload holds one row, two batches and
// some buffers, 1 to 6 MiB depending on how large its rows are. A batch is stored when it has 1000 rows or
// 2 MiB, or when nothing more has come for some 20 ms, so that rows of a slow
// client are safe early. Time spent waiting for NATS does not count against the
// client's pace; time spent waiting for the client does.
//
// # Caveats
//
// The janitor takes an upload for abandoned when it had no new row for two
// minutes. A single row that takes longer to arrive, which means a row of more
// than 128 KiB at the slowest pace allowed, is aborted by it.
//
// A query parameter that is not known is refused: a misspelt dry_run would import.
//
// A NATS server whose disk is full answers that batches are incomplete, which
// looks like any other trouble: an upload is answered 503 after some 30 seconds.
//
// A shutdown lets uploads finish for as long as its context allows, then aborts
// them: see [Ingest.Shutdown].
package ingest
