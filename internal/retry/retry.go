package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A Policy says how long to pause before an operation is attempted again. It is not changed once it
// is in use; any number of goroutines may share it.
type Policy struct {
	First  time.Duration // the pause after the first failure, before jitter; above 0
	Max    time.Duration // the bound of every pause; First or more
	Jitter float64       // the random share of a pause, 0 (none) to 1 (all of it)

	// Permanent reports whether an error ends [Policy.Do] at once. nil: no error does.
	Permanent func(error) bool
}

// Delay is the pause after the given number of failures: 0 without a failure.
func (p *Policy) Delay(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	d := p.bound(failures)
	return d - time.Duration(rand.Float64()*p.Jitter*float64(d))
}

// bound is the pause after the given number of failures, 1 or more, before jitter.
func (p *Policy) bound(failures int) time.Duration {
	d := p.First
	for ; failures > 1 && d < p.Max; failures-- {
		d *= 2
	}
	return min(d, p.Max)
}

// Do calls f until it succeeds, fails with a permanent error, or ctx ends. The error is then f's
// last one. Where ctx ended it is the cause of ctx as well.
func (p *Policy) Do(ctx context.Context, f func(context.Context) error) error {
	b := p.Start()
	for {
		err := f(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil && p.Permanent != nil && p.Permanent(err) {
			return err
		}
		if err := b.Wait(ctx, err); err != nil {
			return err
		}
	}
}

// Start begins a series of attempts.
func (p *Policy) Start() Backoff { return Backoff{policy: p} }

// A Backoff counts the failures of one series of attempts. One goroutine uses it.
type Backoff struct {
	policy   *Policy
	failures int
}

// Next counts a failure and returns the pause before the next attempt.
func (b *Backoff) Next() time.Duration {
	b.failures++
	return b.policy.Delay(b.failures)
}

// AtMax reports whether the pause after the last failure was the longest one: later ones do not grow.
func (b *Backoff) AtMax() bool { return b.failures > 0 && b.policy.bound(b.failures) == b.policy.Max }

// Reset forgets the failures: the next pause is a first one.
func (b *Backoff) Reset() { b.failures = 0 }

// Wait counts a failure and pauses. It returns nil when the next attempt is due. Where ctx ends
// first it returns the cause of ctx together with last, the error of the attempt (nil: unknown).
func (b *Backoff) Wait(ctx context.Context, last error) error {
	return b.WaitAtLeast(ctx, last, 0)
}

// WaitAtLeast is [Backoff.Wait] with a lower bound of the pause, such as a server's Retry-After.
func (b *Backoff) WaitAtLeast(ctx context.Context, last error, least time.Duration) error {
	timer := time.NewTimer(max(b.Next(), least))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return interrupted(context.Cause(ctx), last)
	}
}

// interrupted is the error of a series that its context ended.
func interrupted(cause, last error) error {
	switch {
	case last == nil:
		return cause
	case errors.Is(last, cause):
		return last
	}
	return fmt.Errorf("%w: %w", cause, last)
}
