// Package metrics turns what the components of a process report into Prometheus metrics.
//
// The components do not know Prometheus. Each reports what happened through a small interface that
// it defines itself (ingest.Observer, processor.Observer, httpx.Observer), or is asked for its
// state at each scrape (the projector). [Set] is the registry of a process. A component that does
// not run in the process adds no metric.
//
//	set.go       the registry, HTTP, the histograms of batches
//	services.go  ingest and processor
//	state.go     what is asked for at a scrape: readiness, the stream, the views
//
// # Labels
//
// A label has few values, all known to the program: a service, an outcome, an error code, a status,
// a registered route. Never a key, license, customer, manager, product, or a path as it was sent:
// these are private and unbounded.
//
// # Caveats
//
// Counters count what this process did since its start. Rows that were decided twice, because an
// acknowledgement was lost, count twice. Rows of an all_or_nothing import pass two phases. The
// truth about an import is its result. A scrape asks every component whether it is ready, so it
// waits for the stream's leader: a few seconds at most.
package metrics
