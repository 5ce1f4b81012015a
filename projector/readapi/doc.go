// Package readapi answers every GET from the views of a [projector.Projector].
//
//	request ──▶ access: may this manager ask? ──▶ wait, where the views may lag ──▶ read ──▶ JSON
//	                                                 (projector.WaitFor…)        (projector.Read)
//
// The projector selects: queries, indexes and the events behind them are its own. This package
// decides who sees what (visibility.go), pages (page.go) and renders (render.go).
//
// # Consistency
//
// An answer is read in one transaction: it shows the views as one commit left them. The counters of
// a running import come from memory. They move with whole batches only, so their sums always agree.
//
// # Read your writes
//
// A client never gets less than what was acknowledged to it before. An answer that could lack
// something waits for the views:
//
//	answer                                   waits for
//	any, until the views were at the         the stream's end at the time of the request
//	stream's end once since the start
//	the list of imports                      the last upload that was sealed or aborted
//	one import that is not known             its last event, if the stream has one
//	a license, customer, order above         that sequence, if the stream has it
//	the views' position
//	rows of a running import, as a list      the last event that the import shows
//	or a CSV
//	all others                               nothing
//
// # Deadlines
//
// A wait ends after [projector.ReadTimeout] with 503 views_behind, a search with 503
// search_too_broad; both have a Retry-After of 1 s. A client has 1 minute for each piece of a CSV,
// 30 s for each event of a stream and 10 minutes for the views' file.
//
// # Caveats
//
//   - Lists of licenses, customers and orders do not wait: a license that is about to be committed
//     may be missing for some 0.5 s (2 s while events arrive faster than they are folded).
//   - The pages of a list are read one at a time: what is added between two requests moves the rest.
//   - A list without an index for its filter counts its members by passing all of them; a count of
//     many rows takes time on every page.
//   - A CSV is read in several transactions, so that a slow client does not keep the file from reusing
//     pages. The views' file is written in one: while it is read, the file may grow.
//   - The counts of an import are shown to everybody who sees the import, also where its rows are not.
package readapi
