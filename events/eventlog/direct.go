package eventlog

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"licenseimport/events"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats-server/v2/server"
)

// A directReader opens the streams of the embedded server for reads within its process. A read through
// the server's protocol costs as much as deciding a row: see ADR 45.
type directReader struct {
	mu      sync.Mutex
	srv     *server.Server // whose streams these are
	streams map[string]*natstuning.Stream
	refused bool // it has logged why it cannot
}

// stream returns a stream of a running server, or nil where it has to be read through the protocol.
func (d *directReader) stream(srv *server.Server, name string) *natstuning.Stream {
	if srv == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.srv != srv {
		d.srv, d.streams = srv, map[string]*natstuning.Stream{}
	}
	if s := d.streams[name]; s != nil {
		return s
	}
	s, err := natstuning.OpenStream(srv, name)
	if err == nil {
		d.streams[name] = s
		return s
	}
	if !errors.Is(err, natstuning.ErrNoStream) && !d.refused {
		d.refused = true
		slog.Warn("streams are read through the server's protocol, which takes more CPU", "reason", err)
	}
	return nil
}

// forget has a stream opened once more: its store was closed, as by the server's end or the stream's deletion.
func (d *directReader) forget(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.streams, name)
}

// directStream is a stream that this process can read directly, or nil.
func (l *Log) directStream(name string) *natstuning.Stream {
	if l.server == nil || l.server.config.NoTuning {
		return nil
	}
	return l.server.direct.stream(l.server.running(), name)
}

// hasNothingAt reports whether a stream has no message at the subjects of a filter. false: it may have one. It
// spares the process of the embedded server a request, which waits for the batch that is being stored. A filter that
// may match a subject of each import, as one for all seals, takes the request: there may be many imports.
func (l *Log) hasNothingAt(name, filter string) bool {
	if filter == "" || strings.Contains(filter, "*.") {
		return false
	}
	stream := l.directStream(name)
	if stream == nil {
		return false
	}
	has, err := stream.Has(filter)
	if err != nil {
		l.server.direct.forget(name)
	}
	return err == nil && !has
}

// directMessage is a message of a direct read.
func directMessage(m natstuning.Message) Message {
	return Message{Subject: m.Subject, Seq: events.Seq(m.Seq), Time: time.Unix(0, m.Time).UTC(), Data: m.Data}
}

// How a source waits for messages. The facts of an import are hints: each batch of LICENSES ends with one,
// which arrives before the batch can be read.
const (
	// directBatch is how many messages are read at once. The server appends nothing meanwhile. While it stores batch
	// after batch a reader gets its turn once for each of them, so with fewer the views would fall behind.
	directBatch = MaxBatch
	soon        = time.Millisecond
	soonFor     = 100 * time.Millisecond // after a message or a hint
	later       = 100 * time.Millisecond // for messages without a hint, as another program's
)

var factHints = []string{events.FactsOfAllFilter, events.OperationsFilter}

// A directSource reads a stream of the embedded server.
type directSource struct {
	log    *Log
	stream *natstuning.Stream
	name   string
	filter string // "": all
	reuse  bool   // a message's data is not needed any more when the next one is asked for
	read   []natstuning.Message
	ready  []natstuning.Message // the rest of read
	end    uint64               // no message up to it is unread
	head   uint64               // the stream's last sequence, when read was filled
	hinted chan struct{}

	unsubscribe func() // from the hints
}

func (l *Log) newDirectSource(
	stream *natstuning.Stream, name string, filter []string, after events.Seq, reuse bool,
) (source, error) {
	s := &directSource{
		log: l, stream: stream, name: name, end: uint64(after), reuse: reuse,
		read: make([]natstuning.Message, 0, directBatch), hinted: make(chan struct{}, 1),
		unsubscribe: func() {},
	}
	if len(filter) > 0 {
		s.filter = filter[0]
	}
	if name != events.LicensesStream {
		return s, nil
	}
	unsubscribe, err := l.subscribe(factHints, func(string, []byte) { s.hint() })
	if err != nil {
		return nil, err
	}
	s.unsubscribe = unsubscribe
	return s, nil
}

func (s *directSource) hint() {
	select {
	case s.hinted <- struct{}{}:
	default:
	}
}

func (s *directSource) node() string { return serverName }

func (s *directSource) stop() { s.unsubscribe() }

func (s *directSource) next(ctx context.Context, timeout time.Duration) (Message, error) {
	if ctx.Err() != nil {
		return Message{}, ctx.Err()
	}
	if len(s.ready) == 0 {
		if err := s.await(ctx, timeout); err != nil {
			return Message{}, err
		}
	}
	m := directMessage(s.ready[0])
	s.ready = s.ready[1:]
	if s.filter == "" {
		m.Pending = s.head - uint64(m.Seq)
	}
	return m, nil
}

// await fills ready.
func (s *directSource) await(ctx context.Context, timeout time.Duration) error {
	began := time.Now()
	for active := began; ; {
		if err := s.fill(); err != nil || len(s.ready) > 0 {
			return err
		}
		if timeout > 0 && time.Since(began) >= timeout {
			return context.DeadlineExceeded
		}
		hinted, err := s.wait(ctx, time.Since(active) < soonFor)
		if err != nil {
			return err
		}
		if hinted {
			active = time.Now()
		}
	}
}

// fill reads the next messages, if there are any.
func (s *directSource) fill() (err error) {
	if s.read, s.end, s.head, err = s.stream.Read(s.filter, s.end, s.read[:0], s.reuse); err != nil {
		s.log.server.direct.forget(s.name)
	}
	s.ready = s.read
	return err
}

// wait returns when it is time to look for messages again, and whether there was a hint.
func (s *directSource) wait(ctx context.Context, active bool) (hinted bool, err error) {
	pause := later
	if active {
		pause = soon
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-s.hinted:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
