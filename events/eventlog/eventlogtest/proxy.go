package eventlogtest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A proxy forwards TCP connections to an address until it is cut.
type proxy struct {
	address string // where it listens
	to      string

	mu    sync.Mutex
	isCut bool
	conns map[net.Conn]bool // both ends of each connection
}

// newProxy starts a proxy. It ends with the test.
func newProxy(t testing.TB, to string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: listener.Addr().String(), to: to, conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		listener.Close()
		p.cut()
	})
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go p.forward(near)
		}
	}()
	return p
}

func (p *proxy) forward(near net.Conn) {
	defer p.close(near)
	if !p.track(near) {
		return
	}
	far, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer p.close(far)
	if !p.track(far) {
		return
	}
	go func() {
		defer p.close(near)
		_, _ = io.Copy(near, far) // ends when either end is closed
	}()
	_, _ = io.Copy(far, near)
}

// track remembers a connection, for cut to close; false: the proxy is cut.
func (p *proxy) track(end net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[end] = true
	return !p.isCut
}

func (p *proxy) close(end net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, end)
	end.Close()
}

// cut closes all connections, and refuses new ones until heal.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = true
	for end := range p.conns {
		end.Close()
	}
}

func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = false
}
