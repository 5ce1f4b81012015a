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

// A cursor reads a stream after a sequence, from a source that can fail at any time. It then opens
// another one after the last message that it returned. (The client's ordered consumer does the same,
// but cannot be stopped while it does.)
type cursor struct {
	log    *Log
	stream string
	filter []string
	last   events.Seq // of the last message returned
	// bounded: the request for the consumer names its one subject, so that permissions of a NATS user
	// can bound what it reads.
	bounded bool
	// reuse: the data of a message is valid until the next call.
	reuse bool
	// Where it reads all of LICENSES:
	gaps   gaps
	before Message // the last message returned, without its data

	source source // nil: none is open
}

// A source delivers a stream's messages after a sequence. One on a server may begin with the message at that sequence.
type source interface {
	// next waits for the next message until ctx ends, or for the timeout (0: none), whose error is
	// [context.DeadlineExceeded]. After any other error the owner must stop the source. One of a message
	// that cannot be a stream's is an [unusableError].
	next(ctx context.Context, timeout time.Duration) (Message, error)
	node() string // the server that it reads from
	stop()
}

// An unusableError is one that another source would give, too.
type unusableError struct{ error }

func (l *Log) newCursor(stream string, filter []string, after events.Seq) *cursor {
	return &cursor{log: l, stream: stream, filter: filter, last: after}
}

// next waits for the next message until ctx ends, or for the timeout (0: none), whose error is
// [context.DeadlineExceeded]. Where it reads all of LICENSES, a damaged message is an [*UnreadableEventError].
func (c *cursor) next(ctx context.Context, timeout time.Duration) (Message, error) {
	backoff := serverRetry.Start()
	for {
		if c.source == nil {
			if err := c.open(ctx); err != nil {
				return Message{}, fmt.Errorf("read stream %s after %d: %w", c.stream, c.last, err)
			}
		}
		m, err := c.source.next(ctx, timeout)
		if err == nil && c.whole() {
			err = c.check(ctx, m)
		}
		if err == nil && m.Seq == c.last {
			continue // it was read again, to compare
		}
		if err == nil {
			c.last = m.Seq
			return m, nil
		}
		if ctx.Err() != nil {
			return Message{}, ctx.Err()
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return Message{}, err
		}
		if _, ok := errors.AsType[*UnreadableEventError](err); ok {
			return Message{}, err
		}
		if unusable, ok := errors.AsType[unusableError](err); ok {
			return Message{}, fmt.Errorf("read stream %s: %w", c.stream, unusable.error)
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

// whole reports whether the cursor reads all of LICENSES.
func (c *cursor) whole() bool { return c.stream == events.LicensesStream && len(c.filter) == 0 }

// check compares a message with the one before: a replica may lack some. See [gaps] and [follows].
func (c *cursor) check(ctx context.Context, m Message) error {
	switch {
	case m.Seq > c.last+1:
		if err := c.gaps.check(ctx, c.log, c.last, m.Seq); err != nil {
			return err
		}
	case c.before.Seq == 0:
	case m.Seq == c.before.Seq && !m.is(c.before) || m.Seq > c.before.Seq && !follows(c.before, m):
		if err := c.log.onTear(ctx, m, c.source.node()); err != nil {
			return err
		}
	}
	c.before = m
	c.before.Data = nil
	return nil
}

// open opens a source after the last message: the embedded server's store where this process has it and no
// more than one filter is asked for, else a consumer. It retries until ctx ends.
func (c *cursor) open(ctx context.Context) error {
	return c.log.retryUntilDone(ctx, c.log.timeout, func(ctx context.Context) (err error) {
		if len(c.filter) <= 1 {
			if store := c.log.directStream(c.stream); store != nil {
				c.source, err = c.log.newDirectSource(store, c.stream, c.filter, c.last, c.reuse)
				return err
			}
		}
		if c.whole() && c.before.Seq == 0 && c.last > 0 {
			if c.before, _, err = c.log.getOnce(ctx, c.stream, getRequest{Seq: c.last}); err != nil {
				return err
			}
			c.before.Data = nil
		}
		c.source, err = c.newConsumerSource(ctx)
		return err
	})
}

func (c *cursor) stop() {
	if c.source != nil {
		c.source.stop()
		c.source = nil
	}
}

// A consumerSource is a consumer on the server, which can vanish or skip a message at any time.
type consumerSource struct {
	log       *Log
	stream    string
	consumer  string
	leader    string // the only server that has the consumer: it reads its own replica
	pull      *pull
	last      events.Seq // of the last message returned
	delivered uint64     // the consumer's count of messages
}

var errOutOfOrder = errors.New("the consumer skipped a message")

func (c *cursor) newConsumerSource(ctx context.Context) (source, error) {
	after := c.last
	if c.before.Seq > 0 && c.before.Seq == c.last {
		after-- // the replica may have another message there
	}
	config := jetstream.ConsumerConfig{
		FilterSubjects:    c.filter,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       uint64(after) + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: consumerTTL,
		MemoryStorage:     true,
		Replicas:          1,
	}
	if c.bounded {
		config.FilterSubject, config.FilterSubjects = c.filter[0], nil
	}
	consumer, err := c.log.js.CreateConsumer(ctx, c.stream, config)
	if err != nil {
		return nil, err
	}
	info := consumer.CachedInfo()
	s := &consumerSource{log: c.log, stream: c.stream, consumer: info.Name, last: after}
	if info.Cluster != nil {
		s.leader = info.Cluster.Leader
	}
	if s.pull, err = newPull(c.log.conn, c.stream, s.consumer); err != nil {
		return nil, err
	}
	return s, nil
}

// next returns a message if it is the consumer's next one and follows the last one.
func (s *consumerSource) next(ctx context.Context, timeout time.Duration) (Message, error) {
	raw, err := s.pull.next(ctx, timeout)
	if err != nil {
		return Message{}, err
	}
	d, err := parseDelivery(raw.Reply)
	if err != nil {
		return Message{}, unusableError{err}
	}
	if d.count != s.delivered+1 || d.seq <= s.last {
		return Message{}, errOutOfOrder
	}
	s.delivered++
	s.last = d.seq
	m := Message{Subject: raw.Subject, Seq: d.seq, Time: d.time, Data: raw.Data, Pending: d.pending}
	m.readHeader(raw.Header)
	return m, nil
}

func (s *consumerSource) node() string { return s.leader }

// stop deletes the consumer. If that fails, the server deletes it after consumerTTL.
func (s *consumerSource) stop() {
	s.pull.stop()
	ctx, cancel := context.WithTimeout(context.Background(), deleteTimeout)
	defer cancel()
	_ = s.log.js.DeleteConsumer(ctx, s.stream, s.consumer)
}

// Follow calls fn with each message of LICENSES after a sequence, in order, without gap or
// repetition, and waits for more. It leaves out the messages that are set aside, also those of which
// it learns when fn cannot read them. It returns when ctx ends or fn returns another error, with
// that error. filter has subjects with wildcards; empty: all. With several, each message costs the server a
// look through the subjects of a block of the stream: give them only where few messages match. The data of a message is
// valid until fn returns.
func (l *Log) Follow(ctx context.Context, after events.Seq, filter []string, fn func(Message) error) error {
	err := l.retryUntilDone(ctx, l.timeout, func(ctx context.Context) error {
		_, err := l.refreshSetAside(ctx) // a decision stands behind the message that it is about
		return err
	})
	if err != nil {
		return err
	}
	c := l.newCursor(events.LicensesStream, filter, after)
	c.reuse = true
	defer c.stop()
	for {
		m, err := c.next(ctx, 0)
		if err == nil {
			err = l.pass(ctx, m, fn)
		}
		if err != nil {
			return err
		}
	}
}
