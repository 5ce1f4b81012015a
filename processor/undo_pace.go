package processor

import (
	"context"
	"sync/atomic"
)

// undoPace says how many events an undo decides at once, and whether it looks their licenses up. It holds
// what this processor has learned while working on the undo, and decides no outcome.
type undoPace struct {
	// Used by the goroutine that reads:
	shrink int // of the limit, in powers of two
	left   int // batches that are still to be decided serially

	conflicts conflictPace // used where the work is repeated

	fullLookups atomic.Int64 // batches still to be looked up
}

// next is the limit of the next batch, and whether it is decided only when the ones before are stored. It
// counts the batch.
func (u *undoPace) next() (limit int, serial bool) {
	if u.left == 0 {
		return maxRows, false
	}
	u.left--
	return max(1, maxRows>>u.shrink), true
}

// lookUpAll reports whether to look up the licenses of the next batch, because others that were changed since
// were found a moment ago: they come in groups. It counts the batch.
func (u *undoPace) lookUpAll() bool { return u.fullLookups.Add(-1) >= 0 }

// observeChange notes that a look-up found a license that has changed since.
func (u *undoPace) observeChange() { u.fullLookups.Store(fullLookupBatches) }

// onConflict notes that a batch was refused which followed the job's last fact, with cause: another import has
// changed one of its licenses. The first decision there is repeated at once. If the job does not advance after
// that, onConflict halves the batches, so that some will pass among writers that are as busy, and waits longer
// each time. It returns the context's error if ctx ends.
func (u *undoPace) onConflict(ctx context.Context, j *job, cause error) error {
	u.left = serialBatches
	u.fullLookups.Store(serialBatches)
	again, err := u.conflicts.wait(ctx, j, cause)
	if again {
		u.shrink++
	} else {
		u.shrink = 0
	}
	return err
}
