package ingest

import (
	"log/slog"
	"time"

	"licenseimport/internal/csvfile"
)

// Config holds what an operator may set. Zero values are the defaults.
type Config struct {
	MaxFile    int64 // bytes of one file, unpacked; more is 413. Default 4 GiB
	MaxRow     int   // bytes of one row; a longer one is rejected alone. Default 256 KiB
	MaxColumns int   // of a file; more is 400. Default 200
	MaxUploads int   // at once; more is 503. Default 16

	// A client that sends less than SlowBytes in SlowWindow is answered 408.
	// Defaults 64 KiB in 60 s.
	SlowBytes  int64
	SlowWindow time.Duration

	// FlushAfter is how long a batch that is not full waits while nothing more
	// comes; twice as long at most. Default 20 ms.
	FlushAfter time.Duration
	// WatchEvery is how often an upload looks whether it was cancelled. Default 2 s.
	WatchEvery time.Duration

	// Abandoned is how long an upload without seal may have no new row before
	// the janitor aborts it. Default 2 min; it must be longer than SlowWindow.
	Abandoned time.Duration
	// Retention is how long the rows of an import stay after its end. Default 7 days.
	Retention time.Duration
	// SweepEvery is how often the janitor looks. Default a quarter of Abandoned, at most 30 s.
	SweepEvery time.Duration

	// Observer is told of uploads, for metrics; nil: nobody.
	Observer Observer
	// Log is told of uploads' beginnings and ends, by job id. Default slog's.
	Log *slog.Logger
}

const (
	maxBatchRows     = 1000    // what an atomic batch of NATS holds
	maxBatchBytes    = 2 << 20 // a row that is larger goes alone
	buffersPerUpload = 2       // of an upload: one is filled while the other is stored

	lastFactTimeout = 10 * time.Second // for the last fact of an upload that ends
	storeTimeout    = 20 * time.Second // for one batch or fact, retries included: a NATS server restarts in less
	idTimeout       = 30 * time.Second // for drawing an id
)

// withDefaults fills in what was not set.
func (c Config) withDefaults() Config {
	orElse(&c.MaxFile, 4<<30)
	orElse(&c.MaxRow, csvfile.DefaultMaxRow)
	orElse(&c.MaxColumns, csvfile.DefaultMaxColumns)
	orElse(&c.MaxUploads, 16)
	orElse(&c.SlowBytes, 64<<10)
	orElse(&c.SlowWindow, time.Minute)
	orElse(&c.FlushAfter, 20*time.Millisecond)
	orElse(&c.WatchEvery, 2*time.Second)
	orElse(&c.Abandoned, 2*time.Minute)
	orElse(&c.Retention, 7*24*time.Hour)
	orElse(&c.SweepEvery, min(max(c.Abandoned/4, time.Millisecond), 30*time.Second))
	if c.Observer == nil {
		c.Observer = nopObserver{}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

func orElse[T int | int64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
