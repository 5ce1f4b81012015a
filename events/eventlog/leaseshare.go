package eventlog

import (
	"context"
	"maps"
	"time"

	"licenseimport/events"
	"licenseimport/internal/fairshare"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// lookEvery is the interval at which a process whose places are all taken looks for jobs of other
	// owners. A look takes at most a twentieth of the time.
	lookEvery = 200 * time.Millisecond
	// lookBatch is how many waiting jobs one request of a look takes, and lookMax one look. Jobs
	// behind so many are not seen.
	lookBatch = 128
	lookMax   = 512
	// passedTTL is how long a job that found no place is known to wait.
	passedTTL = 10 * time.Minute
)

// ownerOf names whose job a message is for.
func (w *leaser) ownerOf(ctx context.Context, m Message) string {
	if w.owner == nil {
		return ""
	}
	return w.owner(ctx, m)
}

// start starts work on a job, if its owner may have a place, and reports whether it did.
func (w *leaser) start(ctx context.Context, raw jetstream.Msg) bool {
	m, err := leaseMessage(raw)
	if err != nil {
		w.stop(err)
		return false
	}
	owner := w.ownerOf(ctx, m)
	if !w.places.TryTake(owner) {
		w.pass(m)
		return false
	}
	w.workers.Go(func() {
		defer w.places.Release(owner)
		if err := w.process(ctx, raw, m); err != nil {
			w.stop(err)
		}
	})
	return true
}

// pass notes that a job found no place. It waits at the server, and is no orphan: see sweepLoop.
func (w *leaser) pass(m Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.passed) > 2*lookMax { // other processes have worked on most of them
		maps.DeleteFunc(w.passed, func(_ events.Seq, at time.Time) bool { return time.Since(at) > time.Minute })
	}
	w.passed[m.Seq] = time.Now()
}

// waits reports whether a job found no place in this process a while ago.
func (w *leaser) waits(job events.Seq) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, passed := w.passed[job]
	return passed && time.Since(at) < passedTTL
}

// take waits for a place for an owner until ctx ends.
func (w *leaser) take(ctx context.Context, owner string) error {
	for {
		status := w.places.Status()
		if w.places.TryTake(owner) {
			return nil
		}
		select {
		case <-status.Change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waitForPlace waits until a place may be free. While one owner holds more than half of them, it
// looks for jobs of the others.
func (w *leaser) waitForPlace(ctx context.Context, consumer jetstream.Consumer, status fairshare.Status) error {
	var look <-chan time.Time
	pause := lookEvery
	for {
		if status.Shared {
			look = time.After(pause)
		}
		select {
		case <-status.Change:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-look:
		}
		began := time.Now()
		if w.lookForOthers(ctx, consumer) {
			return nil
		}
		pause = max(lookEvery, 20*time.Since(began))
	}
}

// lookForOthers takes the jobs that wait, without waiting for more, until one of them may have a
// place. It reports whether there was one, and gives the others back at once, in their order: to a
// process with a free place, or to the next look. A job that such a process waits for is never seen
// here, because the server delivers it there first.
func (w *leaser) lookForOthers(ctx context.Context, consumer jetstream.Consumer) (found bool) {
	var back []jetstream.Msg
	defer func() {
		for _, raw := range back {
			_ = raw.Nak() // if it is lost the lease expires
		}
	}()
	for len(back) < lookMax && !found && ctx.Err() == nil {
		batch, err := consumer.FetchNoWait(lookBatch)
		if err != nil {
			return found // the next look, or the wait for a message, has the same error
		}
		n := 0
		for raw := range batch.Messages() {
			n++
			if found || !w.start(ctx, raw) {
				back = append(back, raw)
			} else {
				found = true
			}
		}
		if n < lookBatch {
			return found
		}
	}
	return found
}
