package ingest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"licenseimport/internal/access"
)

// TestCutOff: an upload whose body is truncated anywhere is not sealed.
func TestCutOff(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	whole := string(form("a.csv", csvOf(3)))
	zipped := string(form("a.csv.gz", gzipped(csvOf(3))))
	upTo := func(body, mark string) string {
		i := strings.Index(body, mark)
		if i < 0 {
			t.Fatalf("no %q in the body", mark)
		}
		return body[:i+len(mark)]
	}
	tests := []struct {
		name  string
		body  string
		whole int
		begun bool
	}{
		{"nothing", "", len(whole), false},
		{"in a part's header", upTo(whole, "Content-Disp"), len(whole), false},
		{"in the header line", upTo(whole, "license__lic"), len(whole), false},
		{"after the header line", upTo(whole, "short_code\n"), len(whole), false},
		{"in the first row", upTo(whole, "key-1"), len(whole), false},
		{"after the first row", upTo(whole, "key-1,psc\n"), len(whole), true},
		{"in the second row", upTo(whole, "key-2,p"), len(whole), true},
		{"after the last row", upTo(whole, "key-3,psc\n"), len(whole), true},
		{"in the closing boundary", upTo(whole, "key-3,psc\n") + "\r\n--" + testBoundary[:5], len(whole), true},
		{"before its last dash", strings.TrimSuffix(whole, "-\r\n"), len(whole), true},
		{"before the last byte", whole[:len(whole)-1], len(whole), true},
		{"whole, without a closing boundary", strings.TrimSuffix(whole, "--\r\n"), len(whole) - 4, true},
		{"in a gzip", upTo(zipped, "\r\n\r\n") + gzipped(csvOf(3))[:30], len(zipped), false},
		{"in a gzip's checksum", upTo(zipped, "\r\n\r\n") + strings.TrimSuffix(gzipped(csvOf(3)), gzipped(csvOf(3))[len(gzipped(csvOf(3)))-5:]) + "\r\n--" + testBoundary + "--\r\n", len(zipped) - 5, true},
	}
	for _, tt := range tests {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, chunked %v", tt.name, chunked), func(t *testing.T) {
				length, body := tt.whole, tt.body
				if chunked {
					length, body = -1, fmt.Sprintf("%x\r\n%s\r\n", len(body), body) // and no last chunk
				}
				h.stored.Store(0)
				u := h.dial(length, "")
				u.write(body)
				checkCutOff(t, h, u.hangUp(), tt.begun)
			})
		}
	}
}

func checkCutOff(t *testing.T, h *harness, a answer, begun bool) {
	t.Helper()
	if a.status != 400 || a.body.Code != "upload_incomplete" || (a.body.JobID != 0) != begun {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if !begun {
		return
	}
	aborted := h.aborted(a.body.JobID)
	if aborted.Code != "upload_incomplete" || int64(aborted.Rows) != h.stored.Load() || aborted.Rows == 0 {
		t.Errorf("%+v", aborted)
	}
}

// TestClientVanishes: the client disconnects, and the import is aborted.
func TestClientVanishes(t *testing.T) {
	h := newHarness(t, Config{})
	body := string(form("a.csv", csvOf(100)))
	u := h.dial(len(body), "")
	u.write(body[:len(body)/2])
	h.eventually("the job starts", func() bool { return h.state(1).Started != nil })
	_ = u.conn.Close()
	h.eventually("the job is aborted", func() bool { return h.state(1).Ended() })
	if aborted := h.aborted(1); aborted.Code != "upload_incomplete" {
		t.Errorf("%+v", aborted)
	}
}

// TestRowsOfASlowClientAreStoredEarly: a batch that does not fill is stored after FlushAfter.
func TestRowsOfASlowClientAreStoredEarly(t *testing.T) {
	h := newHarness(t, Config{FlushAfter: time.Millisecond})
	body := string(form("a.csv", csvOf(5)))
	u := h.dial(len(body), "")
	half := strings.Index(body, "key-4")
	u.write(body[:half])
	h.eventually("the first rows are stored", func() bool { return len(h.rows(1)) == 3 })
	u.write(body[half:])
	if a := u.answer(); a.status != 200 || h.state(1).Sealed.Rows != 5 {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestExpectContinue(t *testing.T) {
	h := newHarness(t, Config{})
	body := string(form("a.csv", csvOf(1)))
	u := h.dial(len(body), "Expect: 100-continue\r\n")
	head := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := u.conn.Read(head); err != nil || !strings.Contains(string(head), "100 Continue") {
		t.Fatalf("%q, %v", head, err)
	}
	u.write(body)
	if a := u.answer(); a.status != 200 {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestSlowClient(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{SlowBytes: 1 << 20, SlowWindow: 100 * time.Millisecond})
	body := string(form("a.csv", csvOf(5)))
	u := h.dial(len(body), "")
	u.write(body[:len(body)-30])
	a := u.answer()
	if a.status != 408 || a.body.Code != "timeout" || a.body.JobID != 1 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if aborted := h.aborted(1); aborted.Code != "timeout" {
		t.Errorf("%+v", aborted)
	}
}

// TestPaceCountsOnlyWaiting: time that the server spends between two reads does not count.
func TestPaceCountsOnlyWaiting(t *testing.T) {
	in := &pacedReader{observer: nopObserver{}, src: strings.NewReader(strings.Repeat("x", 100)), conn: http.NewResponseController(nil), ctx: context.Background(),
		slowBytes: 10, slowWindow: time.Hour}
	for range 30 {
		if _, err := in.Read(make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		if in.windowBytes >= 10 {
			t.Fatalf("the window holds %d bytes", in.windowBytes)
		}
	}
}

func TestTooManyUploads(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{MaxUploads: 2})
	for range 2 {
		h.dial(1000, "").write("--")
	}
	h.eventually("two are in", func() bool { return h.in.Uploads() == 2 })
	a := h.send(csvOf(1), request{})
	if a.status != 503 || a.body.Code != "too_many_uploads" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// TestOneManagerLeavesPlacesForOthers: a manager that holds all places, with uploads that never end,
// is refused; another manager is not, up to half of the places.
func TestOneManagerLeavesPlacesForOthers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{MaxUploads: 4})
	greedy, other, third := h.key("greedy", access.Importer), h.key("other", access.Importer), h.key("third", access.Importer)
	for n := range 4 {
		h.dialAs(greedy, 1000, "").write("--")
		h.eventually("it is in", func() bool { return h.in.Uploads() == n+1 })
	}
	for range 3 {
		if a := h.send(csvOf(1), request{key: greedy}); a.status != 503 || a.body.Code != "too_many_uploads" {
			t.Errorf("who holds all places: %d %s", a.status, a.text)
		}
		if a := h.send(csvOf(1), request{key: other}); a.status != 200 {
			t.Errorf("another manager: %d %s", a.status, a.text)
		}
	}
	h.eventually("its upload has left", func() bool { return h.in.Uploads() == 4 })
	for n := range 2 {
		h.dialAs(other, 1000, "").write("--")
		h.eventually("it is in", func() bool { return h.in.Uploads() == 5+n })
	}
	for _, key := range []string{greedy, other, third} {
		if a := h.send(csvOf(1), request{key: key}); a.status != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("all places are taken: %d %s", a.status, a.text)
		}
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	t.Run("waits for an upload", func(t *testing.T) {
		h := newHarness(t, Config{})
		body := string(form("a.csv", csvOf(5)))
		u := h.dial(len(body), "")
		u.write(body[:len(body)-30])
		h.eventually("the upload has begun", func() bool { return h.state(1).Started != nil })
		done := make(chan error, 1)
		go func() { done <- h.in.Shutdown(t.Context()) }()
		h.eventually("uploads are refused", func() bool {
			a := h.send(csvOf(1), request{})
			return a.status == 503 && a.body.Code == "stopping"
		})
		u.write(body[len(body)-30:])
		if a := u.answer(); a.status != 200 {
			t.Errorf("%d %s", a.status, a.text)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Run("aborts when its context ends", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, Config{})
		u := h.dial(1000, "")
		u.write(string(form("a.csv", csvOf(5)))[:150])
		h.eventually("the upload has begun", func() bool { return h.in.Uploads() == 1 })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.in.Shutdown(ctx); err == nil {
			t.Error("no error, although an upload was aborted")
		}
		if h.in.Uploads() != 0 {
			t.Error("an upload is still in flight")
		}
		if a := u.answer(); a.status != 503 || a.body.Code != "stopping" {
			t.Errorf("%d %s", a.status, a.text)
		}
	})
	t.Run("aborts a job that began", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, Config{})
		body := string(form("a.csv", csvOf(5)))
		u := h.dial(len(body), "")
		u.write(body[:len(body)-30])
		h.eventually("the job starts", func() bool { return h.state(1).Started != nil })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = h.in.Shutdown(ctx)
		if a := u.answer(); a.status != 503 || a.body.JobID != 1 {
			t.Errorf("%d %s", a.status, a.text)
		}
		if aborted := h.aborted(1); aborted.Code != "stopping" {
			t.Errorf("%+v", aborted)
		}
	})
}

// TestStoreUnavailable: without NATS an upload is answered 503.
func TestStoreUnavailable(t *testing.T) {
	h := newHarness(t, Config{})
	h.log.Close()
	a := h.send(csvOf(1), request{})
	if a.status != 503 || a.body.Code != "store_unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// TestHTTP2: its deadlines and bodies are other implementations.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{SlowBytes: 64 << 20, SlowWindow: 500 * time.Millisecond})
	server := httptest.NewUnstartedServer(h.http.Config.Handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	post := func(body io.Reader) answer {
		req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+importPath, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "multipart/form-data; boundary="+testBoundary)
		h.authorize(req, "")
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.ProtoMajor != 2 {
			t.Fatal(res.Proto)
		}
		return readAnswer(t, res)
	}
	if a := post(generatedForm(3000)); a.status != 200 || h.state(a.body.JobID).Sealed.Rows != 3000 {
		t.Errorf("%d %s", a.status, a.text)
	}
	begun := string(form("a.csv", csvOf(5)))
	pipe, in := io.Pipe()
	defer in.Close()
	go func() { _, _ = io.WriteString(in, begun[:len(begun)-30]) }()
	if a := post(pipe); a.status != 408 || a.body.JobID != 2 {
		t.Errorf("%d %s", a.status, a.text)
	}
	if aborted := h.aborted(2); aborted.Code != "timeout" {
		t.Errorf("%+v", aborted)
	}
}
