package ingest

import "time"

// Observer is told what happened, for metrics. Several uploads call it at once.
type Observer interface {
	// Received bytes of an upload, as they came: packed, where it was sent so.
	Received(bytes int)
	// Stored a batch of rows, which were acknowledged after so long.
	Stored(rows int, took time.Duration)
	// Ended is an upload that had been given a job: it was sealed, or else aborted
	// or cancelled.
	Ended(sealed bool)
}

type nopObserver struct{}

func (nopObserver) Received(int)              {}
func (nopObserver) Stored(int, time.Duration) {}
func (nopObserver) Ended(bool)                {}
