package eventlog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"licenseimport/events"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxGets is how many requests for one message are in flight: their responses are bounded by
// maxLookupAnswer where messages are of the usual size.
const maxGets = 256

// MessagesAt calls fn with the messages of LICENSES at some sequences, in no order, set aside or not, until
// fn returns an error. It omits sequences without a message.
func (l *Log) MessagesAt(ctx context.Context, seqs []events.Seq, fn func(Message) error) error {
	return l.readAt(ctx, events.LicensesStream, seqs, fn)
}

// RowsAt is MessagesAt for the stream of rows.
func (l *Log) RowsAt(ctx context.Context, seqs []events.Seq, fn func(Message) error) error {
	return l.readAt(ctx, events.RowsStream, seqs, fn)
}

func (l *Log) readAt(ctx context.Context, stream string, seqs []events.Seq, fn func(Message) error) error {
	for rest := seqs; len(rest) > 0; rest = rest[min(maxGets, len(rest)):] {
		if err := l.messagesAt(ctx, stream, rest[:min(maxGets, len(rest))], fn); err != nil {
			return fmt.Errorf("read %d messages: %w", len(seqs), err)
		}
	}
	return nil
}

// messagesAt asks any replica for all messages at once, and the leader for those that it did not get.
func (l *Log) messagesAt(ctx context.Context, stream string, seqs []events.Seq, fn func(Message) error) error {
	missing := make(map[events.Seq]bool, len(seqs))
	for _, seq := range seqs {
		if seq > 0 {
			missing[seq] = true
		}
	}
	found := func(m Message) error {
		delete(missing, m.Seq)
		return fn(m)
	}
	var err error
	if direct := l.directStream(stream); direct != nil {
		err = l.readDirectly(ctx, direct, stream, missing, found)
	} else {
		err = l.directGets(ctx, stream, missing, found)
	}
	if err != nil {
		return err
	}
	for seq := range missing {
		m, found, err := l.get(ctx, stream, getRequest{Seq: seq})
		if err == nil && found {
			err = fn(m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readDirectly is directGets in the process of the embedded server, in the order of the sequences.
func (l *Log) readDirectly(
	ctx context.Context, stream *natstuning.Stream, name string, wanted map[events.Seq]bool, fn func(Message) error,
) error {
	for _, seq := range slices.Sorted(maps.Keys(wanted)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, found, err := stream.At(uint64(seq))
		if err != nil {
			l.server.direct.forget(name)
			return nil // the leader is asked instead
		}
		if !found {
			continue
		}
		if err := fn(directMessage(m)); err != nil {
			return err
		}
	}
	return nil
}

// directGets calls fn with the messages that arrive in time. Its only errors are those of fn and of ctx.
func (l *Log) directGets(ctx context.Context, stream string, wanted map[events.Seq]bool, fn func(Message) error) error {
	inbox, answer := l.conn.NewInbox(), make(chan *nats.Msg, len(wanted))
	sub, err := l.conn.ChanSubscribe(inbox, answer)
	if err != nil {
		return nil // the leader is asked instead
	}
	defer func() { _ = sub.Unsubscribe() }() // without a connection there is no subscription
	pending := 0
	for seq := range wanted {
		request := fmt.Appendf(nil, `{"seq":%d}`, seq)
		if l.conn.PublishRequest(jetstream.DefaultAPIPrefix+"DIRECT.GET."+stream, inbox, request) == nil {
			pending++
		}
	}
	silence := time.NewTimer(l.timeout / readTries)
	defer silence.Stop()
	for ; pending > 0; pending-- {
		select {
		case raw := <-answer:
			silence.Reset(l.timeout / readTries)
			if raw.Header.Get("Status") != "" { // not there, or no replica is
				continue
			}
			m, err := fromDirectGet(raw)
			if err != nil || !wanted[m.Seq] {
				continue
			}
			if err := fn(m); err != nil {
				return err
			}
		case <-silence.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
