package ingest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/httpx"
)

// newProxyServer serves only the proxy.
func newProxyServer(t *testing.T, projector string) *httpx.Server {
	t.Helper()
	return newPatientProxyServer(t, projector, defaultPatience)
}

func newPatientProxyServer(t *testing.T, projector string, p patience) *httpx.Server {
	t.Helper()
	proxy, err := proxyTo(projector, p)
	if err != nil {
		t.Fatal(err)
	}
	router := httpx.NewRouter(httpx.Options{Log: slog.New(slog.DiscardHandler)})
	router.Fallback("/api/", proxy)
	handler, err := router.Handler()
	if err != nil {
		t.Fatal(err)
	}
	server, err := httpx.Listen(httpx.ServerConfig{Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(handler) }()
	t.Cleanup(func() { _ = server.Shutdown(context.Background()) })
	return server
}

func TestProxy(t *testing.T) {
	projector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		fmt.Fprintf(w, "%s %s %s %s %s", r.Method, r.URL, r.Host, r.Header.Get("Authorization"), r.Header.Get("X-Request-Id"))
	}))
	defer projector.Close()
	server := newProxyServer(t, projector.URL)
	req, _ := http.NewRequestWithContext(t.Context(), "GET", server.URL()+"/api/v1/licenses/?limit=5", nil)
	req.Header.Set("Authorization", "Api-Key k")
	req.Header.Set("X-Request-Id", "mine-1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	a := readAnswer(t, res)
	if a.text != "GET /api/v1/licenses/?limit=5 "+server.Addr()+" Api-Key k mine-1" {
		t.Errorf("the projector was asked %s", a.text)
	}
	if fmt.Sprint(a.header["Cache-Control"]) != "[no-cache]" {
		t.Errorf("%v", a.header)
	}
	projector.Close()
	if res, err = http.Get(server.URL() + "/api/v1/licenses/"); err != nil {
		t.Fatal(err)
	}
	if a := readAnswer(t, res); a.status != 503 || a.body.Code != "projector_unavailable" {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// TestProxyPassesTheQueryAsItIs: the projector refuses what cannot be read, so nothing of a query is ignored.
func TestProxyPassesTheQueryAsItIs(t *testing.T) {
	projector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.RawQuery)
	}))
	defer projector.Close()
	server := newProxyServer(t, projector.URL)
	for _, query := range []string{"%zz=1", "limit=5;enabled=true", "limit=5&%", "limit=5", ""} {
		res, err := http.Get(server.URL() + "/api/v1/licenses/?" + query)
		if err != nil {
			t.Fatal(err)
		}
		if a := readAnswer(t, res); a.text != query {
			t.Errorf("%q became %q", query, a.text)
		}
	}
}

// TestForwardedReadKeepsTheExternalAddress: links in the projector's answers begin with the address
// that the client of the role ingest used, whatever headers that client sends itself.
func TestForwardedReadKeepsTheExternalAddress(t *testing.T) {
	router := httpx.NewRouter(httpx.Options{External: httpx.External{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	router.Handle("GET", "/api/v1/x", func(w http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		return httpx.WriteJSON(w, 200, httpx.BaseURL(r))
	})
	reads, err := router.Handler()
	if err != nil {
		t.Fatal(err)
	}
	projector := httptest.NewServer(reads)
	defer projector.Close()
	proxy, err := ProxyTo(projector.URL)
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{"https://host/prefix": "https://host/prefix", "": "http://inside:8080"} {
		router := httpx.NewRouter(httpx.Options{External: httpx.External{URL: url}})
		router.Fallback("/api/", proxy)
		forward, err := router.Handler()
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "http://inside:8080/api/v1/x", nil)
		for _, name := range []string{"X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix"} {
			r.Header.Set(name, "/forged")
		}
		w := httptest.NewRecorder()
		forward.ServeHTTP(w, r)
		if got := w.Body.String(); got != fmt.Sprintf("%q\n", want) {
			t.Errorf("%q: %d %s", url, w.Code, got)
		}
	}
}

// TestProxyEventStream: the proxy passes each event at once, and a stream does not delay the
// shutdown.
func TestProxyEventStream(t *testing.T) {
	gone := make(chan struct{})
	projector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "event: progress\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	}))
	defer projector.Close()
	server := newProxyServer(t, projector.URL)
	res, err := http.Get(server.URL() + "/api/v1/licenses-import-results/1/events/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || line != "event: progress\n" {
		t.Fatalf("%q, %v", line, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	<-gone
}

// TestProxyGivesUpASilentProjector: the process is stopped or hangs, and the system still takes connections for
// it. A client is told instead of waiting for ever.
func TestProxyGivesUpASilentProjector(t *testing.T) {
	projector, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer projector.Close()
	server := newPatientProxyServer(t, "http://"+projector.Addr().String(), patience{time.Millisecond, time.Millisecond})
	res, err := http.Get(server.URL() + "/api/v1/licenses/")
	if err != nil {
		t.Fatal(err)
	}
	if a := readAnswer(t, res); a.status != 503 || a.body.Code != "projector_unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// TestProxyWaitsForASlowAnswer: a projector that lives may take any time for an answer.
func TestProxyWaitsForASlowAnswer(t *testing.T) {
	probes := make(chan struct{})
	projector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/below/healthz" {
			select {
			case probes <- struct{}{}:
			case <-r.Context().Done():
			}
			return
		}
		for range 3 {
			<-probes
		}
		fmt.Fprint(w, "the export")
	}))
	defer projector.Close()
	server := newPatientProxyServer(t, projector.URL+"/below", patience{time.Millisecond, time.Minute})
	res, err := http.Get(server.URL() + "/api/v1/licenses/export/")
	if err != nil {
		t.Fatal(err)
	}
	if a := readAnswer(t, res); a.status != 200 || a.text != "the export" {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestProxyNeedsAnAddress(t *testing.T) {
	for _, bad := range []string{"", "localhost:8080", "ftp://host", "http://", "::"} {
		if _, err := ProxyTo(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestTemplate(t *testing.T) {
	r := newHarness(t, Config{})
	get := func(key string) answer {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", r.http.URL+prefix+events.Licenses.Template(".csv"), nil)
		r.authorize(req, key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return readAnswer(t, res)
	}
	if a := get("wrong"); a.status != 401 {
		t.Errorf("without a key: %d", a.status)
	}
	a := get("")
	in := csvfile.NewReader(bytes.NewReader([]byte(a.text)), csvfile.Options{})
	header, err := in.Header()
	if err != nil || len(header.Fields) != len(events.Licenses.Columns()) ||
		a.header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Fatalf("%v %v %v", header, err, a.header)
	}
	row, err := in.Read()
	if err != nil || row.Err != nil {
		t.Fatalf("%+v %v", row, err)
	}
	for i, field := range row.Fields {
		if string(field) != events.Columns[i].Example || header.Fields[i] != events.Columns[i].Name {
			t.Errorf("column %d: %s %q", i, header.Fields[i], field)
		}
	}
	if a := r.send(a.text, request{}); a.status != 200 {
		t.Errorf("the template cannot be uploaded: %s", a.text)
	}
	if !strings.Contains(a.header.Get("Content-Disposition"), "license-import-template.csv") {
		t.Errorf("%v", a.header)
	}
}
