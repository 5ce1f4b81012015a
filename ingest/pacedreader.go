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

// haltGrace is how long a client that is sending has to notice that its upload
// was halted, before the read that waits for it is interrupted: an interrupted
// chunked body cannot be drained any more, and then the client may not see why.
const haltGrace = time.Second

// wire reads a request's body and ends it early when the client is too slow or
// the upload was halted.
//
// Only the time spent waiting for the client counts. Each time that another
// SlowBytes have come the client gets a fresh SlowWindow.
type pacedReader struct {
	src  io.Reader
	conn *http.ResponseController
	ctx  context.Context // its cause, when it ends, is what Read fails with

	observer    Observer
	slowBytes   int64
	slowWindow  time.Duration
	windowBytes int64         // bytes in this window
	windowWait  time.Duration // in this window

	mu  sync.Mutex
	eof bool // the body came to its end: nothing waits for the client any more
}

// newWire wraps the request's body. The returned stop must be called before the
// handler returns: it lifts the deadline, so that what follows on the
// connection is not hit by it.
func newPacedReader(ctx context.Context, w http.ResponseWriter, r *http.Request, c Config) (in *pacedReader, stop func()) {
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

// deadline bounds the next read. A writer without deadlines is one of a test
// without a network; what a slow client does is then found out afterwards.
//
// Behind the end of the body net/http itself reads on, to notice a client that goes away. A
// deadline that hits that read ends the contexts of this request and of all that follow on
// the connection; so there is none then.
func (w *pacedReader) setDeadline(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.eof {
		_ = w.conn.SetReadDeadline(t)
	}
}

// end lifts the deadline for good.
func (w *pacedReader) setEOF() {
	w.setDeadline(time.Time{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.eof = true
}

func (w *pacedReader) Read(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	began := time.Now()
	w.setDeadline(began.Add(w.slowWindow - w.windowWait))
	n, err := w.src.Read(p)
	if err == io.EOF {
		w.setEOF()
	}
	w.observer.Received(n)
	w.windowBytes += int64(n)
	w.windowWait += time.Since(began)
	switch {
	case w.ctx.Err() != nil:
		return n, context.Cause(w.ctx)
	case err == io.EOF:
		return n, err
	case errors.Is(err, os.ErrDeadlineExceeded), err == nil && w.windowBytes < w.slowBytes && w.windowWait >= w.slowWindow:
		return n, httpx.Timeout("timeout", "Less than %d KiB came in %v: the upload was given up.", w.slowBytes>>10, w.slowWindow)
	case w.windowBytes >= w.slowBytes:
		w.windowBytes, w.windowWait = 0, 0
	}
	return n, err
}
