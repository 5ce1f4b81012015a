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
	carefulBatches = 16
	// searchedBatches is how many batches are looked up whole after a license was found that
	// another job made: where there is one, there are more.
	searchedBatches = 16

	firstPause   = 10 * time.Millisecond
	longestPause = time.Second
)

// care is what a processor has learned of a job while it is at it.
type care struct {
	named  *bloom.BloomFilter // the licenses of all rows that it read; nil: it has imported none yet
	search int                // batches whose licenses are all looked up

	batches int           // that are not to be overlapped
	at      events.Seq    // where the job was at the last refusal
	pause   time.Duration // before it is decided again from there
}

// begin prepares for the rows behind the job's position. A first look-up is cheap and
// tells a file that was imported before. The rows that another processor read are unknown: then each
// license is looked up.
func (c *care) begin(known job) {
	if c.named != nil || known.progress.Phase != events.Import {
		return
	}
	c.named, c.search = newRepeats(known.rows), 1
	if known.progress.Row > 0 {
		c.search = math.MaxInt
	}
}

// searches tells whether all licenses of the next batch are to be looked up ahead, not only
// those that the job's rows have named before. A license of which nobody asked is refused
// with its batch if it exists, and then asked for. Rows that are only validated make none.
func (c *care) searches() bool {
	if c.named == nil || c.search == 0 {
		return false
	}
	c.search--
	return true
}

// found looks at whose licenses a look-up has found.
func (c *care) found(makers Makers, id events.JobID) {
	for _, maker := range makers {
		if maker.JobID != id {
			c.search = max(c.search, searchedBatches)
			return
		}
	}
}

// alone tells whether the next batch is not to be staged before the one before is stored.
func (c *care) alone() bool {
	if c.batches == 0 {
		return false
	}
	c.batches--
	return true
}

// refused notes that a batch was refused that was to follow at. The first time it
// is decided again at once: somebody else imported one of its licenses. When the job
// does not get on, the reason lies with the server, which is given longer and longer.
func (c *care) refused(ctx context.Context, at events.Seq) error {
	if c.at != at {
		c.at, c.pause = at, 0
	}
	c.batches, c.search = carefulBatches, max(c.search, carefulBatches)
	timer := time.NewTimer(c.pause)
	defer timer.Stop()
	c.pause = min(max(2*c.pause, firstPause), longestPause)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
