// Package readapi answers every GET from the views of a [projector.Projector].
//
//	request ──▶ access ──▶ wait for the views ──▶ read and select ──▶ hide, page, render
//	            (401, 403)  (WaitFor…; 503)        (Projector.Read)
//
// The projector selects: queries, indexes and the events behind them are its own. This package
// decides who sees what (visibility.go), pages (page.go) and renders (render.go).
//
// # Consistency
//
// An answer is read in one transaction: it shows the views as one commit left them. The counters of
// a running import come from memory. They move with whole batches only, so their sums always agree.
// An import is shown as ended when all of its rows and licenses can be read, not before.
//
// # Read your writes
//
// A client never gets less than what was acknowledged to it before. An answer that could lack
// something waits for the views:
//
//	answer                                   waits for
//	any, until the views were at the         the stream's end at the time of the request
//	stream's end once since the start
//	the list of imports                      the last upload that was sealed or aborted, and
//	                                         the last undo
//	one import that is not known             its last event, if the stream has one
//	one import that has ended                its undo, if the stream has one
//	a license, customer, order above         that sequence, if the stream has it
//	the views' position
//	rows of a running import, as a list      the last event that the import shows
//	or a CSV
//	all others                               nothing
//
// # Deadlines
//
// A wait ends after [projector.ReadTimeout] with 503 views_behind, a read with 503
// search_too_broad; both have a Retry-After of 1 s. A read asks in each of its steps, also where it
// passes what the manager may not see, and ends when the client leaves. To count takes no memory. A
// client has 1 minute for each piece of a CSV, 30 s for each event of a stream and 10 minutes for the
// views' file.
//
// Answers in pieces are long in the table of routes (api.go): they end within a second after their key was
// revoked.
//
// # Caveats
//
//   - Lists of licenses, customers and orders do not wait: a license that is about to be committed
//     may be missing for some 0.5 s (2 s while events arrive faster than they are folded).
//   - Each page of a list is a transaction: what is added between two requests moves the rest.
//   - Where no counter has the number of members, each page passes all of them to count them.
//   - A CSV of an import's rows is read in several transactions, so that a slow client does not keep the
//     file from reusing pages. An export, and the views' file, are read in one at the disk's speed, onto
//     the disk: meanwhile the file may grow. An export has no time limit; a filter that selects little
//     sends nothing until it is found.
//   - A filter without an index passes all licenses, customers or orders that the other filters leave:
//     some 2 s for each million of them.
//   - A manager limited to products reads another manager's import by passing all of its rejected or
//     existed rows: 1 s for each 600,000 of them.
//   - The counts of an import are shown to everybody who sees the import, also where rows are not;
//     only the counts of customers and orders are null for a manager limited to products.
package readapi
