package httpx

import (
	"io"
	"net/http"
	"slices"
	"time"
)

// Limits of reading a body that nobody wants.
const (
	// DrainTime bounds the rest of a refused body. Time is the only bound: a client that is cut off
	// before it has sent everything may never see its answer, and files are larger than any size
	// that could be allowed here.
	DrainTime = 5 * time.Second
	// drainQuiet is how long a client may send nothing: it may be waiting for its
	// answer.
	drainQuiet = time.Second
	// needlessBytes bounds a body that comes with a request that takes none.
	needlessBytes = 256 << 10
	// bodyTime bounds a whole body, unless the handler sets deadlines itself.
	bodyTime = time.Minute
)

// DrainBody reads the rest of the request's body, at most max bytes and for at most
// d: some clients read the answer only after they have sent everything. If more is
// left, or the client sends nothing for drainQuiet, the connection ends with the
// answer. It reads nothing from a client that still waits for 100-continue.
//
// A [Router] drains the body before every error.
func DrainBody(w http.ResponseWriter, r *http.Request, max int64, d time.Duration) {
	drain(w, r.Body, max, d)
}

func drain(w http.ResponseWriter, body io.Reader, max int64, d time.Duration) {
	if body == nil || body == http.NoBody {
		return
	}
	if b, ok := body.(*watchedBody); ok && (b.ended || b.waits) {
		return
	}
	conn := http.NewResponseController(w)
	end := time.Now().Add(d)
	var p [32 << 10]byte
	for max > 0 && time.Now().Before(end) {
		// A writer without deadlines, as in a test, has no slow client.
		_ = conn.SetReadDeadline(earlier(end, time.Now().Add(drainQuiet)))
		n, err := body.Read(p[:min(max, int64(len(p)))])
		max -= int64(n)
		if err == io.EOF {
			_ = conn.SetReadDeadline(time.Time{})
			return
		}
		if err != nil {
			break
		}
	}
	// The deadline stays: without it net/http would read on, unbounded, before it answers.
	_ = conn.SetReadDeadline(time.Now())
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// watchedBody records how far the body was read. The first read makes net/http send 100-continue
// to a client that waits for it.
type watchedBody struct {
	io.ReadCloser
	conn  *http.ResponseController
	waits bool // the client waits for 100-continue
	ended bool // the end was read
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.waits = false
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && !b.ended {
		b.ended = true
		// From here on net/http reads to notice a client that leaves. A deadline that hits that
		// read would end the request.
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}

// watchBody returns a copy of the request, prepared for drain, whose body has to come within
// bodyTime. The original keeps its body: net/http inspects it to know whether it has sent
// 100-continue, and would otherwise wait for a body that never comes.
func watchBody(w http.ResponseWriter, r *http.Request) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	watched := r.WithContext(r.Context())
	conn := http.NewResponseController(w)
	watched.Body = &watchedBody{ReadCloser: r.Body, conn: conn, waits: r.Header.Get("Expect") != ""}
	_ = conn.SetReadDeadline(time.Now().Add(bodyTime))
	return watched
}

// skipNeedlessBody reads what the handler has left of a body. net/http would otherwise wait for it
// without a bound before it sends the answer. (HTTP/2 does not: only the stream ends.)
func skipNeedlessBody(w http.ResponseWriter, protoMajor int, body io.Reader) {
	if protoMajor < 2 {
		drain(w, body, needlessBytes, DrainTime)
	}
}

// withoutBody returns a copy of the request whose body was skipped. Then it cannot hold the
// connection when the handler writes a long answer either.
func withoutBody(w http.ResponseWriter, r *http.Request) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	skipNeedlessBody(w, r.ProtoMajor, r.Body)
	skipped := r.WithContext(r.Context())
	skipped.Body, skipped.ContentLength, skipped.TransferEncoding = http.NoBody, 0, nil
	return skipped
}

// takesNoBody reports whether no route has a use for the body of such a request.
func takesNoBody(method string) bool {
	return slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodDelete}, method)
}
