package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// LastFact reads a job's last fact from the leader; false when it has none.
func (l *Log) LastFact(ctx context.Context, job events.JobID) (Message, bool, error) {
	return l.Fact(ctx, events.FactsFilter(job))
}

// Fact reads the last message at a subject of LICENSES from the leader; false when
// there is none. The subject may have wildcards.
func (l *Log) Fact(ctx context.Context, subject string) (Message, bool, error) {
	return l.get(ctx, events.LicensesStream, getRequest{LastSubject: subject})
}

// MessageAt reads one message of LICENSES from the leader; false when there is none.
func (l *Log) MessageAt(ctx context.Context, seq events.Seq) (Message, bool, error) {
	if seq == 0 {
		return Message{}, false, nil
	}
	return l.get(ctx, events.LicensesStream, getRequest{Seq: seq})
}

// AppendFact stores one fact of a job and returns its sequence, on the condition
// that expect is the sequence of the job's last fact (0: it has none yet). Somebody
// else's fact since then gives [ErrMoved]. It tries until ctx ends.
func (l *Log) AppendFact(ctx context.Context, job events.JobID, subject string, body []byte, expect events.Seq) (events.Seq, error) {
	seq, err := l.append(ctx, appendix{
		stream:  events.LicensesStream,
		subject: subject,
		filter:  events.FactsFilter(job),
		last:    expect,
		bodies:  [][]byte{body},
	})
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", subject, err)
	}
	return seq, nil
}

// One look-up asks for at most so many subjects and bytes of them: the server's
// limit, and half of what a message may hold.
const (
	maxLookup      = 1024
	maxLookupBytes = 512 << 10
)

// Lookup finds the last message at each of the subjects of LICENSES. Subjects that
// have none are absent from the answer; on a cluster so may be some that were
// written a moment ago.
func (l *Log) Lookup(ctx context.Context, subjects []string) (map[string]Message, error) {
	found := make(map[string]Message)
	for rest := subjects; len(rest) > 0; {
		n := lookupSize(rest)
		if err := l.lookup(ctx, rest[:n], found); err != nil {
			return nil, fmt.Errorf("look up %d subjects: %w", len(subjects), err)
		}
		rest = rest[n:]
	}
	return found, nil
}

// lookupSize is how many of the subjects, one at least, fit in one request.
func lookupSize(subjects []string) int {
	size := 0
	for i, subject := range subjects {
		size += len(subject) + len(`"",`)
		if i == maxLookup || i > 0 && size > maxLookupBytes {
			return i
		}
	}
	return len(subjects)
}

// lookup asks until it has a whole answer. One that is cut short, since it passed
// what the server sends at once, is asked for in halves.
func (l *Log) lookup(ctx context.Context, subjects []string, found map[string]Message) error {
	err := l.within(ctx, func(ctx context.Context) error {
		err := l.lookupOnce(ctx, subjects, found)
		if short, ok := errors.AsType[*shortAnswerError](err); ok && len(subjects) > 1 && ctx.Err() == nil {
			return short
		}
		return err
	})
	if _, short := errors.AsType[*shortAnswerError](err); !short || len(subjects) == 1 {
		return err
	}
	half := len(subjects) / 2
	return errors.Join(l.lookup(ctx, subjects[:half], found), l.lookup(ctx, subjects[half:], found))
}

// A shortAnswerError says that the end of an answer did not come.
type shortAnswerError struct{ got, want int }

func (e *shortAnswerError) Error() string {
	return fmt.Sprintf("the stream sent %d of %d messages", e.got, e.want)
}

// lookupOnce counts the answer: the client library ends the list without an error
// when time runs out.
func (l *Log) lookupOnce(ctx context.Context, subjects []string, found map[string]Message) error {
	answer, err := jetstreamext.GetLastMsgsFor(ctx, l.js, events.LicensesStream, subjects)
	if err != nil {
		return err
	}
	got, want := 0, -1
	for raw, err := range answer {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return nil
		}
		if err != nil {
			return err
		}
		if got == 0 {
			pending, err := strconv.Atoi(raw.Header.Get("Nats-Num-Pending"))
			if err != nil {
				return fmt.Errorf("read the stream's answer: %w", err)
			}
			want = pending + 1
		}
		got++
		found[raw.Subject] = fromRaw(raw)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if got != want {
		return &shortAnswerError{got: got, want: want}
	}
	return nil
}

func fromRaw(raw *jetstream.RawStreamMsg) Message {
	return Message{Subject: raw.Subject, Seq: events.Seq(raw.Sequence), Time: raw.Time, Data: raw.Data}
}
