package processor

import (
	"context"
	"time"

	"licenseimport/events"
)

const (
	// carefulBatches is how many batches are not overlapped after a refused one.
	// Overlapping would waste the work on the batch that follows a refused one, and
	// the place that it keeps on the server for some seconds.
	carefulBatches = 16

	firstPause   = 10 * time.Millisecond
	longestPause = time.Second
)

// care is what a processor has learned from refused batches of a job.
type care struct {
	batches int           // that are not to be overlapped
	at      events.Seq    // where the job was at the last refusal
	pause   time.Duration // before it is decided again from there
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
	c.batches = carefulBatches
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
