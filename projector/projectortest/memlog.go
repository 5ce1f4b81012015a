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

// MemLog is a stream in memory: unlike a real one it has the times that a test
// wants, and can be made to end early or to say nothing. [Stream] is the real one.
type MemLog struct {
	Created  time.Time          // when the stream was made
	Messages []eventlog.Message // to be read while nothing is added

	mu   sync.Mutex
	more chan struct{}
	held events.Seq // Follow gives nothing from here on; 0: all
}

// Begins is when a MemLog was made; its events follow, one a second.
var Begins = time.Date(2021, 4, 22, 11, 14, 21, 345069999, time.UTC)

// NewMemLog makes a stream of some events.
func NewMemLog(all ...events.Event) *MemLog {
	t := &MemLog{Created: Begins, more: make(chan struct{})}
	t.Add(all...)
	return t
}

// Add appends events, one a second.
func (t *MemLog) Add(all ...events.Event) {
	for _, e := range all {
		body, err := events.Encode(e, Begins)
		if err != nil {
			panic(err)
		}
		t.AddBody(e.Subject(), body)
	}
}

// AddBody appends a message, whatever is in it.
func (t *MemLog) AddBody(subject string, body []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seq := events.Seq(len(t.Messages) + 1)
	t.Messages = append(t.Messages, eventlog.Message{
		Subject: subject, Seq: seq, Time: Begins.Add(time.Duration(seq) * time.Second), Data: body,
	})
	t.wake()
}

// Hold stops followers before a sequence; 0 lets them go on.
func (t *MemLog) Hold(from events.Seq) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = from
	t.wake()
}

func (t *MemLog) wake() {
	close(t.more)
	t.more = make(chan struct{})
}

func (t *MemLog) State(context.Context) (eventlog.State, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return eventlog.State{Created: t.Created, First: 1, Last: events.Seq(len(t.Messages))}, nil
}

func (*MemLog) RedeliverJobs(context.Context) error { return nil }

func (t *MemLog) MessageAt(_ context.Context, seq events.Seq) (eventlog.Message, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq == 0 || int(seq) > len(t.Messages) {
		return eventlog.Message{}, false, nil
	}
	return t.Messages[seq-1], true, nil
}

func (t *MemLog) LastFact(_ context.Context, job events.JobID) (eventlog.Message, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.Messages) - 1; i >= 0; i-- {
		if strings.HasPrefix(t.Messages[i].Subject, "imports."+job.String()+".") {
			return t.Messages[i], true, nil
		}
	}
	return eventlog.Message{}, false, nil
}

func (t *MemLog) Fact(_ context.Context, subject string) (eventlog.Message, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range slices.Backward(t.Messages) {
		if ok, _ := path.Match(strings.ReplaceAll(subject, ".", "/"), strings.ReplaceAll(m.Subject, ".", "/")); ok {
			return m, true, nil
		}
	}
	return eventlog.Message{}, false, nil
}

func (t *MemLog) Follow(ctx context.Context, after events.Seq, _ []string, fn func(eventlog.Message) error) error {
	for at := int(after); ; at++ {
		m, err := t.at(ctx, at)
		if err == nil {
			err = fn(m)
		}
		if err != nil {
			return err
		}
	}
}

// at waits for the message of an index.
func (t *MemLog) at(ctx context.Context, i int) (eventlog.Message, error) {
	for {
		t.mu.Lock()
		more, there := t.more, i < len(t.Messages) && (t.held == 0 || i+1 < int(t.held))
		if there {
			m := t.Messages[i]
			m.Pending = uint64(len(t.Messages) - i - 1)
			t.mu.Unlock()
			return m, nil
		}
		t.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return eventlog.Message{}, ctx.Err()
		}
	}
}
