package eventlogtest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A wire carries connections to an address until it is cut.
type wire struct {
	address string // where it begins
	to      string

	mu     sync.Mutex
	broken bool
	ends   map[net.Conn]bool // of what it carries
}

// newWire lays one, whole; it is taken away when the test ends.
func newWire(t testing.TB, to string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: listener.Addr().String(), to: to, ends: map[net.Conn]bool{}}
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
			go w.carry(near)
		}
	}()
	return w
}

func (w *wire) carry(near net.Conn) {
	defer w.drop(near)
	if !w.take(near) {
		return
	}
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer w.drop(far)
	if !w.take(far) {
		return
	}
	go func() {
		defer w.drop(near)
		_, _ = io.Copy(near, far) // it ends when either end is closed
	}()
	_, _ = io.Copy(far, near)
}

// take remembers an end, for a cut to close; false: the wire is cut.
func (w *wire) take(end net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends[end] = true
	return !w.broken
}

func (w *wire) drop(end net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.ends, end)
	end.Close()
}

// cut ends all that is carried, and lets nothing through.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = true
	for end := range w.ends {
		end.Close()
	}
}

func (w *wire) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = false
}
