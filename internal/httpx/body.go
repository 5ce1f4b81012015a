package httpx

import (
	"io"
	"net/http"
	"time"
)

// How much of a refused request's body is read, so that the client sees why.
const (
	drainBytes = 16 << 20
	drainTime  = 5 * time.Second
	// drainQuiet is how long a client may send nothing: one that waits for its
	// answer should have it.
	drainQuiet = time.Second
)

// DrainBody reads what is left of the request's body, at most max bytes and
// for at most d, so that a client that reads the answer only after it has sent
// everything gets to see it. Where more is left then, or a client sends nothing
// for a second, the connection ends with the answer. A client that waits to be
// told to go on (Expect: 100-continue) and was not told yet is not made to send.
//
// A [Router] does this by itself for every error.
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
		// A writer without deadlines, as in a test, has no slow client either.
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
	// Were it lifted, net/http would go on reading before it answers, without end.
	_ = conn.SetReadDeadline(time.Now())
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// expectBody knows whether a body was read from: the first read is what tells
// a client with Expect: 100-continue to send.
type expectBody struct {
	io.ReadCloser
	begun bool
}

func (b *expectBody) Read(p []byte) (int, error) {
	b.begun = true
	return b.ReadCloser.Read(p)
}

// watchBody prepares a request for drain. It leaves the request itself alone:
// net/http looks at its body to know whether a waiting client was told to go
// on, and would otherwise wait for a body that never comes.
func watchBody(r *http.Request) *http.Request {
	if r.Header.Get("Expect") == "" || r.Body == nil || r.Body == http.NoBody {
		return r
	}
	watched := r.WithContext(r.Context())
	watched.Body = &expectBody{ReadCloser: r.Body}
	return watched
}
