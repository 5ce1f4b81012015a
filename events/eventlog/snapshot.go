package eventlog

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"licenseimport/events"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server/archive"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// BucketStream is the name of the stream that holds a bucket.
func BucketStream(bucket string) string { return "KV_" + bucket }

// A Snapshot says what a snapshot of one stream holds.
type Snapshot struct {
	Stream   string          `json:"stream"`
	First    events.Seq      `json:"first_seq"` // of the messages there; 0: none
	Last     events.Seq      `json:"last_seq"`  // that was given out, whether or not its message is still there
	Messages uint64          `json:"messages"`
	Config   json.RawMessage `json:"config"` // the stream's settings, as the server writes them
}

// snapshotPatience is how long a server may take for the next piece of a snapshot.
const pieceTimeout = 30 * time.Second

// Snapshot writes one stream, as it was at one moment, with the positions of its
// durable consumers, in the server's own format, while others append and read. The
// moment lies between two batches, never within one: the server alone would cut
// anywhere. What was written is read along and is complete when the error is nil. The
// server has to be 2.15 or later: the snapshots of older ones have no such moment.
func (l *Log) Snapshot(ctx context.Context, stream string, w io.Writer) (Snapshot, error) {
	s, err := l.snapshot(ctx, stream, w)
	if err != nil {
		return Snapshot{}, fmt.Errorf("take a snapshot of stream %s: %w", stream, err)
	}
	return s, nil
}

func (l *Log) snapshot(ctx context.Context, stream string, w io.Writer) (Snapshot, error) {
	backoff := serverRetry.Start()
	for {
		t, err := l.beginSnapshot(ctx, stream)
		if err != nil {
			return Snapshot{}, err
		}
		within, err := l.endsMidBatch(ctx, stream, t.last)
		if err == nil && !within {
			return t.copy(ctx, w)
		}
		_ = t.pieces.Unsubscribe() // the server then gives up
		if err != nil {
			return Snapshot{}, err
		}
		if err := backoff.Wait(ctx, nil); err != nil {
			return Snapshot{}, err
		}
	}
}

// withinBatch reports whether the message at the sequence belongs to a batch whose
// end comes later.
func (l *Log) endsMidBatch(ctx context.Context, stream string, last events.Seq) (within bool, err error) {
	if last == 0 {
		return false, nil
	}
	err = l.retryWithTimeout(ctx, func(ctx context.Context) error {
		_, header, err := l.requestMessage(ctx, stream, getRequest{Seq: last})
		if code(err) == codeNoMessage {
			return nil // purged or expired: whole batches go
		}
		within = unfinished(header)
		return err
	})
	return within, err
}

func unfinished(header nats.Header) bool {
	return header.Get(jetstreamext.BatchIDHeader) != "" && header.Get(jetstreamext.BatchCommitHeader) == ""
}

// A transfer is a snapshot that the server is ready to send.
type transfer struct {
	stream string
	config json.RawMessage
	last   events.Seq
	pieces *nats.Subscription
}

type snapshotResponse struct {
	Error  *jetstream.APIError `json:"error"`
	Config json.RawMessage     `json:"config"`
	State  struct {
		Last events.Seq `json:"last_seq"`
	} `json:"state"`
}

func (l *Log) beginSnapshot(ctx context.Context, stream string) (*transfer, error) {
	inbox := l.conn.NewInbox()
	pieces, err := l.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	var response snapshotResponse
	err = l.call(ctx, "STREAM.SNAPSHOT."+stream, map[string]any{"deliver_subject": inbox}, &response)
	if err == nil && response.Error != nil {
		err = response.Error
	}
	if err != nil {
		_ = pieces.Unsubscribe()
		return nil, err
	}
	return &transfer{stream: stream, config: response.Config, last: response.State.Last, pieces: pieces}, nil
}

// call sends one request to JetStream's API and reads the answer.
func (l *Log) call(ctx context.Context, subject string, request, response any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	answer, err := l.conn.RequestWithContext(ctx, jetstream.DefaultAPIPrefix+subject, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer.Data, response)
}

// copy writes the pieces as they come, and reads along what they hold.
func (t *transfer) copy(ctx context.Context, w io.Writer) (Snapshot, error) {
	defer func() { _ = t.pieces.Unsubscribe() }()
	read, along := io.Pipe()
	var found contents
	inspected := make(chan error, 1)
	go func() {
		var err error
		found, err = inspect(read)
		_ = read.CloseWithError(err) // a copy that goes on has no use
		inspected <- err
	}()
	err := t.receive(ctx, io.MultiWriter(w, along))
	_ = along.CloseWithError(err)
	if inspectErr := <-inspected; err == nil {
		err = inspectErr
	}
	switch {
	case err != nil:
		return Snapshot{}, err
	case found.midBatch:
		return Snapshot{}, errors.New("it ends within a batch")
	case found.last > t.last:
		return Snapshot{}, fmt.Errorf("it holds message %d although it was taken at %d", found.last, t.last)
	}
	return Snapshot{Stream: t.stream, Config: t.config, First: found.first, Last: t.last, Messages: found.messages}, nil
}

// receive copies pieces, and acknowledges each so that the server sends on.
func (t *transfer) receive(ctx context.Context, w io.Writer) error {
	for {
		piece, err := t.next(ctx)
		if err != nil {
			return err
		}
		if status := piece.Header.Get("Status"); status != "" && status != "204" {
			return fmt.Errorf("the server gave up: %s %s", status, piece.Header.Get("Description"))
		}
		if len(piece.Data) == 0 {
			return nil
		}
		if _, err := w.Write(piece.Data); err != nil {
			return err
		}
		if piece.Reply != "" {
			if err := piece.Respond(nil); err != nil {
				return err
			}
		}
	}
}

func (t *transfer) next(ctx context.Context) (*nats.Msg, error) {
	patient, cancel := context.WithTimeout(ctx, pieceTimeout)
	defer cancel()
	return t.pieces.NextMsgWithContext(patient)
}

// contents is what a snapshot turned out to hold.
type contents struct {
	first, last events.Seq
	messages    uint64
	midBatch    bool // the last message is not the last of its batch
}

var errOldFormat = errors.New("it has no definite end: NATS server 2.15 or later is needed")

// inspect reads a snapshot to its end mark. Sequences grow.
func inspect(r io.Reader) (contents, error) {
	unpacked := bufio.NewReader(s2.NewReader(r))
	if magic, err := unpacked.Peek(len(archive.MagicBytes)); err != nil || string(magic) != archive.MagicBytes {
		return contents{}, errors.Join(errOldFormat, err)
	}
	entries := archive.NewReader(unpacked)
	var found contents
	var header []byte
	for {
		entry, err := entries.Next()
		if err != nil {
			return contents{}, fmt.Errorf("it is cut off behind message %d: %w", found.last, err)
		}
		if entry.Sequence == 0 && entry.Name == "" {
			break // the end mark
		}
		if entry.Sequence == 0 {
			continue // the state, or a consumer
		}
		header = append(header[:0], make([]byte, entry.HeaderSize)...)
		if _, err := io.ReadFull(entries, header); err != nil {
			return contents{}, err
		}
		found.add(events.Seq(entry.Sequence))
	}
	if err := found.checkEnd(header); err != nil {
		return contents{}, err
	}
	_, err := io.Copy(io.Discard, r) // whoever writes must be let go on to the end
	return found, err
}

func (c *contents) add(seq events.Seq) {
	if c.messages == 0 {
		c.first = seq
	}
	c.last = seq
	c.messages++
}

// judge looks at the headers of the last message.
func (c *contents) checkEnd(header []byte) error {
	if len(header) == 0 {
		return nil
	}
	decoded, err := nats.DecodeHeadersMsg(header)
	c.midBatch = unfinished(decoded)
	return err
}
