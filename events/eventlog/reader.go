package eventlog

import (
	"context"
	"fmt"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What a reader has the server send ahead: so many messages, or bytes, at once.
const (
	readAhead      = 5000
	readAheadBytes = 8 << 20
)

// A reader's consumer says every second that it lives; after two without a word it
// is replaced. The server drops one that was left behind after a while.
const (
	heartbeat     = time.Second
	pullExpiry    = 30 * time.Second
	leftBehind    = 2 * time.Minute
	deleteTimeout = time.Second
)

// A cursor reads a stream from a sequence on. Its consumer lives on the server and
// may vanish or leave something out at any time; the cursor then makes another
// behind the last message that it gave out. (The client's ordered consumer does the
// same, but cannot be ended while it tries to.)
type cursor struct {
	log    *Log
	stream string
	filter []string
	last   events.Seq // last message given out

	consumer  string // its name; empty: there is none
	delivered uint64 // its count of messages
	messages  jetstream.MessagesContext
}

func (l *Log) newCursor(stream string, filter []string, after events.Seq) *cursor {
	return &cursor{log: l, stream: stream, filter: filter, last: after}
}

// next waits for the next message, until ctx ends.
func (c *cursor) next(ctx context.Context) (Message, error) {
	var pace backoff
	for {
		if c.consumer == "" {
			if err := c.open(ctx); err != nil {
				return Message{}, fmt.Errorf("read stream %s behind %d: %w", c.stream, c.last, err)
			}
		}
		raw, err := c.messages.Next(jetstream.NextContext(ctx))
		if err == nil {
			if m, inOrder, err := c.accept(raw); inOrder || err != nil {
				return m, err
			}
		}
		if ctx.Err() != nil {
			return Message{}, ctx.Err()
		}
		if c.log.conn.IsClosed() {
			return Message{}, nats.ErrConnectionClosed
		}
		c.stop()
		if err := pace.wait(ctx); err != nil {
			return Message{}, err
		}
	}
}

// accept takes a message that is the consumer's next and lies behind the last one.
func (c *cursor) accept(raw jetstream.Msg) (m Message, inOrder bool, err error) {
	meta, err := raw.Metadata()
	if err != nil {
		return Message{}, false, fmt.Errorf("read stream %s: %w", c.stream, err)
	}
	seq := events.Seq(meta.Sequence.Stream)
	if meta.Sequence.Consumer != c.delivered+1 || seq <= c.last {
		return Message{}, false, nil
	}
	c.delivered++
	c.last = seq
	return Message{
		Subject: raw.Subject(),
		Seq:     seq,
		Time:    meta.Timestamp.UTC(),
		Data:    raw.Data(),
		Pending: meta.NumPending,
	}, true, nil
}

// open makes a consumer behind the last message, until ctx ends.
func (c *cursor) open(ctx context.Context) error {
	config := jetstream.ConsumerConfig{
		FilterSubjects:    c.filter,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       uint64(c.last) + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: leftBehind,
		MemoryStorage:     true,
		Replicas:          1,
	}
	return c.log.untilDone(ctx, c.log.timeout, func(ctx context.Context) error {
		consumer, err := c.log.js.CreateConsumer(ctx, c.stream, config)
		if err != nil {
			return err
		}
		messages, err := consumer.Messages(
			jetstream.PullMaxMessagesWithBytesLimit(readAhead, readAheadBytes),
			jetstream.PullExpiry(pullExpiry),
			jetstream.PullHeartbeat(heartbeat),
		)
		if err != nil {
			return err
		}
		c.consumer, c.delivered, c.messages = consumer.CachedInfo().Name, 0, messages
		return nil
	})
}

// stop ends the consumer. Where it cannot be deleted now, the server does it later.
func (c *cursor) stop() {
	if c.consumer == "" {
		return
	}
	c.messages.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), deleteTimeout)
	defer cancel()
	_ = c.log.js.DeleteConsumer(ctx, c.stream, c.consumer)
	c.consumer = ""
}

// Follow gives fn each message of LICENSES behind the sequence after, in order,
// without gap or repetition, and waits for more, until ctx ends or fn returns an
// error: it returns that one. filter holds subjects with wildcards; empty: all.
func (l *Log) Follow(ctx context.Context, after events.Seq, filter []string, fn func(Message) error) error {
	c := l.newCursor(events.LicensesStream, filter, after)
	defer c.stop()
	for {
		m, err := c.next(ctx)
		if err == nil {
			err = fn(m)
		}
		if err != nil {
			return err
		}
	}
}
