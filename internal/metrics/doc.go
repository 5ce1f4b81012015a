// Package metrics makes Prometheus metrics of what the parts of a process tell.
//
// The parts know nothing of Prometheus: each says by a small interface of its own what
// happened (ingest.Observer, processor.Observer, httpx.Observer), or can be
// asked how it is (the projector). [Set] is the one registry of a process; a
// part that does not run here adds no metric.
//
// # Labels
//
// Labels have few values, all of them known to the program: a stage, an outcome,
// an error code, a status, a registered route. Never a key, a license, a customer,
// a manager, a product or a path as it was sent: these are nobody's business, and
// have no bound.
//
// # Caveats
//
// Counters count what this process did since it started. Rows that were decided
// twice, since the first answer got lost, are counted twice; rows of an
// all_or_nothing import pass two phases. The truth about an import
// is its result. A scrape asks every part whether it is ready, and so waits for
// the stream's leader: some seconds at most.
package metrics
