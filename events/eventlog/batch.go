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

// MaxBatch is the most messages of one atomic batch, with the commit message: the server's limit.
const MaxBatch = 1000

// errIncomplete says that the server did not get the whole batch.
var errIncomplete = errors.New("the batch is incomplete")

// errTorn says that the stream holds the beginning of a batch and not its end.
var errTorn = errors.New("the server has stored only a part of the batch")

// An atomicBatch is a batch in flight to one stream. Each message is sent when it is added. The
// server stages them until the commit, for up to 10 s after the last one. All messages share one
// envelope, which the client copies when it publishes.
type atomicBatch struct {
	publisher
	id   string
	size int
	err  error // of the first message that could not be sent

	envelope               nats.Msg
	sequence, last, filter [1]string // the values of the headers
}

func (l *Log) newAtomicBatch(stream, id string) *atomicBatch {
	b := &atomicBatch{publisher: l.newPublisher(stream), id: id}
	b.envelope.Header = nats.Header{
		jetstreamext.BatchIDHeader:  {id},
		jetstreamext.BatchSeqHeader: b.sequence[:],
	}
	return b
}

// An expectation is the last sequence that a writer knows of a filter of subjects. The server checks
// it at the commit.
type expectation struct {
	filter string // empty: the message's own subject
	last   events.Seq
}

// message puts a message into the envelope. It is valid until the next call.
func (b *atomicBatch) message(subject string, body []byte, expect *expectation) *nats.Msg {
	if b.size++; b.size == 1 {
		b.stage(b.id)
	}
	b.sequence[0] = strconv.Itoa(b.size)
	b.envelope.Subject, b.envelope.Data = subject, body
	header := b.envelope.Header
	delete(header, jetstream.ExpectedLastSubjSeqHeader)
	delete(header, jetstream.ExpectedLastSubjSeqSubjHeader)
	if expect == nil {
		return &b.envelope
	}
	b.last[0], b.filter[0] = strconv.FormatUint(uint64(expect.last), 10), expect.filter
	header[jetstream.ExpectedLastSubjSeqHeader] = b.last[:]
	if expect.filter != "" {
		header[jetstream.ExpectedLastSubjSeqSubjHeader] = b.filter[:]
	}
	return &b.envelope
}

// add sends one message without waiting. The commit reports its error.
func (b *atomicBatch) add(subject string, body []byte, expect *expectation) {
	message := b.message(subject, body, expect)
	if b.err == nil {
		b.err = b.publish(message)
	}
}

// commit sends the last message and waits for the response, at most the time of one request. It
// returns the sequence of that message.
func (b *atomicBatch) commit(
	ctx context.Context, subject string, body []byte, expect *expectation,
) (events.Seq, error) {
	message := b.message(subject, body, expect)
	if b.err != nil {
		return 0, b.err
	}
	message.Header[jetstreamext.BatchCommitHeader] = []string{"1"}
	if b.size > 1 && b.log.Clustered() { // one message is never in two entries
		release, err := b.log.takeTurn(ctx, b.stream)
		if err != nil {
			return 0, err
		}
		defer release()
	}
	ctx, cancel := context.WithTimeout(ctx, b.log.timeout)
	defer cancel()
	answer, err := b.log.conn.RequestMsgWithContext(ctx, message)
	if err != nil {
		b.failed()
		return 0, err
	}
	seq, err := b.readAck(answer.Data)
	if err != nil {
		b.failed()
		return 0, err
	}
	b.stored()
	return seq, nil
}

func (b *atomicBatch) readAck(data []byte) (events.Seq, error) {
	var ack struct {
		Error *jetstream.APIError `json:"error"`
		Seq   events.Seq          `json:"seq"`
		Batch string              `json:"batch"`
		Count int                 `json:"count"`
	}
	if err := json.Unmarshal(data, &ack); err != nil {
		return 0, fmt.Errorf("read the stream's response: %w", err)
	}
	if ack.Error != nil {
		return 0, ack.Error
	}
	if ack.Batch != b.id || ack.Count != b.size {
		return 0, fmt.Errorf("%w: %d of %d messages acknowledged", errIncomplete, ack.Count, b.size)
	}
	return ack.Seq, nil
}

// An appendResult is what the leader tells about an append whose response was not a clear success.
type appendResult int

const (
	absent appendResult = iota // nothing of it is stored, and no other writer has appended
	stored
	moved // another writer has appended
)

// An unresolved append is one whose response was not a clear success.
type unresolved struct {
	stream  string
	subject string     // of the append's last message
	filter  string     // of the subjects whose last sequence is expected
	expect  events.Seq // that sequence
	id      string     // the prefix of the append's batch id: each attempt adds a number
}

// resolve finds out what became of an append. A message of the append proves that all of it is
// stored only if it is the batch's last one. While another one is the last that the leader has, the
// server is storing the batch: resolve asks again, for the time of one request. Then the error is
// errTorn: the server has lost its power meanwhile, and does not sync what it stores.
func (l *Log) resolve(ctx context.Context, a unresolved) (result appendResult, seq events.Seq, err error) {
	within, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	for backoff := serverRetry.Start(); ; {
		if result, seq, err = l.resolveOnce(ctx, a); !errors.Is(err, errTorn) {
			return result, seq, err
		}
		if backoff.Wait(within, nil) != nil {
			return result, seq, err
		}
	}
}

// resolveOnce asks the leader what became of an append: for the last message of the filter and, if that
// is another writer's, for the last one at the append's own subject. There the append's message
// stays visible when another writer has appended a fact of another kind after it.
func (l *Log) resolveOnce(ctx context.Context, a unresolved) (appendResult, events.Seq, error) {
	last, err := l.lastMessage(ctx, a.stream, a.filter)
	own := last
	if err == nil && last.Seq != a.expect && a.subject != a.filter && !strings.HasPrefix(last.BatchID, a.id) {
		own, err = l.lastMessage(ctx, a.stream, a.subject)
	}
	switch {
	case err != nil:
		return absent, 0, fmt.Errorf("it is unknown whether the append was stored: %w", err)
	case last.Seq == a.expect:
		return absent, 0, nil
	case strings.HasPrefix(own.BatchID, a.id) && !own.Commit:
		return absent, 0, fmt.Errorf("%w, up to sequence %d of stream %s", errTorn, own.Seq, a.stream)
	case strings.HasPrefix(own.BatchID, a.id):
		return stored, own.Seq, nil
	}
	return moved, last.Seq, nil
}

// lastMessage reads the last message of a filter from the leader until ctx ends; the zero Message
// where there is none.
func (l *Log) lastMessage(ctx context.Context, stream, filter string) (last Message, err error) {
	err = l.retryUntilDone(ctx, l.timeout/readTries, func(ctx context.Context) (err error) {
		last, _, err = l.getOnce(ctx, stream, getRequest{LastSubject: filter})
		return err
	})
	return last, err
}

// An appendRequest is what [Log.append] adds to one subject: all of it or nothing.
type appendRequest struct {
	stream  string
	subject string
	filter  string // of the subjects whose last sequence is expected
	last    events.Seq
	bodies  [][]byte // 1 to MaxBatch
}

// append stores the bodies as one batch and returns the sequence of the last one. It retries until
// ctx ends; another writer's append ends it with [ErrWrongSequence].
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
		result, seq, unknown := l.resolve(ctx, unresolved{a.stream, a.subject, a.filter, a.last, id})
		switch {
		case unknown != nil:
			return 0, fmt.Errorf("%w: %w", unknown, err)
		case result == stored:
			return seq, nil
		case result == moved:
			return 0, fmt.Errorf("%w: its last sequence is %d, not %d", ErrWrongSequence, seq, a.last)
		case !refused(err) && !transient(err):
			return 0, err
		}
		if err := backoff.Wait(ctx, err); err != nil {
			return 0, err
		}
	}
}

func (l *Log) attempt(ctx context.Context, id string, a appendRequest) (events.Seq, error) {
	batch := l.newAtomicBatch(a.stream, id)
	expect := &expectation{filter: a.filter, last: a.last}
	final := len(a.bodies) - 1
	for _, body := range a.bodies[:final] {
		batch.add(a.subject, body, expect)
		expect = nil
	}
	return batch.commit(ctx, a.subject, a.bodies[final], expect)
}

// A Batch holds the outcomes of some rows of one job and, as its last message, the fact that they
// are decided. The stream stores all of it or nothing. One goroutine uses it. Commit soon after the
// first message: the server stages a batch for 10 s, and 50 batches at a time.
type Batch struct {
	log    *Log
	job    events.JobID
	atomic *atomicBatch
}

// NewBatch begins a batch of a job.
func (l *Log) NewBatch(job events.JobID) *Batch {
	return &Batch{log: l, job: job, atomic: l.newAtomicBatch(events.LicensesStream, nuid.Next()+".1")}
}

// Len is the number of messages added.
func (b *Batch) Len() int { return b.atomic.size }

// Add sends one message to be stored by the commit, without waiting. The caller may reuse body when Add
// returns. A batch takes up to MaxBatch-1 messages before the commit.
func (b *Batch) Add(subject string, body []byte) error { return b.add(subject, body, nil) }

// AddAfter is Add for a message that holds only if last is still the sequence of the last message at a
// license's subject, 0 for none: else the commit fails. That subject may be another one than the message's own.
// Messages that are set aside do not count. No earlier message of this batch may be at that license's subject.
func (b *Batch) AddAfter(subject string, body []byte, license string, last events.Seq) error {
	if failpoint.First {
		return b.add(subject, body, nil)
	}
	expect := &expectation{last: b.log.setAside.lastAt(license, last)}
	if license != subject {
		expect.filter = license
	}
	return b.add(subject, body, expect)
}

func (b *Batch) add(subject string, body []byte, expect *expectation) error {
	if b.atomic.size >= MaxBatch-1 {
		return fmt.Errorf("the batch has %d messages already", b.atomic.size)
	}
	b.atomic.add(subject, body, expect)
	return nil
}

// Commit stores the batch with the fact at its end, if expect is still the sequence of the job's
// last fact, and returns the fact's sequence. Call it once. The error tells what is stored:
//
//	nil                                 all of it
//	[ErrWrongSequence], [ErrConflict]   nothing
//	any other                           unknown
func (b *Batch) Commit(ctx context.Context, subject string, body []byte, expect events.Seq) (events.Seq, error) {
	filter := events.FactsFilter(b.job)
	expect, err := b.log.lastExpected(ctx, filter, expect)
	if err != nil {
		return 0, err
	}
	fence := &expectation{filter: filter, last: expect}
	if failpoint.Fence {
		fence = nil
	}
	seq, err := b.atomic.commit(ctx, subject, body, fence)
	if err == nil {
		return seq, nil
	}
	result, last, unknown := b.log.resolve(ctx, unresolved{events.LicensesStream, subject, filter, expect, b.atomic.id})
	switch {
	case unknown != nil:
		return 0, fmt.Errorf("%w: %w", unknown, err)
	case result == stored:
		return last, nil
	case result == moved:
		return 0, fmt.Errorf("%w: the job's last fact is %d, not %d", ErrWrongSequence, last, expect)
	case refused(err) || transient(err):
		return 0, fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return 0, fmt.Errorf("commit a batch of job %d: %w", b.job, err)
}
