package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"licenseimport/events"
)

// A SetAside is one message of LICENSES that an operator has set aside.
type SetAside struct {
	Seq     events.Seq // of the message
	Subject string     // of the message; "": that is damaged, or was deleted since
	Manager string     // who decided it
	Reason  string
	Time    time.Time // of the decision, UTC
}

// A SetAsideError says why a message cannot be set aside.
type SetAsideError struct {
	Seq    events.Seq
	Reason string
}

func (e *SetAsideError) Error() string {
	return fmt.Sprintf("sequence %d of stream %s: %s", e.Seq, events.LicensesStream, e.Reason)
}

// setAside is what this process knows of the messages that are set aside. It grows when a reader
// begins, and when one meets a message that it cannot read.
type setAside struct {
	known  atomic.Pointer[setAsideMessages] // nil: none known
	asking chan struct{}                    // full while a goroutine asks the stream; others wait
}

func newSetAside() setAside { return setAside{asking: make(chan struct{}, 1)} }

// setAsideMessages never changes.
type setAsideMessages struct {
	last     events.Seq // of the last EventSetAside read
	all      []SetAside // in the order of the decisions
	bySeq    map[events.Seq]bool
	subjects map[string]setAsideAt // by subject of what rows are about, such as a license
}

// setAsideAt says what is set aside at one subject.
type setAsideAt struct {
	before events.Seq // of the last message before it that is not set aside; 0: none
	last   events.Seq // of the message set aside last
}

func (s *setAside) messages() *setAsideMessages {
	if known := s.known.Load(); known != nil {
		return known
	}
	return &setAsideMessages{}
}

// has reports whether a message is known to be set aside.
func (s *setAside) has(seq events.Seq) bool {
	known := s.known.Load()
	return known != nil && known.bySeq[seq]
}

// lastAt is the sequence that the server has as the last one at the subject of what rows are about, if last is that
// of the last message which is not set aside (0: there is none).
func (s *setAside) lastAt(subject string, last events.Seq) events.Seq {
	if known := s.known.Load(); known != nil {
		if at, ok := known.subjects[subject]; ok && at.before == last {
			return at.last
		}
	}
	return last
}

// SetAsides lists the messages that are set aside, in the order of the decisions. It asks the
// stream's leader.
func (l *Log) SetAsides(ctx context.Context) ([]SetAside, error) {
	known, err := l.refreshSetAside(ctx)
	if err != nil {
		return nil, err
	}
	return known.all, nil
}

// IsSetAside reports whether a message is set aside. It asks the stream's leader.
func (l *Log) IsSetAside(ctx context.Context, seq events.Seq) (bool, error) {
	if l.setAside.has(seq) {
		return true, nil
	}
	known, err := l.refreshSetAside(ctx)
	return err == nil && known.bySeq[seq], err
}

// refreshSetAside reads the decisions after those that are known: one request if there is none. It waits for another
// goroutine that does so, until ctx ends.
func (l *Log) refreshSetAside(ctx context.Context) (*setAsideMessages, error) {
	select {
	case l.setAside.asking <- struct{}{}:
		defer func() { <-l.setAside.asking }()
	case <-ctx.Done():
		return l.setAside.messages(), ctx.Err()
	}
	known := l.setAside.messages()
	last, _, err := l.get(ctx, events.LicensesStream, getRequest{LastSubject: events.SetAsideFilter})
	if err != nil || last.Seq == known.last {
		return known, err
	}
	next := &setAsideMessages{last: last.Seq, bySeq: map[events.Seq]bool{}}
	if last.Seq > known.last { // else the stream has lost its end
		next.all = append(next.all, known.all...)
	} else {
		known = &setAsideMessages{}
	}
	err = l.eachAt(ctx, events.SetAsideFilter, known.last, last.Seq+1, func(m Message) error {
		decision, err := DecodeAs[*events.EventSetAside](&m)
		if err != nil || decision.Sequence >= m.Seq {
			return nil // a stray message: it decides nothing
		}
		target, _, err := l.MessageAt(ctx, decision.Sequence)
		next.all = append(next.all, SetAside{
			Seq: decision.Sequence, Subject: target.Subject, Manager: decision.Manager, Reason: decision.Reason, Time: m.Time,
		})
		return err
	})
	if err != nil {
		return known, err
	}
	for _, s := range next.all {
		next.bySeq[s.Seq] = true
	}
	if next.subjects, err = l.setAsideBySubject(ctx, next); err != nil {
		return known, err
	}
	l.setAside.known.Store(next)
	return next, nil
}

// setAsidePoll is the time between two questions whether a message was set aside.
const setAsidePoll = time.Second

// AwaitSetAside waits until the message that an error names is set aside, or another one since, and
// returns nil then: a fact that cannot follow may be the fault of one before it. If err is about no
// message of LICENSES it returns err, and when ctx ends the error of ctx.
func (l *Log) AwaitSetAside(ctx context.Context, err error) error {
	unreadable, ok := errors.AsType[*UnreadableEventError](err)
	if !ok || unreadable.Stream() != events.LicensesStream {
		return err
	}
	tick := time.NewTicker(setAsidePoll)
	defer tick.Stop()
	before := l.setAside.messages().last
	for {
		if aside, err := l.IsSetAside(ctx, unreadable.Seq); err == nil && (aside || l.setAside.messages().last != before) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// setAsideBySubject finds what is set aside at the subjects of what rows are about. An append after the last message
// that is not set aside has to expect the last one that is.
func (l *Log) setAsideBySubject(ctx context.Context, known *setAsideMessages) (map[string]setAsideAt, error) {
	subjects := map[string]setAsideAt{}
	for _, s := range known.all {
		if isFollowed(s.Subject) {
			subjects[s.Subject] = setAsideAt{last: max(subjects[s.Subject].last, s.Seq)}
		}
	}
	for subject, at := range subjects {
		before, _, err := l.lastBefore(ctx, subject, at.last, known.bySeq)
		if err != nil {
			return nil, err
		}
		subjects[subject] = setAsideAt{before: before.Seq, last: at.last}
	}
	return subjects, nil
}

// isFollowed reports whether a subject is one of what rows are about, where each event follows the last one.
func isFollowed(subject string) bool {
	return slices.ContainsFunc(events.Kinds, func(k *events.Kind) bool {
		prefix, _, _ := strings.Cut(k.Subjects, "*")
		return !k.Folded && strings.HasPrefix(subject, prefix)
	})
}

// eachAt calls fn with the messages at a subject, which may have wildcards, between two sequences.
// It asks the leader for each: it is for subjects with few messages. It asks for none after the last: in a
// stream of more than a million subjects the server looks for a match of wildcards by reading all messages.
func (l *Log) eachAt(ctx context.Context, subject string, after, before events.Seq, fn func(Message) error) error {
	for after+1 < before {
		m, found, err := l.get(ctx, events.LicensesStream, getRequest{Seq: after + 1, NextSubject: subject})
		if err != nil || !found || m.Seq >= before {
			return err
		}
		if err := fn(m); err != nil {
			return err
		}
		after = m.Seq
	}
	return nil
}

// lastBefore is the last message at a subject before a sequence, without those set aside.
func (l *Log) lastBefore(ctx context.Context, subject string, before events.Seq, without map[events.Seq]bool) (last Message, found bool, err error) {
	err = l.eachAt(ctx, subject, 0, before, func(m Message) error {
		if !without[m.Seq] {
			last, found = m, true
		}
		return nil
	})
	return last, found, err
}

// unlessSetAside returns the last message at a subject, or, if that is set aside, the last one that
// is not. It asks the log only where the message cannot be read.
func (l *Log) unlessSetAside(ctx context.Context, subject string, m Message) (Message, bool, error) {
	if !l.setAside.has(m.Seq) {
		if _, err := m.Decode(); err == nil {
			return m, true, nil
		}
		if aside, err := l.IsSetAside(ctx, m.Seq); err != nil || !aside {
			return m, err == nil, err
		}
	}
	return l.lastBefore(ctx, subject, m.Seq, l.setAside.messages().bySeq)
}

// skips reports whether err says that message m cannot be read, and m is set aside. If so, readers go on.
func (l *Log) skips(ctx context.Context, m *Message, err error) bool {
	unreadable, ok := errors.AsType[*UnreadableEventError](err)
	if !ok || unreadable.Seq != m.Seq {
		return false
	}
	aside, askErr := l.IsSetAside(ctx, m.Seq)
	return askErr == nil && aside
}

// lastExpected is the last sequence that an append has to expect at a filter, imports.<job>.*, of
// which its writer knows last: messages that are set aside count for the server. A message that the
// writer does not know is [ErrWrongSequence].
func (l *Log) lastExpected(ctx context.Context, filter string, last events.Seq) (events.Seq, error) {
	known := l.setAside.messages()
	expect, prefix := last, strings.TrimSuffix(filter, "*")
	for _, s := range known.all {
		if strings.HasPrefix(s.Subject, prefix) {
			expect = max(expect, s.Seq)
		}
	}
	if expect == last {
		return last, nil
	}
	end, found, err := l.get(ctx, events.LicensesStream, getRequest{LastSubject: filter})
	if err != nil || !found {
		return last, err
	}
	readable, _, err := l.unlessSetAside(ctx, filter, end)
	if err != nil {
		return last, err
	}
	if readable.Seq != last {
		return last, fmt.Errorf("%w: its last sequence is %d, not %d", ErrWrongSequence, readable.Seq, last)
	}
	return end.Seq, nil
}

// SetAside appends the decision that no reader reads one message of LICENSES. Only a message that
// cannot be read may be set aside, once; otherwise the error is a *[SetAsideError]. impossible tells
// of a message that can be decoded why readers stop at it all the same, or returns nil; it may be
// nil. SetAside returns the message, an empty one where it is damaged.
func (l *Log) SetAside(
	ctx context.Context, seq events.Seq, manager, reason string, impossible func(context.Context, Message) error,
) (Message, error) {
	m, err := l.unreadableAt(ctx, seq, impossible)
	if err != nil {
		return m, err
	}
	decision := &events.EventSetAside{Sequence: seq, Manager: manager, Reason: reason}
	body, err := events.Encode(decision, time.Now())
	if err != nil {
		return m, err
	}
	last, _, err := l.get(ctx, events.LicensesStream, getRequest{LastSubject: decision.Subject()})
	if err != nil {
		return m, err
	}
	_, err = l.append(ctx, appendRequest{
		stream: events.LicensesStream, subject: decision.Subject(), filter: decision.Subject(), last: last.Seq, bodies: [][]byte{body},
	})
	return m, err
}

// unreadableAt returns a message that may be set aside.
func (l *Log) unreadableAt(ctx context.Context, seq events.Seq, impossible func(context.Context, Message) error) (Message, error) {
	refuse := func(format string, a ...any) (Message, error) {
		return Message{}, &SetAsideError{Seq: seq, Reason: fmt.Sprintf(format, a...)}
	}
	m, found, err := l.MessageAt(ctx, seq)
	if err != nil {
		return m, err
	}
	if !found {
		state, err := l.stateWithDeleted(ctx)
		if err != nil {
			return m, err
		}
		if seq < events.Seq(state.FirstSeq) || seq > events.Seq(state.LastSeq) || slices.Contains(state.Deleted, uint64(seq)) {
			return refuse("there is no such message, the stream holds %d to %d; /readyz and the log name the one that readers "+
				"stop at", state.FirstSeq, state.LastSeq)
		}
	}
	known, err := l.SetAsides(ctx)
	if err != nil {
		return m, err
	}
	for _, s := range known {
		if s.Seq == seq {
			return refuse("%s has set it aside already, at %s UTC", s.Manager, s.Time.Format(time.DateTime))
		}
	}
	if !found { // it is damaged
		return m, nil
	}
	envelope, err := m.Decode()
	if err == nil && (impossible == nil || impossible(ctx, m) == nil) {
		return refuse("it is the %s %s, which can be read; only a message that cannot be read may be set aside", envelope.Type, envelope.ID)
	}
	return m, nil
}
