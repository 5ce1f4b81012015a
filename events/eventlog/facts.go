package eventlog

import (
	"context"
	"fmt"

	"licenseimport/events"
)

// LastFact reads a job's last fact from the leader; false without one.
func (l *Log) LastFact(ctx context.Context, job events.JobID) (Message, bool, error) {
	return l.Fact(ctx, events.FactsFilter(job))
}

// Fact reads the last message at a subject of LICENSES from the leader, without those set aside;
// false without one. The subject may have wildcards.
func (l *Log) Fact(ctx context.Context, subject string) (Message, bool, error) {
	m, found, err := l.get(ctx, events.LicensesStream, getRequest{LastSubject: subject})
	if err != nil || !found {
		return m, found, err
	}
	return l.unlessSetAside(ctx, subject, m)
}

// HasFact reports whether LICENSES has a message at a subject, set aside or not. The server has the subjects in memory:
// it reads no message, as [Log.Fact] does.
func (l *Log) HasFact(ctx context.Context, subject string) (bool, error) {
	subjects, err := l.subjects(ctx, events.LicensesStream, subject)
	if err != nil {
		return false, fmt.Errorf("look for a message at %s: %w", subject, err)
	}
	return len(subjects) > 0, nil
}

// MessageAt reads one message of LICENSES from the leader, set aside or not; false without one.
func (l *Log) MessageAt(ctx context.Context, seq events.Seq) (Message, bool, error) {
	if seq == 0 {
		return Message{}, false, nil
	}
	return l.get(ctx, events.LicensesStream, getRequest{Seq: seq})
}

// AppendFact stores one fact of a job and returns its sequence, if expect is the sequence of the
// job's last fact (0: it has none). Otherwise the error is [ErrWrongSequence]. It retries until ctx
// ends.
func (l *Log) AppendFact(
	ctx context.Context, job events.JobID, subject string, body []byte, expect events.Seq,
) (events.Seq, error) {
	filter := events.FactsFilter(job)
	last, err := l.lastExpected(ctx, filter, expect)
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", subject, err)
	}
	seq, err := l.append(ctx, appendRequest{
		stream:  events.LicensesStream,
		subject: subject,
		filter:  filter,
		last:    last,
		bodies:  [][]byte{body},
	})
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", subject, err)
	}
	return seq, nil
}

// FactsAfter calls fn with the messages at a subject of LICENSES after a sequence, in order, without those set aside,
// until fn returns an error. The subject may have wildcards. It asks the leader for each: it is for subjects with few
// messages, or for the first ones.
func (l *Log) FactsAfter(ctx context.Context, subject string, after events.Seq, fn func(Message) error) error {
	last, _, err := l.get(ctx, events.LicensesStream, getRequest{LastSubject: subject})
	if err != nil {
		return err
	}
	return l.eachAt(ctx, subject, after, last.Seq+1, func(m Message) error { return l.pass(ctx, m, fn) })
}

// FactsUpTo calls fn with the messages at subjects of LICENSES after a sequence, in order, without those set aside,
// until fn returns an error. upTo has the sequence of a message at each subject; it ends with the last of these. It
// reads all messages up to there, once: a request for each message would take longer where the subjects are some
// hundreds, or one of them has many.
func (l *Log) FactsUpTo(
	ctx context.Context, upTo map[string]events.Seq, after events.Seq, fn func(Message) error,
) error {
	end := events.Seq(0)
	for _, last := range upTo {
		end = max(end, last)
	}
	c := l.newCursor(events.LicensesStream, nil, after)
	defer c.stop()
	for after < end {
		m, err := c.next(ctx, 0)
		if err != nil {
			return err
		}
		after = m.Seq
		if _, asked := upTo[m.Subject]; !asked {
			continue
		}
		if err := l.pass(ctx, m, fn); err != nil {
			return err
		}
	}
	return nil
}

// pass calls fn with a message that is not set aside, also not when fn cannot read it.
func (l *Log) pass(ctx context.Context, m Message, fn func(Message) error) error {
	if l.setAside.has(m.Seq) {
		return nil
	}
	if err := fn(m); err != nil && !l.skips(ctx, &m, err) {
		return err
	}
	return nil
}
