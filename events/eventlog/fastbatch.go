package eventlog

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The last tokens of a fast batch's reply subject: <inbox>.<flow>.fail.<number>.<operation>.$FI. The
// inbox's last token is the batch's id. The server sends a flow message for each so many messages, at
// most 500, and ends the batch at a gap. (A batch has at most MaxBatch messages, so it needs no flow
// control; orbit's FastPublisher waits for the response to the first message.)
const (
	fastFlow   = ".500.fail."
	fastStart  = ".0.$FI"
	fastAdd    = ".1.$FI"
	fastCommit = ".2.$FI"
)

// A fastBatch is a batch in flight to ROWS that the server stores message by message. After an error
// it may have stored the first ones, and may store more of them later.
type fastBatch struct {
	publisher
	inbox   string
	answers chan *nats.Msg
	size    int
}

// send sends all bodies and waits for the response, at most the time of one request. The server
// stores nothing if last is not the sequence of the subject's last message. It returns the sequence
// of the last body.
func (b *fastBatch) send(ctx context.Context, subject string, last events.Seq, bodies [][]byte) (events.Seq, error) {
	sub, err := b.log.conn.ChanSubscribe(b.inbox+".>", b.answers)
	if err != nil {
		return 0, err
	}
	defer func() { _ = sub.Unsubscribe() }() // without a connection there is no subscription
	message := nats.Msg{Subject: subject, Header: nats.Header{
		jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(uint64(last), 10)},
	}}
	for i, body := range bodies {
		operation, publish := fastAdd, b.publish
		switch {
		case i == len(bodies)-1:
			operation, publish = fastCommit, b.log.conn.PublishMsg
		case i == 0:
			operation = fastStart
		}
		message.Reply, message.Data = b.inbox+fastFlow+strconv.Itoa(i+1)+operation, body
		if err := publish(&message); err != nil {
			return 0, err
		}
		message.Header = nil
	}
	b.size = len(bodies)
	return b.wait(ctx)
}

// wait waits for the response to the commit, or for the first error.
func (b *fastBatch) wait(ctx context.Context) (events.Seq, error) {
	ctx, cancel := context.WithTimeout(ctx, b.log.timeout)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case m := <-b.answers:
			if seq, done, err := b.read(m); done || err != nil {
				return seq, err
			}
		}
	}
}

// read reads one response. done is false for a flow message.
func (b *fastBatch) read(m *nats.Msg) (seq events.Seq, done bool, err error) {
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		return 0, false, nats.ErrNoResponders
	}
	var answer struct {
		Type  string              `json:"type"` // of a flow message
		Error *jetstream.APIError `json:"error"`
		Seq   events.Seq          `json:"seq"`
		Count int                 `json:"count"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return 0, false, fmt.Errorf("read the stream's response: %w", err)
	}
	switch {
	case answer.Error != nil:
		return 0, false, answer.Error
	case answer.Type == "ack":
		return 0, false, nil
	case answer.Type != "" || answer.Count != b.size:
		return 0, false, fmt.Errorf("%w: %d of %d messages acknowledged", errIncomplete, answer.Count, b.size)
	}
	return answer.Seq, true, nil
}

// appendFast is append for a ROWS that takes fast batches. After any response but a clear success it asks
// the leader for the job's last row, and sends what follows that one. So a row may be stored twice, if the
// server stores more of an earlier attempt meanwhile; each row's first copy follows that of the row before.
func (l *Log) appendFast(ctx context.Context, job events.JobID, last events.Seq, bodies [][]byte) (events.Seq, error) {
	subject := events.RowsSubject(job)
	for backoff := serverRetry.Start(); ; {
		batch := &fastBatch{publisher: l.newPublisher(events.RowsStream), inbox: l.conn.NewInbox(), answers: make(chan *nats.Msg, 2*MaxBatch)}
		seq, err := batch.send(ctx, subject, last, bodies)
		if err == nil {
			batch.stored()
			return seq, nil
		}
		batch.failed()
		stored, found := l.lastMessage(ctx, events.RowsStream, subject)
		if found != nil {
			return 0, fmt.Errorf("it is unknown which rows were stored: %w: %w", found, err)
		}
		n, known := storedOf(bodies, stored, last)
		switch {
		case !known:
			return 0, fmt.Errorf("%w: its last sequence is %d, not %d", ErrWrongSequence, stored.Seq, last)
		case n == len(bodies):
			return stored.Seq, nil
		case n == 0 && !refused(err) && !transient(err) && code(err) != codeUnknownFast:
			return 0, err
		}
		last, bodies = stored.Seq, bodies[n:]
		if err := backoff.Wait(ctx, err); err != nil {
			return 0, err
		}
	}
}

// storedOf is how many of the bodies are stored if a message is the last one of their job, and last was
// before them. known is false if that message is neither one of them nor a row before them.
func storedOf(bodies [][]byte, message Message, last events.Seq) (n int, known bool) {
	if message.Seq == last {
		return 0, true
	}
	first, isRow := events.ArrivalOf(bodies[0])
	stored, storedIsRow := events.ArrivalOf(message.Data)
	if !isRow || !storedIsRow || stored.JobID != first.JobID || stored.Row >= first.Row+events.Row(len(bodies)) {
		return 0, false
	}
	if stored.Row < first.Row {
		return 0, true // a late copy
	}
	return int(stored.Row-first.Row) + 1, true
}
