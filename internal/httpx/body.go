package httpx

import (
	"io"
	"net/http"
	"time"
)

// Limits of reading a refused request's body.
const (
	drainBytes = 16 << 20
	drainTime  = 5 * time.Second
	// drainQuiet is how long a client may send nothing: it may be waiting for its
	// answer.
	drainQuiet = time.Second
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
	if b, ok := body.(*expectBody); ok && !b.begun {
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

// expectBody records whether the body was read. The first read makes net/http send
// 100-continue.
type expectBody struct {
	io.ReadCloser
	begun bool
}

func (b *expectBody) Read(p []byte) (int, error) {
	b.begun = true
	return b.ReadCloser.Read(p)
}

// watchBody returns a copy of the request, prepared for drain. The original keeps its
// body: net/http inspects it to know whether it has sent 100-continue, and would
// otherwise wait for a body that never comes.
func watchBody(r *http.Request) *http.Request {
	if r.Header.Get("Expect") == "" || r.Body == nil || r.Body == http.NoBody {
		return r
	}
	watched := r.WithContext(r.Context())
	watched.Body = &expectBody{ReadCloser: r.Body}
	return watched
}
