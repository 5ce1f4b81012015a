package ingest

import (
	"context"
	"errors"
	"testing"
)

// TestLimiter: a limiter gives out no more slots than it has, and drain waits for the slots in use.
func TestLimiter(t *testing.T) {
	t.Parallel()
	l := newLimiter(2)
	for i := range 2 {
		if !l.tryAcquire() {
			t.Fatalf("slot %d is refused", i+1)
		}
	}
	if l.tryAcquire() || l.inUse.Load() != 2 {
		t.Errorf("a third slot of 2; %d in use", l.inUse.Load())
	}
	l.release()
	ended, end := context.WithCancel(t.Context())
	end()
	if err := l.drain(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("drain with a slot in use: %v", err)
	}
	if l.tryAcquire() {
		t.Error("a draining limiter gave out a slot")
	}
	l.release()
	for range 2 { // again: a drained limiter has drained
		if err := l.drain(t.Context()); err != nil || l.inUse.Load() != 0 {
			t.Errorf("drain: %v; %d in use", err, l.inUse.Load())
		}
	}
	if l.tryAcquire() {
		t.Error("a drained limiter gave out a slot")
	}
}
