package ingest

import (
	"log/slog"
	"math"
	"time"

	"licenseimport/internal/csvfile"
)

// Config holds what an operator may set. Zero values are the defaults.
type Config struct {
	MaxFile int64 // bytes of a file, decompressed; a larger one is answered 413. Default 4 GiB
	// MaxWorkbook is the limit of a workbook's bytes as it is sent; a larger one is answered 413. Once it
	// is unpacked it may take 16 times as much, and no more than MaxFile. Default 256 MiB.
	MaxWorkbook int64
	MaxRows     int // of a file; a longer one is answered 413. Default 20 million
	MaxRow      int // bytes of a row; a longer row is rejected, the others are not. Default 256 KiB
	MaxColumns  int // of a file; one with more is answered 400. Default 200
	// MaxUploads in flight; more are answered 503. What a manager has beyond half of them does not
	// count against the others: these find their half free, so half as many again may be in flight.
	// Default 16.
	MaxUploads int

	// A client that sends less than SlowBytes in SlowWindow is answered 408. Defaults 64 KiB, 60 s.
	SlowBytes  int64
	SlowWindow time.Duration

	// FlushAfter is how long a batch that is not full waits for another row, and up to twice as
	// long. Default 20 ms.
	FlushAfter time.Duration
	// WatchEvery is how often an upload polls whether it was cancelled. Default 2 s.
	WatchEvery time.Duration

	// Abandoned is how long an upload may give no sign of life before the janitor aborts it: no new
	// row, and no process responds for it. Default 2 min.
	Abandoned time.Duration
	// Retention is how long the rows of a sealed import stay at least after its end. Default 7 days. Those of
	// an import that ended before its seal are purged at once.
	Retention time.Duration
	// SweepEvery is the janitor's interval. Default a quarter of Abandoned, at most 30 s.
	SweepEvery time.Duration

	// TempDir is the directory of the temporary files of workbooks. Default the system's.
	TempDir string
	// MinFree is the free space in bytes that these files leave on the disk; an upload that would take
	// more is answered 507. Default 0.
	MinFree int64

	// Observer receives what happened, for metrics. Default none.
	Observer Observer
	// Log receives the begin and the end of each upload, with its job id. Default slog's.
	Log *slog.Logger
}

const (
	// storedFactor and leastStored bound what is stored of a file: its rows as events may take
	// storedFactor times Config.MaxFile, and at least leastStored. An event has the names of its
	// columns, so it is larger than its row: 2 to 3 times with values of usual length, and 100 times
	// where a row is one character.
	storedFactor = 4
	leastStored  = 16 << 20

	maxBatchRows     = 1000    // NATS's limit of messages in an atomic batch
	maxBatchBytes    = 2 << 20 // a larger row is a batch by itself
	buffersPerUpload = 2       // one fills while the other is stored

	syncEvery       = 50_000           // rows after which an upload makes them durable, so that its seal has little left to write
	lastFactTimeout = 10 * time.Second // of the fact that ends an upload
	storeTimeout    = 20 * time.Second // of a batch or fact with its retries: longer than a NATS server's restart
	idTimeout       = 30 * time.Second // of drawing a job id
)

// maxStored is the limit of what is stored of a file, in bytes.
func (c Config) maxStored() int64 {
	if c.MaxFile > math.MaxInt64/storedFactor {
		return math.MaxInt64
	}
	return max(c.MaxFile*storedFactor, leastStored)
}

// withDefaults replaces zero values by the defaults.
func (c Config) withDefaults() Config {
	orElse(&c.MaxFile, 4<<30)
	orElse(&c.MaxWorkbook, 256<<20)
	orElse(&c.MaxRows, 20_000_000)
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
