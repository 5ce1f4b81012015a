package projector

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// Backpressure: what may be decoded and wait for its turn to be folded. The second limit bounds the memory of bodies to
// 32 MiB, since one may have 900 KiB.
const (
	maxPendingFacts = 2048
	maxPendingCost  = 4096    // in units
	costUnit        = 8 << 10 // bytes of a body
)

// follower decodes the stream in a goroutine beside the one that folds.
type follower struct {
	facts  chan fact     // closed at the end
	budget chan struct{} // holds one element for each unit of cost that is pending
	last   events.Seq    // the last one to receive; 0: no limit
	onHead func(head events.Seq)
	err    error // why it ended; valid when facts is closed
}

// errStreamEnd ends a follower at the last event that was asked for.
var errStreamEnd = errors.New("the end of the stream")

// follow decodes the stream after a sequence, up to last, until ctx ends. It passes the stream's end
// to onHead.
func follow(ctx context.Context, log Log, after, last events.Seq, onHead func(events.Seq)) *follower {
	f := &follower{
		facts: make(chan fact, maxPendingFacts), budget: make(chan struct{}, maxPendingCost),
		last: last, onHead: onHead,
	}
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
	next := fact{Envelope: envelope, seq: m.Seq, time: m.Time}
	next.copyBody(m.Data)
	for range next.cost() {
		select {
		case f.budget <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.facts <- next
	if m.Seq == f.last {
		return errStreamEnd
	}
	return nil
}

// bodies are the memory of facts that are folded, for the next ones: see ADR 50.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// maxSpareBody bounds, in bytes, the memory that is used again.
const maxSpareBody = 4 << 10

// copyBody copies a body, which is valid only until the log reads on.
func (f *fact) copyBody(body []byte) {
	f.memory = bodies.Get().(*[]byte)
	f.body = append((*f.memory)[:0], body...)
}

// recycle gives the fact's memory back. Nothing may use its event or its body any more.
func (f *fact) recycle() {
	events.Recycle(f.Event)
	if f.memory != nil && cap(f.body) <= maxSpareBody {
		*f.memory = f.body
		bodies.Put(f.memory)
	}
}

// cost is the share of the budget that a fact takes while it is pending.
func (f fact) cost() int { return 1 + len(f.body)/costUnit }

// release returns the cost of a fact that is folded now.
func (f *follower) release(folded fact) {
	for range folded.cost() {
		<-f.budget
	}
}

// wait waits for the follower's end and returns its error. Before it is called, the follower's
// context must have ended or its last event must have been received.
func (f *follower) wait() error {
	for left := range f.facts {
		f.release(left)
	}
	return f.err
}

// applyError names the event that stopped the views.
func applyError(seq events.Seq, err error) error {
	return fmt.Errorf("the views stop before sequence %d of stream %s: %w", seq, events.LicensesStream, err)
}
