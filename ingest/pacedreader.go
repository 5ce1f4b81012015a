package ingest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"licenseimport/internal/httpx"
)

// haltGrace is how long a halted upload waits for the client's next bytes before it interrupts the
// read. A client that is sending gets the answer then. An interrupted chunked body cannot be
// drained, and its client may see a broken connection instead.
const haltGrace = time.Second

// pacedReader reads a request's body. Read fails if the client is too slow, with the answer 408,
// and if the upload is halted, with the reason.
//
// The client must send slowBytes per window of slowWindow. Only time spent waiting for the client
// counts. A new window begins when slowBytes have arrived.
type pacedReader struct {
	src  io.Reader
	conn *http.ResponseController
	ctx  context.Context // of the upload: its cause is the error of Read

	observer    Observer
	slowBytes   int64
	slowWindow  time.Duration
	windowBytes int64         // received in this window
	windowWait  time.Duration // spent waiting for the client in this window

	mu  sync.Mutex
	eof bool // the end of the body was read
}

// newPacedReader wraps the request's body. The caller must call stop before the handler returns: it
// removes the deadline, which would hit the next request on the connection.
func newPacedReader(
	ctx context.Context, w http.ResponseWriter, r *http.Request, c Config,
) (in *pacedReader, stop func()) {
	in = &pacedReader{
		src: r.Body, conn: http.NewResponseController(w), ctx: ctx,
		observer: c.Observer, slowBytes: c.SlowBytes, slowWindow: c.SlowWindow,
	}
	left, watched := make(chan struct{}), make(chan struct{})
	unwatch := context.AfterFunc(ctx, func() {
		defer close(watched)
		select {
		case <-time.After(haltGrace):
			in.setDeadline(time.Now())
		case <-left:
		}
	})
	return in, func() {
		if !unwatch() {
			close(left)
			<-watched
		}
		in.setDeadline(time.Time{})
	}
}

// setDeadline bounds the next read. A ResponseWriter without deadlines (a test without a network)
// notices a slow client only after its next bytes.
//
// After the end of the body net/http reads on, to notice a client that disconnects. A deadline
// that hits that read cancels the contexts of this request and of the next ones on the connection.
// So there is no deadline after the end of the body.
func (p *pacedReader) setDeadline(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.eof {
		_ = p.conn.SetReadDeadline(t)
	}
}

// setEOF removes the deadline for good.
func (p *pacedReader) setEOF() {
	p.setDeadline(time.Time{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.eof = true
}

func (p *pacedReader) Read(buf []byte) (int, error) {
	if p.ctx.Err() != nil {
		return 0, context.Cause(p.ctx)
	}
	began := time.Now()
	p.setDeadline(began.Add(p.slowWindow - p.windowWait))
	n, err := p.src.Read(buf)
	if err == io.EOF {
		p.setEOF()
	}
	p.observer.Received(n)
	p.windowBytes += int64(n)
	p.windowWait += time.Since(began)
	switch {
	case p.ctx.Err() != nil:
		return n, context.Cause(p.ctx)
	case err == io.EOF:
		return n, err
	case errors.Is(err, os.ErrDeadlineExceeded), err == nil && p.windowBytes < p.slowBytes && p.windowWait >= p.slowWindow:
		return n, httpx.Timeout("timeout", "Less than %d KiB came in %v: the upload was given up.", p.slowBytes>>10, p.slowWindow)
	case p.windowBytes >= p.slowBytes:
		p.windowBytes, p.windowWait = 0, 0
	}
	return n, err
}
