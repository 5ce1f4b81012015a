package ingest

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// limiter bounds the number of uploads in flight, and lets a shutdown wait for them.
type limiter struct {
	slots    *semaphore.Weighted
	max      int64
	inUse    atomic.Int64 // for the metrics: the semaphore does not say
	draining atomic.Bool  // no slot is given out
}

func newLimiter(max int) *limiter {
	return &limiter{slots: semaphore.NewWeighted(int64(max)), max: int64(max)}
}

// tryAcquire takes a slot if one is free and reports whether it did. The caller must release it.
func (l *limiter) tryAcquire() bool {
	if !l.slots.TryAcquire(1) {
		return false
	}
	if l.draining.Load() { // after TryAcquire: drain waits for the slots taken before it
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

// drain gives out no further slots, and waits until none is in use. It returns the context's error
// if ctx ends first. It may be called again.
func (l *limiter) drain(ctx context.Context) error {
	l.draining.Store(true)
	if err := l.slots.Acquire(ctx, l.max); err != nil {
		return err
	}
	l.slots.Release(l.max)
	return nil
}
