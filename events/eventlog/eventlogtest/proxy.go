package eventlogtest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A wire carries connections to an address until it is cut.
type proxy struct {
	address string // where it begins
	to      string

	mu    sync.Mutex
	isCut bool
	conns map[net.Conn]bool // of what it carries
}

// newWire lays one, whole; it is taken away when the test ends.
func newProxy(t testing.TB, to string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &proxy{address: listener.Addr().String(), to: to, conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		listener.Close()
		w.cut()
	})
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go w.forward(near)
		}
	}()
	return w
}

func (w *proxy) forward(near net.Conn) {
	defer w.close(near)
	if !w.track(near) {
		return
	}
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer w.close(far)
	if !w.track(far) {
		return
	}
	go func() {
		defer w.close(near)
		_, _ = io.Copy(near, far) // it ends when either end is closed
	}()
	_, _ = io.Copy(far, near)
}

// take remembers an end, for a cut to close; false: the wire is cut.
func (w *proxy) track(end net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[end] = true
	return !w.isCut
}

func (w *proxy) close(end net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, end)
	end.Close()
}

// cut ends all that is carried, and lets nothing through.
func (w *proxy) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for end := range w.conns {
		end.Close()
	}
}

func (w *proxy) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
}
