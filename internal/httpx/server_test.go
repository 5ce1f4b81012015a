package httpx

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start serves a router on a free port until the test ends.
func start(t *testing.T, c ServerConfig, rt *Router) *Server {
	t.Helper()
	h, err := rt.Handler()
	if err != nil {
		t.Fatal(err)
	}
	c.Addr, c.Log = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	s, err := Listen(c)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(h) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), <-served); err != nil {
			t.Error(err)
		}
	})
	return s
}

func body(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRefusedUploadSeesTheReason(t *testing.T) {
	rt := quiet()
	rt.Handle("POST", "/refused", func(_ http.ResponseWriter, r *http.Request, _ Params) error {
		r.Body = http.MaxBytesReader(nil, r.Body, 10)
		_, err := io.ReadAll(r.Body)
		return TooLarge("file_too_large", "Too large.").Because(err)
	})
	s := start(t, ServerConfig{}, rt)
	for name, path := range map[string]string{"by the handler": "/refused", "no such path": "/none"} {
		t.Run(name, func(t *testing.T) {
			// A client that looks for an answer only after it has sent all.
			conn, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			const size = 12 << 20
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", path, size)
			if _, err := io.CopyN(conn, zeros{}, size); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if text := body(t, resp, err); !strings.Contains(text, `"code":`) {
				t.Errorf("%s", text)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestDrainBodyStops(t *testing.T) {
	for name, c := range map[string]struct {
		max int64
		d   time.Duration
	}{
		"after some bytes": {1000, time.Minute},
		"after some time":  {1 << 40, 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			rt := quiet()
			rt.Handle("POST", "/", func(w http.ResponseWriter, r *http.Request, _ Params) error {
				DrainBody(w, r, c.max, c.d)
				w.WriteHeader(http.StatusNoContent)
				return nil
			})
			s := start(t, ServerConfig{}, rt)
			conn, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n%s", strings.Repeat("x", 2000))
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != http.StatusNoContent {
				t.Fatalf("%v %v", resp, err)
			}
		})
	}
}

func TestClientThatWaitsIsNotMadeToSend(t *testing.T) {
	s := start(t, ServerConfig{}, quiet())
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "404") {
		t.Errorf("%q %v", line, err)
	}
}

func TestServerWaitsBeforeServe(t *testing.T) {
	s, err := Listen(ServerConfig{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(ServerConfig{Addr: s.Addr()}); err == nil {
		t.Error("two servers on one port")
	}
	if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") || strings.HasSuffix(s.URL(), ":0") {
		t.Errorf("URL %s", s.URL())
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", s.Addr()); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
	if err := s.Serve(http.NotFoundHandler()); err != nil {
		t.Errorf("Serve after Shutdown: %v", err)
	}
}

func TestURLOfEveryAddress(t *testing.T) {
	s, err := Listen(ServerConfig{Addr: ":0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown(t.Context())
	if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") {
		t.Errorf("URL %s", s.URL())
	}
}

// TestShutdown: an event stream ends at once, an upload may go on to its end.
func TestShutdown(t *testing.T) {
	began, finish := make(chan struct{}, 2), make(chan struct{})
	rt := quiet()
	rt.Handle("GET", "/stream", func(w http.ResponseWriter, r *http.Request, _ Params) error {
		began <- struct{}{}
		<-Stopping(r.Context())
		close(finish)
		return WriteJSON(w, 200, "stream ended")
	})
	rt.Handle("GET", "/upload", func(w http.ResponseWriter, r *http.Request, _ Params) error {
		began <- struct{}{}
		<-finish
		return WriteJSON(w, 200, "upload ended")
	})
	s := start(t, ServerConfig{}, rt)
	answers := make(chan string, 2)
	for _, path := range []string{"/stream", "/upload"} {
		go func() {
			resp, err := http.Get(s.URL() + path)
			if err != nil {
				answers <- err.Error()
				return
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			answers <- string(text)
		}()
	}
	<-began
	<-began
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if text := <-answers; !strings.Contains(text, "ended") {
			t.Error(text)
		}
	}
}

func TestShutdownCutsOffWhatDoesNotEnd(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	rt := quiet()
	rt.Handle("GET", "/", func(_ http.ResponseWriter, r *http.Request, _ Params) error {
		close(began)
		<-r.Context().Done()
		close(ended)
		return r.Context().Err()
	})
	s := start(t, ServerConfig{}, rt)
	go func() { _, _ = http.Get(s.URL()) }()
	<-began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	<-ended
}

func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	rt := quiet()
	rt.Handle("GET", "/", func(w http.ResponseWriter, r *http.Request, _ Params) error {
		return WriteJSON(w, 200, BaseURL(r)+" "+r.Proto)
	})
	s := start(t, ServerConfig{TLSCert: cert, TLSKey: key}, rt)
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(s.URL())
	if got := body(t, resp, err); got != fmt.Sprintf("%q\n", s.URL()+" HTTP/2.0") || !strings.HasPrefix(s.URL(), "https://") {
		t.Error(got)
	}
}

func TestListenRefusesHalfACertificate(t *testing.T) {
	cert, key := certificate(t)
	for _, c := range []ServerConfig{{TLSCert: cert}, {TLSKey: key}, {TLSCert: key, TLSKey: cert}, {TLSCert: cert, TLSKey: key + "x"}} {
		c.Addr = "127.0.0.1:0"
		if s, err := Listen(c); err == nil {
			_ = s.Shutdown(t.Context())
			t.Errorf("%+v accepted", c)
		}
	}
}

// certificate writes a self-signed one for 127.0.0.1.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "EC PRIVATE KEY", key)
}
