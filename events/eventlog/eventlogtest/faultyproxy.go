package eventlogtest

import (
	"bytes"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"licenseimport/events/eventlog"
)

// A FaultyProxy forwards a client's connections to its server. On demand it closes both sides at
// the next commit of a batch, atomic or fast: before the response reaches the client, or before the commit reaches
// the server.
type FaultyProxy struct {
	URL string // where it listens

	server       string
	loseResponse atomic.Pointer[func()]
	loseCommit   atomic.Pointer[func()]
	cuts         atomic.Int32
}

// StartFaultyProxy starts a proxy before a server. It ends with the test.
func StartFaultyProxy(t testing.TB, server *eventlog.Server) *FaultyProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	p := &FaultyProxy{URL: "nats://" + listener.Addr().String(), server: strings.TrimPrefix(server.URL(), "nats://")}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.forward(client)
		}
	}()
	return p
}

// LoseResponse lets the next commit through, calls meanwhile when the server has responded, and
// then closes the connection. The client does not see the response.
func (p *FaultyProxy) LoseResponse(meanwhile func()) { p.loseResponse.Store(&meanwhile) }

// LoseCommit calls meanwhile at the next commit and then closes the connection. The server does not
// see the commit.
func (p *FaultyProxy) LoseCommit(meanwhile func()) { p.loseCommit.Store(&meanwhile) }

// WasCut fails the test unless the proxy has closed a connection once.
func (p *FaultyProxy) WasCut(t testing.TB) {
	t.Helper()
	if n := p.cuts.Load(); n != 1 {
		t.Errorf("the proxy was cut %d times, want once", n)
	}
}

func (p *FaultyProxy) forward(client net.Conn) {
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		client.Close()
		return
	}
	var lose atomic.Pointer[func()]
	go p.up(client, server, &lose)
	p.down(client, server, &lose)
	client.Close()
	server.Close()
}

// up forwards what the client sends.
func (p *FaultyProxy) up(client, server net.Conn, lose *atomic.Pointer[func()]) {
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if bytes.Contains(buffer[:n], []byte("Nats-Batch-Commit")) || bytes.Contains(buffer[:n], []byte(".2.$FI")) {
			if meanwhile := p.loseCommit.Swap(nil); meanwhile != nil {
				(*meanwhile)()
				p.cuts.Add(1)
				return
			}
			lose.Store(p.loseResponse.Swap(nil))
		}
		if _, writeErr := server.Write(buffer[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

// down forwards what the server sends, except the response to lose.
func (p *FaultyProxy) down(client, server net.Conn, lose *atomic.Pointer[func()]) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		if meanwhile := lose.Load(); meanwhile != nil && bytes.Contains(buffer[:n], []byte(`"stream"`)) {
			(*meanwhile)()
			p.cuts.Add(1)
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}
