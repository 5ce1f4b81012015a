package ingest

import "time"

// Observer receives what happened, for metrics. Several goroutines call it.
type Observer interface {
	// Received reports bytes of an upload as the client sent them, compressed or not.
	Received(bytes int)
	// Stored reports a batch of rows that the stream has acknowledged, and how long that took.
	Stored(rows int, took time.Duration)
	// Ended reports the end of an upload that had a job id: sealed, or aborted or cancelled.
	Ended(sealed bool)
}

type nopObserver struct{}

func (nopObserver) Received(int)              {}
func (nopObserver) Stored(int, time.Duration) {}
func (nopObserver) Ended(bool)                {}
