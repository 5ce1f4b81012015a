package ingest

import (
	"context"
	"errors"
	"testing"
)

// TestLimiter: a limiter gives out no more places than it has, and drain waits for the places in use.
func TestLimiter(t *testing.T) {
	t.Parallel()
	l := newLimiter(2)
	for i := range 2 {
		if !l.tryAcquire("ada") {
			t.Fatalf("place %d is refused", i+1)
		}
	}
	if l.tryAcquire("ada") || l.inUse() != 2 {
		t.Errorf("a third place of 2; %d in use", l.inUse())
	}
	l.release("ada")
	ended, end := context.WithCancel(t.Context())
	end()
	if err := l.drain(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("drain with a place in use: %v", err)
	}
	if l.tryAcquire("bob") {
		t.Error("a draining limiter gave out a place")
	}
	l.release("ada")
	for range 2 { // again: a drained limiter has drained
		if err := l.drain(t.Context()); err != nil || l.inUse() != 0 {
			t.Errorf("drain: %v; %d in use", err, l.inUse())
		}
	}
	if l.tryAcquire("ada") {
		t.Error("a drained limiter gave out a place")
	}
}
