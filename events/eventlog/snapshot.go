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

// A Snapshot describes the snapshot of one stream.
type Snapshot struct {
	Stream   string          `json:"stream"`
	First    events.Seq      `json:"first_seq"` // of its messages; 0: none
	Last     events.Seq      `json:"last_seq"`  // assigned by the stream; its message may be deleted
	Messages uint64          `json:"messages"`
	Config   json.RawMessage `json:"config"` // the stream's settings in the server's JSON
}

// chunkTimeout is how long a server may take for the next chunk of a snapshot.
const chunkTimeout = 30 * time.Second

// Snapshot writes one stream as it was at one moment, with the positions of its durable consumers,
// in the server's own format, while others append and read. The moment is between two batches; the
// server alone would cut anywhere. Snapshot parses what it writes, so it is complete when the error
// is nil. It needs server 2.15 or later: snapshots of older servers have no definite end.
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
		midBatch, err := l.endsMidBatch(ctx, stream, t.last)
		if err == nil && !midBatch {
			return t.copy(ctx, w)
		}
		_ = t.chunks.Unsubscribe() // the server then stops
		if err != nil {
			return Snapshot{}, err
		}
		if err := backoff.Wait(ctx, nil); err != nil {
			return Snapshot{}, err
		}
	}
}

// endsMidBatch reports whether the message at a sequence belongs to a batch that ends later.
func (l *Log) endsMidBatch(ctx context.Context, stream string, last events.Seq) (midBatch bool, err error) {
	if last == 0 {
		return false, nil
	}
	err = l.retryWithTimeout(ctx, func(ctx context.Context) error {
		_, header, err := l.requestMessage(ctx, stream, getRequest{Seq: last})
		if code(err) == codeNoMessage {
			return nil // purged or expired: that deletes whole batches
		}
		midBatch = unfinished(header)
		return err
	})
	return midBatch, err
}

func unfinished(header nats.Header) bool {
	return header.Get(jetstreamext.BatchIDHeader) != "" && header.Get(jetstreamext.BatchCommitHeader) == ""
}

// A transfer is a snapshot that the server is about to send.
type transfer struct {
	stream string
	config json.RawMessage
	last   events.Seq
	stored uint64 // the messages that the server counts
	aside  uint64 // those of them that are damaged, as an operator knows: they are set aside
	chunks *nats.Subscription
}

type snapshotResponse struct {
	Error  *jetstream.APIError `json:"error"`
	Config json.RawMessage     `json:"config"`
	State  struct {
		Last     events.Seq `json:"last_seq"`
		Messages uint64     `json:"messages"`
	} `json:"state"`
}

func (l *Log) beginSnapshot(ctx context.Context, stream string) (*transfer, error) {
	aside := uint64(0)
	if stream == events.LicensesStream {
		var err error
		if aside, err = l.damagedSetAside(ctx); err != nil {
			return nil, err
		}
	}
	inbox := l.conn.NewInbox()
	chunks, err := l.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	var response snapshotResponse
	err = l.call(ctx, "STREAM.SNAPSHOT."+stream, map[string]any{"deliver_subject": inbox}, &response)
	if err == nil && response.Error != nil {
		err = response.Error
	}
	if err != nil {
		_ = chunks.Unsubscribe()
		return nil, err
	}
	return &transfer{
		stream: stream, config: response.Config, last: response.State.Last, stored: response.State.Messages, aside: aside,
		chunks: chunks,
	}, nil
}

// call sends one request to JetStream's API and reads the response.
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

// copy writes the chunks as they come and parses them at the same time.
func (t *transfer) copy(ctx context.Context, w io.Writer) (Snapshot, error) {
	defer func() { _ = t.chunks.Unsubscribe() }()
	read, along := io.Pipe()
	var found contents
	inspected := make(chan error, 1)
	go func() {
		var err error
		found, err = inspect(read)
		_ = read.CloseWithError(err) // the copy must not continue
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
		return Snapshot{}, fmt.Errorf("it has message %d although it was taken at %d", found.last, t.last)
	}
	if lacks := t.missing(found); lacks > 0 {
		return Snapshot{}, fmt.Errorf("%d of its messages cannot be read: its files are damaged; an earlier backup may have them", lacks)
	}
	return Snapshot{Stream: t.stream, Config: t.config, First: found.first, Last: t.last, Messages: found.messages}, nil
}

// missing is how many messages up to the last one the copy lacks: the server leaves out those that are damaged, without
// an error. Those that are set aside are not counted. Nothing deletes a message of LICENSES; of other streams it is not
// known.
func (t *transfer) missing(found contents) uint64 {
	if t.stream != events.LicensesStream {
		return 0
	}
	after := uint64(t.last - found.last) // that the stream had when the copy had been begun
	return t.stored - min(t.stored, after+found.messages+t.aside)
}

// receive copies the chunks and acknowledges each, so that the server continues.
func (t *transfer) receive(ctx context.Context, w io.Writer) error {
	for {
		chunk, err := t.next(ctx)
		if err != nil {
			return err
		}
		if status := chunk.Header.Get("Status"); status != "" && status != "204" {
			return fmt.Errorf("the server stopped: %s %s", status, chunk.Header.Get("Description"))
		}
		if len(chunk.Data) == 0 {
			return nil
		}
		if _, err := w.Write(chunk.Data); err != nil {
			return err
		}
		if chunk.Reply != "" {
			if err := chunk.Respond(nil); err != nil {
				return err
			}
		}
	}
}

func (t *transfer) next(ctx context.Context) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, chunkTimeout)
	defer cancel()
	return t.chunks.NextMsgWithContext(ctx)
}

// contents is what the parser found in a snapshot.
type contents struct {
	first, last events.Seq
	messages    uint64
	midBatch    bool // the last message is not the last of its batch
}

var errOldFormat = errors.New("it has no definite end: NATS server 2.15 or later is needed")

// inspect parses a snapshot up to its end mark. Sequences grow.
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
			return contents{}, fmt.Errorf("it is truncated after message %d: %w", found.last, err)
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
	_, err := io.Copy(io.Discard, r) // the writer must not block before its end
	return found, err
}

func (c *contents) add(seq events.Seq) {
	if c.messages == 0 {
		c.first = seq
	}
	c.last = seq
	c.messages++
}

// checkEnd reads from the headers of the last message whether its batch is complete.
func (c *contents) checkEnd(header []byte) error {
	if len(header) == 0 {
		return nil
	}
	decoded, err := nats.DecodeHeadersMsg(header)
	c.midBatch = unfinished(decoded)
	return err
}
