// Package projector answers every GET. It follows the stream of facts, folds it
// into views and reads them. The views hold nothing that the stream does not:
// deleting their file and starting again gives the same answers, byte for byte.
//
//	LICENSES ──▶ decode ──▶ fold (apply.go) ──▶ batch ──▶ write ──▶ views.bolt ──▶ api*.go
//	                          └── counters of running imports, in memory ───────┘
//
// # Folding
//
// apply.go turns one event into changes of the views. It is pure: what it does
// depends on the events before it in the stream and on nothing else, neither on
// the clock nor on where one transaction ends and the next begins. While a batch is
// written the next one is folded (lanes.go): what it looks up is in itself, in the one that is
// written, or in the file (past.go). An event that it cannot apply, or of a type that it
// does not know, stops the projector with an error that names stream and sequence;
// [Projector.Ready] says so, and nothing is skipped.
//
// Customers and orders exist in the views only. Which row made one is decided by
// the order of the events: the customer's id is the sequence of the license that
// named its e-mail first, and its data are that row's.
//
// # The file
//
// All views are buckets of the one bbolt file views.bolt (the table of views.go).
// The position in the stream is written in the same transaction as what it
// stands for. A license's event is stored once, together with its neighbours' and compressed, and so
// is that of a rejected row or of one whose license existed (segments.go); sets of licenses are kept in blocks (blocks.go), and what a license key, an e-mail or a
// store id stands for in slots of a hash table (slots.go). Changes are collected in memory and
// written in the order of the file's keys, after 12,000 events (in a rebuild 50,000), 64 MiB or 500 ms (2 s while
// more events are at hand), and at once when an import ends or a reader waits; or, if another
// batch is being written then, when that is. Random writes are what costs: a transaction touches
// nearly every entry of an index that has no order. So such indexes are kept in parts, one for
// each 131,072 sequences (eras.go), and folding knows which parts may have a name (names.go).
//
// Each view has a checksum, the sum over its entries, that every transaction
// keeps up to date. [Open] walks all views once and compares, so that a file that
// is truncated, overwritten or has a single bit flipped is found before anything of
// it is served; it is then set aside, and folded anew from the stream. The walk
// takes some 0.2 s for each million licenses. The same happens to a file of
// another stream, one that is ahead of its stream, and one of another format.
//
// # Reading
//
// Answers come from the last committed transaction; the counters of a running
// import come from memory and move only with whole batches, so that they are
// consistent at any time. A license, customer, order or ended import that exists is answered
// at once, and an import that goes on also before it is written. Only the list of imports, and
// what would be 404, asks the stream's leader what there is and waits for that, up to 2 s; then
// it is a 503 with Retry-After. So a client never gets less than what was acknowledged to it
// before. That holds for every answer until the views have caught up with the stream once after
// the start.
//
// Long answers (a CSV of all rejected rows, a stream of progress) read in short transactions:
// an open one would keep the file from reusing pages.
package projector
