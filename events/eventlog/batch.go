package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/failpoint"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// MaxBatch is how many messages one atomic batch holds at most, the commit message
// included: the server's limit.
const MaxBatch = 1000

// errIncomplete stands for a batch that could not be sent whole.
var errIncomplete = errors.New("the batch is not whole")

// A stage is an atomic batch on its way to one stream. Its messages are sent as they
// are added; the server keeps them aside until the commit, for 10 s after the last
// of them. All go out in the one envelope: the client copies it when it publishes.
type atomicBatch struct {
	log  *Log
	id   string
	size int
	err  error // of the first message that could not be sent

	envelope               nats.Msg
	sequence, last, filter [1]string // the values of its headers
}

func (l *Log) newAtomicBatch(id string) *atomicBatch {
	s := &atomicBatch{log: l, id: id}
	s.envelope.Header = nats.Header{
		jetstreamext.BatchIDHeader:  {id},
		jetstreamext.BatchSeqHeader: s.sequence[:],
	}
	return s
}

// An expectation is the last sequence that a writer knows over a filter of
// subjects, or of the whole stream. It is checked when the batch is committed.
type expectation struct {
	filter string // empty: the message's own subject
	stream bool   // of all subjects
	last   events.Seq
}

// message is the envelope with a message in it, until the next one.
func (s *atomicBatch) message(subject string, body []byte, expect *expectation) *nats.Msg {
	s.size++
	s.sequence[0] = strconv.Itoa(s.size)
	s.envelope.Subject, s.envelope.Data = subject, body
	header := s.envelope.Header
	delete(header, jetstream.ExpectedLastSeqHeader)
	delete(header, jetstream.ExpectedLastSubjSeqHeader)
	delete(header, jetstream.ExpectedLastSubjSeqSubjHeader)
	if expect == nil {
		return &s.envelope
	}
	s.last[0], s.filter[0] = strconv.FormatUint(uint64(expect.last), 10), expect.filter
	if expect.stream {
		header[jetstream.ExpectedLastSeqHeader] = s.last[:]
		return &s.envelope
	}
	header[jetstream.ExpectedLastSubjSeqHeader] = s.last[:]
	if expect.filter != "" {
		header[jetstream.ExpectedLastSubjSeqSubjHeader] = s.filter[:]
	}
	return &s.envelope
}

// add sends one message without waiting. An error shows at the commit.
func (s *atomicBatch) add(subject string, body []byte, expect *expectation) {
	message := s.message(subject, body, expect)
	if s.err == nil {
		s.err = s.log.conn.PublishMsg(message)
	}
}

// commit sends the last message and waits, at most the time of one request, for the answer:
// the sequence of that message.
func (s *atomicBatch) commit(ctx context.Context, subject string, body []byte, expect *expectation) (events.Seq, error) {
	message := s.message(subject, body, expect)
	if s.err != nil {
		return 0, s.err
	}
	message.Header[jetstreamext.BatchCommitHeader] = []string{"1"}
	ctx, cancel := context.WithTimeout(ctx, s.log.timeout)
	defer cancel()
	answer, err := s.log.conn.RequestMsgWithContext(ctx, message)
	if err != nil {
		return 0, err
	}
	return s.readAck(answer.Data)
}

func (s *atomicBatch) readAck(data []byte) (events.Seq, error) {
	var ack struct {
		Error *jetstream.APIError `json:"error"`
		Seq   events.Seq          `json:"seq"`
		Batch string              `json:"batch"`
		Count int                 `json:"count"`
	}
	if err := json.Unmarshal(data, &ack); err != nil {
		return 0, fmt.Errorf("read the stream's answer: %w", err)
	}
	if ack.Error != nil {
		return 0, ack.Error
	}
	if ack.Batch != s.id || ack.Count != s.size {
		return 0, fmt.Errorf("%w: %d of %d messages acknowledged", errIncomplete, ack.Count, s.size)
	}
	return ack.Seq, nil
}

// A verdict is what the leader says about an append whose answer was not a clear yes.
type appendResult int

const (
	absent appendResult = iota // nothing of it is stored, and nobody else wrote
	stored
	moved // somebody else wrote
)

// judge reads the last message over the filter. It is ours where its batch id
// begins with id: every attempt at one append has an id of its own behind the same
// beginning, since an earlier attempt may still be on its way.
func (l *Log) resolveAppend(ctx context.Context, stream, filter, id string, expect events.Seq) (appendResult, events.Seq, error) {
	var last Message
	err := l.retryUntilDone(ctx, l.timeout/readTries, func(ctx context.Context) (err error) {
		last, _, err = l.getOnce(ctx, stream, getRequest{LastSubject: filter})
		return err
	})
	switch {
	case err != nil:
		return absent, 0, fmt.Errorf("it is not known whether the append was stored: %w", err)
	case last.Seq == expect:
		return absent, 0, nil
	case strings.HasPrefix(last.BatchID, id):
		return stored, last.Seq, nil
	}
	return moved, last.Seq, nil
}

// An appendix is what [Log.append] adds to one subject: all of it or nothing.
type appendRequest struct {
	stream  string
	subject string
	filter  string // whose last sequence is expected
	last    events.Seq
	bodies  [][]byte // 1 to MaxBatch

	// alone: nobody else is likely to have written to the stream since last, so that
	// is expected at first; see [Log.AppendRows].
	exclusive bool
}

// append stores the bodies as one batch and returns the sequence of the last. It
// tries again until ctx ends, unless somebody else wrote: [ErrWrongSequence].
func (l *Log) append(ctx context.Context, a appendRequest) (events.Seq, error) {
	if len(a.bodies) == 0 || len(a.bodies) > MaxBatch {
		return 0, fmt.Errorf("a batch of %d messages: it takes 1 to %d", len(a.bodies), MaxBatch)
	}
	id := nuid.Next() + "."
	backoff := serverRetry.Start()
	for attempt := 1; ; attempt++ {
		seq, err := l.attempt(ctx, id+strconv.Itoa(attempt), a)
		if err == nil {
			return seq, nil
		}
		verdict, seq, unknown := l.resolveAppend(ctx, a.stream, a.filter, id, a.last)
		switch {
		case unknown != nil:
			return 0, fmt.Errorf("%w: %w", unknown, err)
		case verdict == stored:
			return seq, nil
		case verdict == moved:
			return 0, fmt.Errorf("%w: its last sequence is %d, not %d", ErrWrongSequence, seq, a.last)
		case !refused(err) && !transient(err):
			return 0, err
		case a.exclusive && refused(err):
			l.contention.observed()
			a.exclusive = false
			continue
		}
		if err := backoff.Wait(ctx, err); err != nil {
			return 0, err
		}
	}
}

func (l *Log) attempt(ctx context.Context, id string, a appendRequest) (events.Seq, error) {
	stage := l.newAtomicBatch(id)
	expect := &expectation{filter: a.filter, stream: a.exclusive, last: a.last}
	final := len(a.bodies) - 1
	for _, body := range a.bodies[:final] {
		stage.add(a.subject, body, expect)
		expect = nil
	}
	return stage.commit(ctx, a.subject, a.bodies[final], expect)
}

// A Batch holds the outcomes of some rows of one job and, as its last message,
// the fact that they are decided. All of it is stored or nothing. It is used by one
// goroutine. Once a message is added it should be committed, soon: the server
// keeps it for 10 s and has room for 50 such batches.
type Batch struct {
	log    *Log
	job    events.JobID
	atomic *atomicBatch
}

// NewBatch begins a batch of a job.
func (l *Log) NewBatch(job events.JobID) *Batch {
	return &Batch{log: l, job: job, atomic: l.newAtomicBatch(nuid.Next() + ".1")}
}

// Len is how many messages were added.
func (b *Batch) Len() int { return b.atomic.size }

// Add sends one message to be stored with the commit, and does not wait. first: it
// must be the first at its subject, else the commit is refused; no other message of
// this batch may have that subject. The body may be reused when Add returns. Up to
// MaxBatch-1 messages go before the commit.
func (b *Batch) Add(subject string, body []byte, first bool) error {
	if b.atomic.size >= MaxBatch-1 {
		return fmt.Errorf("the batch holds %d messages already", b.atomic.size)
	}
	if first && !failpoint.First {
		b.atomic.add(subject, body, &expectation{})
	} else {
		b.atomic.add(subject, body, nil)
	}
	return nil
}

// Commit stores the batch with the fact at its end, on the condition that expect is
// still the sequence of the job's last fact, and returns the fact's sequence. nil
// says that all of it is stored, [ErrWrongSequence] and [ErrConflict] that nothing is; after
// any other error that is unknown. A batch is committed once.
func (b *Batch) Commit(ctx context.Context, subject string, body []byte, expect events.Seq) (events.Seq, error) {
	filter := events.FactsFilter(b.job)
	fence := &expectation{filter: filter, last: expect}
	if failpoint.Fence {
		fence = nil
	}
	seq, err := b.atomic.commit(ctx, subject, body, fence)
	if err == nil {
		return seq, nil
	}
	verdict, last, unknown := b.log.resolveAppend(ctx, events.LicensesStream, filter, b.atomic.id, expect)
	switch {
	case unknown != nil:
		return 0, fmt.Errorf("%w: %w", unknown, err)
	case verdict == stored:
		return last, nil
	case verdict == moved:
		return 0, fmt.Errorf("%w: the job's last fact is %d, not %d", ErrWrongSequence, last, expect)
	case refused(err) || transient(err):
		return 0, fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return 0, fmt.Errorf("commit a batch of job %d: %w", b.job, err)
}
