package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	consumerTTL   = 2 * time.Minute // after which the server deletes an unused consumer
	deleteTimeout = time.Second
)

// A cursor reads a stream after a sequence. Its consumer is on the server and can vanish or skip a
// message at any time. The cursor then creates another one after the last message that it
// returned. (The client's ordered consumer does the same, but cannot be stopped while it does.)
type cursor struct {
	log    *Log
	stream string
	filter []string
	last   events.Seq // of the last message returned
	// bounded: the request for the consumer names its one subject, so that permissions of a NATS user
	// can bound what it reads.
	bounded bool

	pull      *pull // from the consumer; nil: no consumer
	consumer  string
	delivered uint64 // the consumer's count of messages
}

func (l *Log) newCursor(stream string, filter []string, after events.Seq) *cursor {
	return &cursor{log: l, stream: stream, filter: filter, last: after}
}

// next waits for the next message until ctx ends, or for the timeout (0: none), whose error is
// [context.DeadlineExceeded].
func (c *cursor) next(ctx context.Context, timeout time.Duration) (Message, error) {
	backoff := serverRetry.Start()
	for {
		if c.pull == nil {
			if err := c.open(ctx); err != nil {
				return Message{}, fmt.Errorf("read stream %s after %d: %w", c.stream, c.last, err)
			}
		}
		raw, err := c.pull.next(ctx, timeout)
		if err == nil {
			if m, inOrder, err := c.accept(raw); inOrder || err != nil {
				return m, err
			}
		}
		if ctx.Err() != nil {
			return Message{}, ctx.Err()
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return Message{}, err
		}
		if c.log.conn.IsClosed() {
			return Message{}, nats.ErrConnectionClosed
		}
		c.stop()
		if err := backoff.Wait(ctx, nil); err != nil {
			return Message{}, err
		}
	}
}

// accept takes a message if it is the consumer's next one and follows the last one.
func (c *cursor) accept(raw *nats.Msg) (m Message, inOrder bool, err error) {
	d, err := parseDelivery(raw.Reply)
	if err != nil {
		return Message{}, false, fmt.Errorf("read stream %s: %w", c.stream, err)
	}
	if d.count != c.delivered+1 || d.seq <= c.last {
		return Message{}, false, nil
	}
	c.delivered++
	c.last = d.seq
	return Message{Subject: raw.Subject, Seq: d.seq, Time: d.time, Data: raw.Data, Pending: d.pending}, true, nil
}

// open creates a consumer after the last message. It retries until ctx ends.
func (c *cursor) open(ctx context.Context) error {
	config := jetstream.ConsumerConfig{
		FilterSubjects:    c.filter,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       uint64(c.last) + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: consumerTTL,
		MemoryStorage:     true,
		Replicas:          1,
	}
	if c.bounded {
		config.FilterSubject, config.FilterSubjects = c.filter[0], nil
	}
	return c.log.retryUntilDone(ctx, c.log.timeout, func(ctx context.Context) error {
		consumer, err := c.log.js.CreateConsumer(ctx, c.stream, config)
		if err != nil {
			return err
		}
		c.consumer, c.delivered = consumer.CachedInfo().Name, 0
		c.pull, err = newPull(c.log.reads, c.stream, c.consumer)
		return err
	})
}

// stop deletes the consumer. If that fails, the server deletes it after consumerTTL.
func (c *cursor) stop() {
	if c.pull == nil {
		return
	}
	c.pull.stop()
	c.pull = nil
	ctx, cancel := context.WithTimeout(context.Background(), deleteTimeout)
	defer cancel()
	_ = c.log.js.DeleteConsumer(ctx, c.stream, c.consumer)
}

// Follow calls fn with each message of LICENSES after a sequence, in order, without gap or
// repetition, and waits for more. It leaves out the messages that are set aside, also those of which
// it learns when fn cannot read them. It returns when ctx ends or fn returns another error, with
// that error. filter has subjects with wildcards; empty: all. With several, each message costs the server a
// look through the subjects of a block of the stream: give them only where few messages match.
func (l *Log) Follow(ctx context.Context, after events.Seq, filter []string, fn func(Message) error) error {
	err := l.retryUntilDone(ctx, l.timeout, func(ctx context.Context) error {
		_, err := l.refreshSetAside(ctx) // a decision stands behind the message that it is about
		return err
	})
	if err != nil {
		return err
	}
	c := l.newCursor(events.LicensesStream, filter, after)
	defer c.stop()
	for {
		m, err := c.next(ctx, 0)
		if err == nil && !l.setAside.has(m.Seq) {
			err = fn(m)
		}
		if err != nil && !l.skips(ctx, &m, err) {
			return err
		}
	}
}
