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
	flowFacts  = 2048
	flowPieces = 4096
	flowPiece  = 8 << 10
)

// flow is the stream, decoded beside the goroutine that folds it.
type flow struct {
	facts chan fact // closed when no more come
	room  chan struct{}
	last  events.Seq // ends there; 0: never
	heard func(head events.Seq)
	err   error // why it ended; to be read when facts is closed
}

// errStreamEnd ends a follower at the last event that was asked for.
var errStreamEnd = errors.New("the end of the stream")

// follow decodes the stream behind after, up to last, until ctx ends. heard is
// told where the stream ends.
func follow(ctx context.Context, log Log, after, last events.Seq, heard func(events.Seq)) *flow {
	f := &flow{facts: make(chan fact, flowFacts), room: make(chan struct{}, flowPieces), last: last, heard: heard}
	go func() {
		defer close(f.facts)
		f.err = log.Follow(ctx, after, nil, func(m eventlog.Message) error { return f.receive(ctx, m) })
		if errors.Is(f.err, errStreamEnd) {
			f.err = nil
		}
	}()
	return f
}

func (f *flow) receive(ctx context.Context, m eventlog.Message) error {
	if f.last > 0 && m.Seq > f.last {
		return errStreamEnd
	}
	envelope, err := events.Decode(m.Data)
	if err != nil {
		return stopped(m.Seq, err)
	}
	f.heard(m.Seq + events.Seq(m.Pending))
	next := fact{Envelope: envelope, seq: m.Seq, time: m.Time, body: m.Data}
	for range next.pieces() {
		select {
		case f.room <- struct{}{}:
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
func (f fact) pieces() int { return 1 + len(f.body)/flowPiece }

// folded makes room again.
func (f *flow) folded(done fact) {
	for range done.pieces() {
		<-f.room
	}
}

// wait ends when the follower has, and tells why it did. Its context must have
// ended, or its last event have been received.
func (f *flow) wait() error {
	for left := range f.facts {
		f.folded(left)
	}
	return f.err
}

func stopped(seq events.Seq, err error) error {
	return fmt.Errorf("the views stop before sequence %d of stream %s: %w", seq, events.LicensesStream, err)
}
