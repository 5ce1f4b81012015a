package processor

import (
	"context"
	"math"
	"time"

	"licenseimport/events"

	"github.com/bits-and-blooms/bloom/v3"
)

const (
	// carefulBatches is how many batches are not overlapped after a refused one.
	// Overlapping would waste the work on the batch that follows a refused one, and
	// the place that it keeps on the server for some seconds.
	serialBatches = 16
	// searchedBatches is how many batches are looked up whole after a license was found that
	// another job made: where there is one, there are more.
	fullLookupBatches = 16

	minBackoff = 10 * time.Millisecond
	maxBackoff = time.Second
)

// care is what a processor has learned of a job while it is at it.
type lookupPolicy struct {
	seen        *bloom.BloomFilter // the licenses of all rows that it read; nil: it has imported none yet
	fullLookups int                // batches whose licenses are all looked up

	serialLeft int           // that are not to be overlapped
	conflictAt events.Seq    // where the job was at the last refusal
	backoff    time.Duration // before it is decided again from there
}

// begin prepares for the rows behind the job's position. A first look-up is cheap and
// tells a file that was imported before. The rows that another processor read are unknown: then each
// license is looked up.
func (c *lookupPolicy) begin(known job) {
	if c.seen != nil || known.progress.Phase != events.Import {
		return
	}
	c.seen, c.fullLookups = newSeenFilter(known.rows), 1
	if known.progress.Row > 0 {
		c.fullLookups = math.MaxInt
	}
}

// searches tells whether all licenses of the next batch are to be looked up ahead, not only
// those that the job's rows have named before. A license of which nobody asked is refused
// with its batch if it exists, and then asked for. Rows that are only validated make none.
func (c *lookupPolicy) lookUpAll() bool {
	if c.seen == nil || c.fullLookups == 0 {
		return false
	}
	c.fullLookups--
	return true
}

// found looks at whose licenses a look-up has found.
func (c *lookupPolicy) observe(origins Origins, id events.JobID) {
	for _, origin := range origins {
		if origin.JobID != id {
			c.fullLookups = max(c.fullLookups, fullLookupBatches)
			return
		}
	}
}

// alone tells whether the next batch is not to be staged before the one before is stored.
func (c *lookupPolicy) serial() bool {
	if c.serialLeft == 0 {
		return false
	}
	c.serialLeft--
	return true
}

// refused notes that a batch was refused that was to follow at. The first time it
// is decided again at once: somebody else imported one of its licenses. When the job
// does not get on, the reason lies with the server, which is given longer and longer.
func (c *lookupPolicy) onConflict(ctx context.Context, at events.Seq) error {
	if c.conflictAt != at {
		c.conflictAt, c.backoff = at, 0
	}
	c.serialLeft, c.fullLookups = serialBatches, max(c.fullLookups, serialBatches)
	timer := time.NewTimer(c.backoff)
	defer timer.Stop()
	c.backoff = min(max(2*c.backoff, minBackoff), maxBackoff)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	seenBitsPerRow = 16       // for each row
	maxSeenRows    = 32 << 20 // rows, 64 MiB; with more of them more look-ups are made than needed
	seenHashes     = 4
)

// newRepeats will remember which licenses a job's rows have named, so that of all the
// others nobody needs to ask whether the job itself made them. It takes a new license for a
// repeated one now and then, one in some hundred, but never a repeated one for
// new. What it says leads to a look-up, never to an outcome.
func newSeenFilter(rows events.Row) *bloom.BloomFilter {
	return bloom.New(uint(min(rows, maxSeenRows))*seenBitsPerRow, seenHashes)
}
