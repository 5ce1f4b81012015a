package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// turns has the batches of a replicated stream committed one at a time, by all processes.
//
// NATS (2.14 to 2.15.3) replicates the messages of a batch in entries of up to 512, and an entry may hold the end of
// one batch and the beginning of the next. A snapshot that is taken just then has the first batch, and stands before
// that entry. A replica that catches up from it sees an end without a beginning, rejects it, and takes the next
// messages for those that it has: it lacks as many, without a word, and all its sequences are others from there on. Two
// batches meet in an entry only if the second one is committed before the first one is acknowledged.
type turns struct {
	mu     sync.Mutex
	local  map[string]chan struct{} // the turn within this process, by stream; full: it is taken
	denied atomic.Bool              // the NATS user may not take turns with other processes
	begun  atomic.Bool              // LICENSES has a message
}

// Processes take turns by a consumer of LICENSES for each stream. It delivers the first message to one of those that
// ask for it, and again when that one gives it back. Nobody acknowledges it. Before there is a first message, rows may
// be stored: of the first uploads, which do not take turns.
const (
	turnPrefix = "turn_" // the consumer's name is that and the stream's
	turnLease  = 10 * time.Second
	turnAsk    = 2 * time.Second // one request for the turn
	turnWait   = turnLease + 2*turnAsk
)

// errNoTurn says that no turn could be had in time: other processes have it, or the consumer has no leader.
var errNoTurn = errors.New("no turn to store a batch could be had")

// takeTurn waits for the turn at a stream until ctx ends: for the other batches of this process, and then for turnWait
// at most for those of other processes. The caller must call release when the batch is acknowledged or has failed. A
// process that is killed holds the turn for turnLease at most.
func (l *Log) takeTurn(ctx context.Context, stream string) (release func(), err error) {
	leave, err := l.turns.enter(ctx, stream)
	if err != nil || l.turns.denied.Load() {
		return leave, err
	}
	within, cancel := context.WithTimeout(ctx, turnWait)
	defer cancel()
	if !l.turns.begun.Load() {
		state, err := l.State(within)
		if err != nil {
			leave()
			return nil, err
		}
		if state.Last == 0 {
			return leave, nil
		}
		l.turns.begun.Store(true)
	}
	for backoff := serverRetry.Start(); ; {
		delivery, err := l.askForTurn(within, stream)
		switch {
		case err == nil:
			taken := time.Now()
			return func() {
				if time.Since(taken) < turnLease-time.Second { // later it would give back another one's turn
					_ = l.conn.Publish(delivery, []byte("-NAK")) // if it is lost, the turn is free after turnLease
				}
				leave()
			}, nil
		case l.turns.denied.Load():
			return leave, nil
		}
		if backoff.Wait(within, nil) != nil {
			leave()
			if ctx.Err() == nil {
				slog.Warn("a batch waits for its turn to be stored", "stream", stream, "reason", err)
			}
			return nil, fmt.Errorf("%w: %w", errNoTurn, err)
		}
	}
}

// askForTurn asks once. The turn is given back by a NAK at the subject delivery.
func (l *Log) askForTurn(ctx context.Context, stream string) (delivery string, err error) {
	ctx, cancel := context.WithTimeout(ctx, turnAsk+turnAsk/2)
	defer cancel()
	inbox := l.conn.NewInbox()
	sub, err := l.conn.SubscribeSync(inbox)
	if err != nil {
		return "", err
	}
	defer func() { _ = sub.Unsubscribe() }() // without a connection there is no subscription
	api := jetstream.DefaultAPIPrefix + "CONSUMER.MSG.NEXT." + events.LicensesStream + "." + turnPrefix + stream
	if err := l.conn.PublishRequest(api, inbox, fmt.Appendf(nil, `{"batch":1,"expires":%d}`, turnAsk)); err != nil {
		return "", err
	}
	m, err := sub.NextMsgWithContext(ctx)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return "", cmp.Or(l.makeTurn(ctx, stream), errNoTurn)
	case err != nil:
		return "", err
	case m.Header.Get("Status") != "":
		return "", fmt.Errorf("%w: %s", errNoTurn, m.Header.Get("Description"))
	}
	return m.Reply, nil
}

// makeTurn creates the consumer of a stream's turn. It is in the memory of one node: three that agree on each delivery
// take longer than a batch. Where that node is gone, the consumer is made again, and two processes may have the turn for
// one batch. When the node is back, its old consumer may answer once more, until the node has heard of the new one.
func (l *Log) makeTurn(ctx context.Context, stream string) error {
	_, err := l.js.CreateOrUpdateConsumer(ctx, events.LicensesStream, jetstream.ConsumerConfig{
		Durable: turnPrefix + stream, AckPolicy: jetstream.AckExplicitPolicy, AckWait: turnLease, MaxAckPending: 1,
		MaxDeliver: -1, Replicas: 1, MemoryStorage: true,
	})
	if err == nil || l.turns.denied.Load() {
		return err
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnAsk)
	defer cancel()
	return errors.Join(err, l.js.DeleteConsumer(within, events.LicensesStream, turnPrefix+stream))
}

// onDenied has this process take turns only with itself from then on, where the NATS user has the permissions of an
// earlier version: each turn would be given back only after turnLease.
func (t *turns) onDenied(err error) {
	if errors.Is(err, nats.ErrPermissionViolation) && strings.Contains(err.Error(), turnPrefix) && !t.denied.Swap(true) {
		slog.Warn("several processes do not take turns to store batches, so a NATS node that catches up may lack events: " +
			"take over the permissions of deploy/nats-permissions.conf, or run one ingest and one processor")
	}
}

// enter waits for this process's turn at a stream until ctx ends.
func (t *turns) enter(ctx context.Context, stream string) (leave func(), err error) {
	t.mu.Lock()
	turn := t.local[stream]
	if turn == nil {
		if t.local == nil {
			t.local = map[string]chan struct{}{}
		}
		turn = make(chan struct{}, 1)
		t.local[stream] = turn
	}
	t.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
