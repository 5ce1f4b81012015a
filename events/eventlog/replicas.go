package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// A NATS replica can lose messages while it catches up (see turns). All that it stores later has smaller sequences
// there than in the other replicas. Readers meet it in two ways: a batch begins in the middle, or another message
// stands at a sequence that was read before.

// is reports whether two readings at one sequence are of the same message.
func (m Message) is(other Message) bool {
	return m.Subject == other.Subject && m.Time.Equal(other.Time) &&
		m.BatchID == other.BatchID && m.batchSeq == other.batchSeq
}

// follows reports whether a whole stream can hold m right after the message before: a batch is stored in one piece. The
// end of a batch may be missing, where a server that does not sync has lost its power.
func follows(before, m Message) bool {
	return m.batchSeq <= 1 || m.BatchID == before.BatchID && m.batchSeq == before.batchSeq+1
}

// onTear is called with a message that cannot follow the one that was read before it. If the stream's leader has
// another message there, the reader has to try another replica: errOutOfOrder. If it has the same one, nobody can read
// what is missing. Readers go on, since stopping brings nothing back.
func (l *Log) onTear(ctx context.Context, m Message, node string) error {
	var leaders Message
	var found bool
	err := l.retryUntilDone(ctx, l.timeout, func(ctx context.Context) (err error) {
		leaders, found, err = l.MessageAt(ctx, m.Seq)
		return err
	})
	if err != nil {
		return err
	}
	if !found || !leaders.is(m) {
		slog.Error("a NATS server lacks events that others have; they are read from another one: run licenseimport doctor",
			"server", node, "stream", events.LicensesStream, "before sequence", m.Seq)
		return errOutOfOrder
	}
	slog.Error("events are missing that were stored, also on the stream's leader: run licenseimport doctor, and stop "+
		"no NATS server before", "server", node, "stream", events.LicensesStream, "before sequence", m.Seq)
	return nil
}

// A ReplicaComparison tells which replicas of a stream lack messages that others have.
type ReplicaComparison struct {
	Stream  string
	Leader  string     // the server whose replica leads
	At      events.Seq // where they were compared: the end of the leader's; 0: they were not, as where rows are purged
	Whole   []string   // servers whose replicas lack nothing that another one has
	Lacking []string   // servers whose replicas do
	Unknown []string   // servers that do not answer, or are behind
}

const (
	replicaTries = 16              // consumers per replica until each one had one
	replicaWait  = 5 * time.Second // for its message
)

// CompareReplicas compares the replicas of ROWS and LICENSES, by the message that each has at the end of the leader's.
// Each is asked by a consumer that is on its server only; NATS puts that on any of them. It is empty where a stream has
// one replica.
func (l *Log) CompareReplicas(ctx context.Context) (all []ReplicaComparison, err error) {
	for _, stream := range []string{events.RowsStream, events.LicensesStream} {
		comparison, err := l.compareReplicas(ctx, stream)
		if err != nil {
			return all, fmt.Errorf("compare the replicas of %s: %w", stream, err)
		}
		if comparison.At > 0 {
			all = append(all, comparison)
		}
	}
	return all, nil
}

func (l *Log) compareReplicas(ctx context.Context, stream string) (r ReplicaComparison, err error) {
	r.Stream = stream
	var info *jetstream.StreamInfo
	err = l.retryWithTimeout(ctx, func(ctx context.Context) (err error) {
		info, err = l.info(ctx, stream)
		return err
	})
	if err != nil || info.Cluster == nil || info.Config.Replicas <= 1 || info.State.LastSeq == 0 {
		return r, err
	}
	at := events.Seq(info.State.LastSeq)
	leaders, found, err := l.get(ctx, stream, getRequest{Seq: at})
	if err != nil || !found {
		return r, err // its rows were purged
	}
	r.Leader, r.At = info.Cluster.Leader, at
	ends := map[string]Message{r.Leader: leaders}
	var wanted []string
	for _, peer := range info.Cluster.Replicas {
		if peer.Offline || !peer.Current {
			r.Unknown = append(r.Unknown, peer.Name)
			continue
		}
		wanted = append(wanted, peer.Name)
	}
	for tries := replicaTries * info.Config.Replicas; len(wanted) > 0 && tries > 0; tries-- {
		node, end, err := l.anyReplicaAt(ctx, stream, at, wanted)
		if err != nil {
			return r, err
		}
		if i := slices.Index(wanted, node); i >= 0 {
			ends[node], wanted = end, slices.Delete(wanted, i, i+1)
		}
	}
	if _, found, err = l.get(ctx, stream, getRequest{Seq: at}); err != nil || !found {
		return ReplicaComparison{Stream: stream}, err // its rows were purged meanwhile
	}
	r.Unknown = append(r.Unknown, wanted...)
	r.classify(ends)
	return r, nil
}

// anyReplicaAt reads the message at a sequence from the replica that NATS chooses, if it is a wanted one. The message
// is the zero one if that replica ends before. Without a node, the replica did not answer.
func (l *Log) anyReplicaAt(
	ctx context.Context, stream string, at events.Seq, wanted []string,
) (node string, m Message, err error) {
	c := l.newCursor(stream, nil, at-1)
	var replica source
	err = l.retryWithTimeout(ctx, func(ctx context.Context) (err error) {
		replica, err = c.newConsumerSource(ctx)
		return err
	})
	if err != nil {
		return "", m, err
	}
	defer replica.stop()
	if node = replica.node(); !slices.Contains(wanted, node) {
		return node, m, nil
	}
	within, cancel := context.WithTimeout(ctx, replicaWait)
	defer cancel()
	m, err = replica.next(within, 0)
	if ctx.Err() != nil {
		return "", m, ctx.Err()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return node, Message{}, nil
	case err != nil:
		return "", m, nil // it is tried again
	}
	return node, m, nil
}

// classify tells which servers lack messages, from what each has at the end of the leader's replica: the zero Message
// where its own ends before. A replica that lacks messages has a later one there than the others, or none.
func (r *ReplicaComparison) classify(ends map[string]Message) {
	var first Message
	for _, m := range ends {
		if m.Seq > 0 && (first.Seq == 0 || m.before(first)) {
			first = m
		}
	}
	for node, m := range ends {
		if m.is(first) {
			r.Whole = append(r.Whole, node)
		} else {
			r.Lacking = append(r.Lacking, node)
		}
	}
	slices.Sort(r.Whole)
	slices.Sort(r.Lacking)
}

// before reports whether m was stored before another message.
func (m Message) before(other Message) bool {
	if !m.Time.Equal(other.Time) {
		return m.Time.Before(other.Time)
	}
	return m.batchSeq < other.batchSeq
}
