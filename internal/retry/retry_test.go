package retry

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestDelayDoublesUpToMax(t *testing.T) {
	p := Policy{First: 20 * time.Millisecond, Max: time.Second}
	for failures, want := range map[int]time.Duration{
		-1:      0,
		0:       0,
		1:       20 * time.Millisecond,
		2:       40 * time.Millisecond,
		6:       640 * time.Millisecond,
		7:       time.Second,
		1 << 40: time.Second,
	} {
		if got := p.Delay(failures); got != want {
			t.Errorf("after %d failures: %v, want %v", failures, got, want)
		}
	}
}

// TestAtMax: a series says when its pauses do not grow any more.
func TestAtMax(t *testing.T) {
	p := Policy{First: 20 * time.Millisecond, Max: time.Second, Jitter: 0.5}
	b := p.Start()
	for failures := range 9 {
		if got, want := b.AtMax(), failures >= 7; got != want {
			t.Errorf("after %d failures: %v, want %v", failures, got, want)
		}
		b.Next()
	}
	if b.Reset(); b.AtMax() {
		t.Error("after a reset")
	}
}

func TestJitterShortensOnly(t *testing.T) {
	p := Policy{First: time.Second, Max: time.Second, Jitter: 0.5}
	seen := map[time.Duration]bool{}
	for range 1000 {
		d := p.Delay(1)
		if d < time.Second/2 || d > time.Second {
			t.Fatalf("a pause of %v is out of [0.5 s, 1 s]", d)
		}
		seen[d] = true
	}
	if len(seen) < 100 {
		t.Errorf("1000 pauses have %d values: no jitter", len(seen))
	}
}

func TestDoPausesBetweenAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Policy{First: time.Second, Max: 4 * time.Second}
		begin, attempts := time.Now(), 0
		err := p.Do(t.Context(), func(context.Context) error {
			if attempts++; attempts < 6 {
				return errors.New("not yet")
			}
			return nil
		})
		if took := time.Since(begin); err != nil || attempts != 6 || took != (1+2+4+4+4)*time.Second {
			t.Errorf("%d attempts in %v: %v", attempts, took, err)
		}
	})
}

func TestDoStopsAtPermanentError(t *testing.T) {
	permanent := errors.New("permanent")
	p := Policy{First: time.Hour, Max: time.Hour, Permanent: func(err error) bool { return err == permanent }}
	if err := p.Do(t.Context(), func(context.Context) error { return permanent }); err != permanent {
		t.Error(err)
	}
}

func TestDoEndsWithContext(t *testing.T) {
	cause, last := errors.New("stopped"), errors.New("no leader")
	ctx, cancel := context.WithCancelCause(t.Context())
	p := Policy{First: time.Hour, Max: time.Hour, Permanent: func(error) bool { return true }}
	err := p.Do(ctx, func(context.Context) error { cancel(cause); return last })
	if !errors.Is(err, cause) || !errors.Is(err, last) {
		t.Errorf("the error %v lacks the cause or the last attempt's error", err)
	}
	err = p.Do(ctx, func(ctx context.Context) error { return context.Cause(ctx) })
	if !errors.Is(err, cause) || err.Error() != cause.Error() {
		t.Errorf("the cause is told twice: %q", err)
	}
}

func TestWaitAtLeast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Policy{First: time.Second, Max: time.Second}
		b := p.Start()
		begin := time.Now()
		if err := b.WaitAtLeast(t.Context(), nil, time.Minute); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("paused %v: %v", time.Since(begin), err)
		}
	})
}

func TestReset(t *testing.T) {
	p := Policy{First: time.Second, Max: time.Hour}
	b := p.Start()
	if first, second := b.Next(), b.Next(); first != time.Second || second != 2*time.Second {
		t.Errorf("pauses: %v, %v", first, second)
	}
	if b.Reset(); b.Next() != time.Second {
		t.Error("Reset does not begin with the first pause")
	}
}
