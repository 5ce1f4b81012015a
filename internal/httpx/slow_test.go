package httpx

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestClientThatTakesNothingIsCutOff: the handler is not kept for ever by one that asks and
// does not read.
func TestClientThatTakesNothingIsCutOff(t *testing.T) {
	rt := NewRouter(Options{Log: slog.New(slog.DiscardHandler), Within: 50 * time.Millisecond})
	ended := make(chan error, 1)
	rt.Handle("GET", "/endless", func(w http.ResponseWriter, _ *http.Request, _ Params) error {
		piece := strings.Repeat("x", 64<<10)
		for {
			if _, err := io.WriteString(w, piece); err != nil {
				ended <- err
				return err
			}
		}
	})
	s := start(t, ServerConfig{}, rt)
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
	select {
	case err := <-ended:
		t.Log(err)
	case <-time.After(10 * time.Second):
		t.Error("the handler is kept by a client that reads nothing")
	}
}

// TestOwnDeadline: a handler may set another one, which ends with its answer.
func TestOwnDeadline(t *testing.T) {
	rt := NewRouter(Options{Log: slog.New(slog.DiscardHandler), Within: time.Nanosecond})
	rt.Handle("GET", "/own", func(w http.ResponseWriter, r *http.Request, _ Params) error {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			return err
		}
		return WriteJSON(w, 200, "own")
	})
	rt.Handle("GET", "/usual", func(w http.ResponseWriter, r *http.Request, _ Params) error { return WriteJSON(w, 200, "usual") })
	s := start(t, ServerConfig{}, rt)
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	ask := func(path string) (string, error) {
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return strings.TrimSpace(string(text)), err
	}
	if text, err := ask("/own"); err != nil || text != `"own"` {
		t.Errorf("%q %v", text, err)
	}
	if text, err := ask("/usual"); err == nil {
		t.Errorf("%q was taken within a nanosecond", text)
	}
}
