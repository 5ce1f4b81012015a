// Package projector follows the stream of events, folds it into views, and reads them. The views hold
// nothing that the stream does not: folding the stream again gives the same views, byte for byte
// ([Projector.Digest]).
//
//	LICENSES ──▶ follower ──▶ memtable ──▶ viewstore ──▶ views.bolt ──▶ Reader ──▶ readapi
//	             decode       apply.go     write                          ▲
//	                          └── progress of running imports, in memory ─┘
//
// Package viewstore stores the views: it knows their layout, and this package knows what they mean
// (views.go). Package readapi answers HTTP requests from [Projector] and [Reader].
//
// # Folding
//
// apply.go turns one event into changes of the views. It is pure: the result depends on the earlier
// events of the stream alone, neither on the clock nor on transaction boundaries. An event that it
// cannot apply, or of a type that it does not know, stops the projector with an error that names
// stream and sequence. [Projector.Ready] reports it; nothing is skipped.
//
// Customers and orders exist in the views only. The first event that names an e-mail creates the
// customer: the event's sequence is its id, and its data are those of that row. Orders are created by
// their store id in the same way. Either is gone when the last license leaves it, by an update that moves
// the license or by an undo. An event that names it later creates another one (party.go).
//
// A CustomerImported says what a row says. Whether it makes, changes or finds its customer is decided here, in the
// order of the stream (applycustomer.go). The customer then stays without licenses, and customer_now says
// which event left it as it is. A reader sees the customer as it is, or if it sees some products only, as
// [Customer.ShownTo] says.
//
// Every other thing that rows make is an aggregate at the subject of its events (applyaggregate.go): the features of
// licenses, and what a further kind of import makes. These events are folded by what became of their rows
// ([events.Outcome]), whatever their types. A feature is one of the license that its events name: a license that is
// revoked has none, and one that is imported with its key later begins without.
//
// The record of a license is never written again. Of the few that change, the views hold each later event
// and which one is the last (applychange.go); a revoked license stays readable by its id. All indexes,
// lists and counters hold licenses as they are now, so a selection needs no check of its members:
//
//	an import     adds to the ends of lists and indexes, and looks nothing up but names
//	a change      looks up the license, and writes again the slots and blocks that it leaves
//
// What an undo would do is counted while folding, by chains of events (see the views), so that
// [Reader.UndoPreview] reads three counters.
//
// What a search looks at is written beside each license, as it is now, by column (searchtext.go).
//
// # Committing
//
// One memtable is filled while the previous one is written (batchwriter.go). A memtable is committed,
// with the position in the stream, at the first of (commitpolicy.go):
//
//	12,000 events       3000 while several imports run; 50,000 in a rebuild
//	64 MiB of events
//	500 ms              2 s while more events are pending
//	the end of an import, 5 ms after it while more events are pending
//	a reader that waits for an event in it
//
// If the previous one is still being written, the commit follows that write. Backpressure: at most
// 2048 events, or 32 MiB, are decoded and not yet folded (follower.go).
//
// # The file
//
// [Open] verifies all of the file before anything of it is served, in about 0.2 s for each million
// licenses. The stream is folded again from its beginning when the file is
//
//	damaged            it is set aside as views.bolt.bad
//	of another format  it is removed
//
// Where the stream ends before the file's position, or holds another event there, something is lost: Open
// changes nothing and returns a [*eventlog.LossError], which says what the file holds (origin.go,
// streamloss.go).
//
// A file that is damaged while it is open is opened again in the same way (damage.go): reads fail
// meanwhile. Calls that hang are left behind, so that no read and no stop waits for ever.
//
// A file of which more than half is free is replaced by a smaller one, while it is folded into and read
// (shrink.go).
//
// On a full disk the projector waits for free space and continues from the last commit
// (diskfull.go). [Export], [Import], [CatchUp] and [Rebuild] work on a directory that no projector
// has open.
//
// # Reading
//
// A [Reader] sees the last commit. The progress of running imports comes from memory and moves with
// whole batches only, so that its counts are consistent.
//
// A client reads its own writes: a read waits, at most [ReadTimeout], until the views hold what was
// acknowledged before (readyourwrites.go).
//
//	what exists in the views    is answered at once
//	what would be missing       waits for the stream's end at the time of the request
//	an import that has ended    waits for its undo, if the stream has one
//	the list of imports         waits for all uploads and undos that were answered
//	everything                  waits until the views were at the stream's end once since the start
//
// A read that times out is an [ErrLagging].
//
// # Caveats
//
//   - An open Reader keeps the file from reusing pages: [Projector.Read] is for short reads, and long
//     answers take several, or go through the disk ([Projector.Stream], [Projector.Copy]).
//   - Only one process can have a directory's views open.
//   - Commits are not synced. After a power cut the file may be damaged; it is then folded again.
package projector
