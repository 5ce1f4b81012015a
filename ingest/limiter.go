package ingest

import (
	"context"
	"sync/atomic"

	"licenseimport/internal/fairshare"
)

// limiter bounds the number of uploads in flight, so that no manager keeps the others out (see
// package fairshare), and lets a shutdown wait for them.
type limiter struct {
	places   *fairshare.Places
	draining atomic.Bool // no place is given out
}

func newLimiter(max int) *limiter { return &limiter{places: fairshare.New(max)} }

// tryAcquire takes a place for an upload of the manager, if it may have one, and reports whether it
// did. The caller must release it.
func (l *limiter) tryAcquire(manager string) bool {
	if !l.places.TryTake(manager) {
		return false
	}
	if l.draining.Load() { // after TryTake: drain waits for the places taken before it
		l.places.Release(manager)
		return false
	}
	return true
}

func (l *limiter) release(manager string) { l.places.Release(manager) }

// inUse is the number of uploads in flight.
func (l *limiter) inUse() int { return l.places.Status().Taken }

// drain gives out no further places, and waits until none is in use. It returns the context's error
// if ctx ends first. It may be called again.
func (l *limiter) drain(ctx context.Context) error {
	l.draining.Store(true)
	for {
		status := l.places.Status()
		if status.Taken == 0 {
			return nil
		}
		select {
		case <-status.Change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
