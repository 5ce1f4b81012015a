package openapitest

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// Client is a client whose every answer is held against the document; inner does
// the work (nil: http.DefaultTransport). It does not follow redirects, since
// there are none to follow. It may be used by several goroutines.
func Client(t testing.TB, inner http.RoundTripper) *http.Client {
	t.Helper()
	return new(Coverage).Client(t, inner)
}

// Answer names one answer of the document.
type Answer struct {
	Method string
	Path   string // as the document has it: /api/v1/licenses/{id}/
	Status int
}

// String has the form "GET /api/v1/licenses/{id}/ 404".
func (a Answer) String() string { return fmt.Sprintf("%s %s %d", a.Method, a.Path, a.Status) }

// Coverage records which described answers its clients have seen. The zero value is ready
// for use, by any number of goroutines and tests.
type Coverage struct {
	mu   sync.Mutex
	seen map[Answer]int
}

// Client is the function Client, with a record of its answers.
func (c *Coverage) Client(t testing.TB, inner http.RoundTripper) *http.Client {
	t.Helper()
	api, err := loadOnce()
	if err != nil {
		t.Fatal(err)
	}
	if inner == nil {
		inner = http.DefaultTransport
	}
	return &http.Client{
		Transport:     &transport{t: t, api: api, coverage: c, inner: inner},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Unseen returns the described answers that no client has seen, sorted by path, method and
// status.
func (c *Coverage) Unseen() ([]Answer, error) {
	api, err := loadOnce()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(api.answers(), func(a Answer) bool { return c.seen[a] > 0 }), nil
}

// Seen returns the described answers that clients have seen, and how often.
func (c *Coverage) Seen() map[Answer]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}

func (c *Coverage) count(a Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[Answer]int{}
	}
	c.seen[a]++
}

func compareAnswers(a, b Answer) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method), cmp.Compare(a.Status, b.Status))
}

// transport validates each answer of another transport.
type transport struct {
	t        testing.TB
	api      *api
	coverage *Coverage
	inner    http.RoundTripper
}

// RoundTrip passes everything through. Only answers are validated.
func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := tr.inner.RoundTrip(r)
	if err != nil {
		return res, err
	}
	var body []byte
	if isJSON(res.Header) && r.Method != http.MethodHead {
		if body, err = peek(res); err != nil {
			return res, nil // the answer was cut off: the client gets the same error
		}
	}
	answer, err := tr.api.check(r, res, body)
	if err != nil {
		tr.t.Errorf("the answer to %s %s is not what openapi.yaml describes: %d %s: %v%s",
			r.Method, r.URL.Path, res.StatusCode, res.Header.Get("Content-Type"), err, shown(body))
	} else if answer.Path != "" {
		tr.coverage.count(answer)
	}
	return res, nil
}

// peek reads the body and restores it, with the error at its end.
func peek(res *http.Response) ([]byte, error) {
	body, err := io.ReadAll(res.Body)
	rest := io.Reader(bytes.NewReader(body))
	if err != nil {
		rest = io.MultiReader(rest, failing{err})
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{rest, res.Body}
	return body, err
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// shown cuts a body for the message of a failure.
func shown(body []byte) string {
	const most = 2000
	if len(body) == 0 {
		return ""
	}
	if len(body) > most {
		return fmt.Sprintf("\n%s… (%d bytes)", body[:most], len(body))
	}
	return "\n" + string(body)
}
