package httpx

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBodyThatNeverComesHoldsNoConnection: no request, with or without a key, holds a connection by
// a body that it announces and does not send.
func TestBodyThatNeverComesHoldsNoConnection(t *testing.T) {
	rt := quiet()
	answer := func(w http.ResponseWriter, _ *http.Request, _ Params) error { return WriteJSON(w, 200, "here") }
	rt.Handle("GET", "/healthz", answer)
	rt.Handle("POST", "/command", answer)
	rt.Handle("GET", "/large", func(w http.ResponseWriter, _ *http.Request, _ Params) error {
		return WriteJSON(w, 200, strings.Repeat("x", 64<<10))
	})
	s := start(t, ServerConfig{}, rt)
	var all sync.WaitGroup // at once: each waits for its end, and needs no core meanwhile
	for _, announced := range []string{"Content-Length: 10\r\n\r\n", "Content-Length: 10\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"} {
		for _, request := range []string{"GET /healthz", "GET /large", "HEAD /healthz", "POST /command", "GET /none", "DELETE /none", "PUT /healthz", "OPTIONS /healthz"} {
			all.Go(func() {
				if text, err := neverSends(s.Addr(), request, announced); err != nil || !strings.HasPrefix(text, "HTTP/1.1 ") {
					t.Errorf("%s %q: %.200q, %v", request, announced, text, err)
				}
			})
		}
	}
	all.Wait()
}

// neverSends announces a body, does not send all of it, and reads until the server ends the connection.
func neverSends(address, request, announced string) (string, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\n%s", request, announced)
	text, err := io.ReadAll(conn)
	return string(text), err
}

// TestConnectionAfterANeedlessBody: a body that comes as announced costs nothing, and the handler is
// not disturbed however long it takes.
func TestConnectionAfterANeedlessBody(t *testing.T) {
	rt := quiet()
	rt.Handle("GET", "/", func(w http.ResponseWriter, r *http.Request, _ Params) error {
		return WriteJSON(w, 200, r.RemoteAddr)
	})
	s := start(t, ServerConfig{}, rt)
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 2 {
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
		resp, err := http.ReadResponse(in, nil)
		if text := body(t, resp, err); !strings.Contains(text, conn.LocalAddr().String()) || resp.Close {
			t.Errorf("%v %s", resp, text)
		}
	}
}

// TestRefusedBodyOfAnySizeSeesTheReason: a client that reads its answer only after it has sent
// everything gets it, however much that is, if it takes less than five seconds.
func TestRefusedBodyOfAnySizeSeesTheReason(t *testing.T) {
	cert, key := certificate(t)
	rt := quiet()
	plain, secure := start(t, ServerConfig{}, rt), start(t, ServerConfig{TLSCert: cert, TLSKey: key}, rt)
	const size = 40 << 20
	client := func(http2 bool) *http.Client {
		transport := &http.Transport{ForceAttemptHTTP2: http2, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	for name, c := range map[string]struct {
		url    string
		http2  bool
		length int64
	}{
		"HTTP/2": {secure.URL(), true, size}, "HTTP/2 without length": {secure.URL(), true, -1},
		"with TLS": {secure.URL(), false, size}, "length": {plain.URL(), false, size}, "chunks": {plain.URL(), false, -1},
	} {
		t.Run(name, func(t *testing.T) {
			sent := &countingReader{Reader: io.LimitReader(zeros{}, size)}
			r, err := http.NewRequestWithContext(t.Context(), "POST", c.url+"/none", sent)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = c.length
			resp, err := client(c.http2).Do(r)
			if text := body(t, resp, err); resp.StatusCode != 404 || !strings.Contains(text, `"not_found"`) {
				t.Errorf("%s %s", resp.Status, text)
			}
			if sent.n != size {
				t.Errorf("the answer came after %d bytes", sent.n)
			}
		})
	}
}

type countingReader struct {
	io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}
