package httpx

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// exchange sends text over a new connection and returns the answer.
func exchange(t *testing.T, s *Server, text string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	go func() { _, _ = io.WriteString(conn, text) }() // a refused request may not be taken to its end
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	return resp, body(t, resp, err)
}

// TestServersOwnErrorsAreProblems: what net/http answers before any handler is problem+json as well.
func TestServersOwnErrorsAreProblems(t *testing.T) {
	cert, key := certificate(t)
	plain, secure := start(t, ServerConfig{}, quiet()), start(t, ServerConfig{TLSCert: cert, TLSKey: key}, quiet())
	for name, c := range map[string]struct {
		server        *Server
		request       string
		status        int
		code, mention string
	}{
		"no HTTP":               {plain, "hello\r\n\r\n", 400, "malformed_request", "HTTP"},
		"no host":               {plain, "GET / HTTP/1.1\r\n\r\n", 400, "malformed_request", "Host"},
		"a header's name":       {plain, "GET / HTTP/1.1\r\nHost: x\r\nb d: 1\r\n\r\n", 400, "malformed_request", ""},
		"two lengths":           {plain, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "malformed_request", ""},
		"long headers":          {plain, "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", 431, "headers_too_large", "64 KiB"},
		"an expectation":        {plain, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: a miracle\r\n\r\n", 417, "expectation_failed", "100-continue"},
		"a transfer encoding":   {plain, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "unsupported_transfer_encoding", "chunked"},
		"another version":       {plain, "GET / HTTP/3.1\r\nHost: x\r\n\r\n", 505, "unsupported_http_version", ""},
		"HTTP where HTTPS is":   {secure, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "https_needed", "https"},
		"of a handler, as ever": {plain, "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "not_found", ""},
	} {
		t.Run(name, func(t *testing.T) {
			resp, text := exchange(t, c.server, c.request)
			var p problem
			if err := json.Unmarshal([]byte(text), &p); err != nil || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Fatalf("%s %v: %s", resp.Status, resp.Header, text)
			}
			if resp.StatusCode != c.status || p.Status != c.status || p.Code != c.code || p.Message != p.Detail ||
				p.Title != http.StatusText(c.status) || !strings.Contains(p.Detail, c.mention) || !resp.Close {
				t.Errorf("%s: %+v", resp.Status, p)
			}
		})
	}
}

// TestLongHeadersOverTLS: over HTTP/1.1 and HTTP/2 they are answered like every error.
func TestLongHeadersOverTLS(t *testing.T) {
	certFile, keyFile := certificate(t)
	s := start(t, ServerConfig{TLSCert: certFile, TLSKey: keyFile}, quiet())
	for protocol, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		for kib, status := range map[int]int{60: 404, 70: 431, 240: 431} {
			transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
				ForceAttemptHTTP2: h2} // the certificate is the test's own
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/none", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Long", strings.Repeat("x", kib<<10))
			resp, err := transport.RoundTrip(r)
			text := body(t, resp, err)
			transport.CloseIdleConnections()
			var p problem
			if err := json.Unmarshal([]byte(text), &p); err != nil ||
				resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Fatalf("%s, %d KiB: %s %v: %s", protocol, kib, resp.Status, resp.Header, text)
			}
			if resp.Proto != protocol || resp.StatusCode != status ||
				status == 431 && (p.Code != "headers_too_large" || resp.Header.Get("X-Request-Id") == "") {
				t.Errorf("%s, %d KiB: %s %s: %+v", protocol, kib, resp.Proto, resp.Status, p)
			}
		}
	}
}
