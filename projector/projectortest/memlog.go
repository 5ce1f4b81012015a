package projectortest

import (
	"context"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// MemLog is a stream in memory, a projector.Log. Its times are fixed, it can hold messages back and
// hold messages that no publisher would send. [Stream] is a real stream.
type MemLog struct {
	Created  time.Time          // when the stream was made
	Messages []eventlog.Message // to be read while no other goroutine adds

	mu   sync.Mutex
	more chan struct{}
	held events.Seq // Follow delivers nothing from here on; 0: everything
}

// Begins is when each MemLog was made. Message n is n seconds younger.
var Begins = time.Date(2021, 4, 22, 11, 14, 21, 345069999, time.UTC)

// NewMemLog makes a stream that holds some events.
func NewMemLog(all ...events.Event) *MemLog {
	l := &MemLog{Created: Begins, more: make(chan struct{})}
	l.Add(all...)
	return l
}

// Add appends events.
func (l *MemLog) Add(all ...events.Event) {
	for _, e := range all {
		body, err := events.Encode(e, Begins)
		if err != nil {
			panic(err)
		}
		l.AddBody(e.Subject(), body)
	}
}

// AddBody appends a message with any body.
func (l *MemLog) AddBody(subject string, body []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seq := events.Seq(len(l.Messages) + 1)
	l.Messages = append(l.Messages, eventlog.Message{
		Subject: subject, Seq: seq, Time: Begins.Add(time.Duration(seq) * time.Second), Data: body,
	})
	l.wake()
}

// Hold stops followers before a sequence. Hold(0) releases them.
func (l *MemLog) Hold(from events.Seq) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = from
	l.wake()
}

func (l *MemLog) wake() {
	close(l.more)
	l.more = make(chan struct{})
}

// State implements projector.Log.
func (l *MemLog) State(context.Context) (eventlog.State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return eventlog.State{Created: l.Created, First: 1, Last: events.Seq(len(l.Messages))}, nil
}

// RedeliverJobs does nothing: there is no processor.
func (*MemLog) RedeliverJobs(context.Context) error { return nil }

// MessageAt implements projector.Log.
func (l *MemLog) MessageAt(_ context.Context, seq events.Seq) (eventlog.Message, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seq == 0 || int(seq) > len(l.Messages) {
		return eventlog.Message{}, false, nil
	}
	return l.Messages[seq-1], true, nil
}

// LastFact implements projector.Log.
func (l *MemLog) LastFact(_ context.Context, job events.JobID) (eventlog.Message, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.Messages) - 1; i >= 0; i-- {
		if strings.HasPrefix(l.Messages[i].Subject, "imports."+job.String()+".") {
			return l.Messages[i], true, nil
		}
	}
	return eventlog.Message{}, false, nil
}

// Fact implements projector.Log.
func (l *MemLog) Fact(_ context.Context, subject string) (eventlog.Message, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range slices.Backward(l.Messages) {
		if ok, _ := path.Match(strings.ReplaceAll(subject, ".", "/"), strings.ReplaceAll(m.Subject, ".", "/")); ok {
			return m, true, nil
		}
	}
	return eventlog.Message{}, false, nil
}

// Follow delivers all messages, whatever the filter.
func (l *MemLog) Follow(ctx context.Context, after events.Seq, _ []string, fn func(eventlog.Message) error) error {
	for at := int(after); ; at++ {
		m, err := l.at(ctx, at)
		if err == nil {
			err = fn(m)
		}
		if err != nil {
			return err
		}
	}
}

// at waits for the message of an index.
func (l *MemLog) at(ctx context.Context, i int) (eventlog.Message, error) {
	for {
		l.mu.Lock()
		more, there := l.more, i < len(l.Messages) && (l.held == 0 || i+1 < int(l.held))
		if there {
			m := l.Messages[i]
			m.Pending = uint64(len(l.Messages) - i - 1)
			l.mu.Unlock()
			return m, nil
		}
		l.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return eventlog.Message{}, ctx.Err()
		}
	}
}
