package projector

import (
	"context"
	"errors"
	"fmt"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// What may be decoded and not yet folded: so many facts, and so many pieces of
// their bodies (32 MiB), for a body may have 900 KiB.
const (
	maxPendingFacts = 2048
	maxPendingCost  = 4096
	costUnit        = 8 << 10
)

// flow is the stream, decoded beside the goroutine that folds it.
type follower struct {
	facts  chan fact // closed when no more come
	budget chan struct{}
	last   events.Seq // ends there; 0: never
	onHead func(head events.Seq)
	err    error // why it ended; to be read when facts is closed
}

// errStreamEnd ends a follower at the last event that was asked for.
var errStreamEnd = errors.New("the end of the stream")

// follow decodes the stream behind after, up to last, until ctx ends. heard is
// told where the stream ends.
func follow(ctx context.Context, log Log, after, last events.Seq, heard func(events.Seq)) *follower {
	f := &follower{facts: make(chan fact, maxPendingFacts), budget: make(chan struct{}, maxPendingCost), last: last, onHead: heard}
	go func() {
		defer close(f.facts)
		f.err = log.Follow(ctx, after, nil, func(m eventlog.Message) error { return f.receive(ctx, m) })
		if errors.Is(f.err, errStreamEnd) {
			f.err = nil
		}
	}()
	return f
}

func (f *follower) receive(ctx context.Context, m eventlog.Message) error {
	if f.last > 0 && m.Seq > f.last {
		return errStreamEnd
	}
	envelope, err := m.Decode()
	if err != nil {
		return applyError(m.Seq, err)
	}
	f.onHead(m.Seq + events.Seq(m.Pending))
	next := fact{Envelope: envelope, seq: m.Seq, time: m.Time, body: m.Data}
	for range next.cost() {
		select {
		case f.budget <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.facts <- next // there is room: every fact has a piece
	if m.Seq == f.last {
		return errStreamEnd
	}
	return nil
}

// pieces is the room that a fact takes.
func (f fact) cost() int { return 1 + len(f.body)/costUnit }

// folded makes room again.
func (f *follower) release(done fact) {
	for range done.cost() {
		<-f.budget
	}
}

// wait ends when the follower has, and tells why it did. Its context must have
// ended, or its last event have been received.
func (f *follower) wait() error {
	for left := range f.facts {
		f.release(left)
	}
	return f.err
}

func applyError(seq events.Seq, err error) error {
	return fmt.Errorf("the views stop before sequence %d of stream %s: %w", seq, events.LicensesStream, err)
}
