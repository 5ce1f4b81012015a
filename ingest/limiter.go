package ingest

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// limiter bounds the uploads in flight, and lets a shutdown wait for them.
type limiter struct {
	slots    *semaphore.Weighted
	max      int64
	inUse    atomic.Int64 // for the metrics: a semaphore does not tell
	draining atomic.Bool  // no slot is given out any more
}

func newLimiter(max int) *limiter {
	return &limiter{slots: semaphore.NewWeighted(int64(max)), max: int64(max)}
}

// tryAcquire takes a slot without waiting for one. Where it returns true release must be called.
func (l *limiter) tryAcquire() bool {
	if !l.slots.TryAcquire(1) {
		return false
	}
	if l.draining.Load() { // checked last: drain waits for slots that were taken before
		l.slots.Release(1)
		return false
	}
	l.inUse.Add(1)
	return true
}

func (l *limiter) release() {
	l.inUse.Add(-1)
	l.slots.Release(1)
}

// drain refuses all further slots and waits until none is in use, or ctx ends. It may be called
// again, to wait longer.
func (l *limiter) drain(ctx context.Context) error {
	l.draining.Store(true)
	if err := l.slots.Acquire(ctx, l.max); err != nil {
		return err
	}
	l.slots.Release(l.max)
	return nil
}
