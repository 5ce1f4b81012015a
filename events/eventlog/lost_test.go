package eventlog_test

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// A faultyProxy forwards a client's connections to its server. On demand it closes both sides at
// the next commit: before the response reaches the client, or before the commit reaches the server.
type faultyProxy struct {
	server       string
	loseResponse atomic.Bool
	loseCommit   atomic.Bool
	cuts         atomic.Int32
}

// run accepts connections until the test ends, and returns the URL.
func (p *faultyProxy) run(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.forward(client)
		}
	}()
	return "nats://" + listener.Addr().String()
}

func (p *faultyProxy) forward(client net.Conn) {
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		client.Close()
		return
	}
	var cut atomic.Bool
	go p.up(client, server, &cut)
	p.down(client, server, &cut)
	client.Close()
	server.Close()
}

// up forwards what the client sends.
func (p *faultyProxy) up(client, server net.Conn, cut *atomic.Bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if bytes.Contains(buffer[:n], []byte("Nats-Batch-Commit")) {
			if p.loseCommit.CompareAndSwap(true, false) {
				p.cuts.Add(1)
				break
			}
			cut.Store(p.loseResponse.CompareAndSwap(true, false))
		}
		if _, writeErr := server.Write(buffer[:n]); err != nil || writeErr != nil {
			break
		}
	}
	server.Close()
}

// down forwards what the server sends, except the response to lose.
func (p *faultyProxy) down(client, server net.Conn, cut *atomic.Bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		if cut.Load() && bytes.Contains(buffer[:n], []byte(`"stream"`)) {
			p.cuts.Add(1)
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// wasCut fails the test unless the proxy has closed a connection once.
func (p *faultyProxy) wasCut(t *testing.T) {
	t.Helper()
	if n := p.cuts.Load(); n != 1 {
		t.Errorf("the proxy was cut %d times, want once", n)
	}
}

// openOverProxy opens a log whose requests time out after a second.
func openOverProxy(t *testing.T) (*eventlog.Log, *faultyProxy) {
	t.Helper()
	server := eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: t.TempDir(), Port: -1})
	p := &faultyProxy{server: strings.TrimPrefix(server.URL(), "nats://")}
	log, err := eventlog.Open(t.Context(), eventlog.Config{URL: p.run(t), Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log, p
}

func TestLostResponsesAreResolved(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*faultyProxy){
		"response": func(p *faultyProxy) { p.loseResponse.Store(true) },
		"commit":   func(p *faultyProxy) { p.loseCommit.Store(true) },
	} {
		t.Run("rows, lost "+name, func(t *testing.T) {
			t.Parallel()
			log, proxy := openOverProxy(t)
			last := appendRows(t, log, 7, 0, 0, 10)
			lose(proxy)
			appendRows(t, log, 7, last, 10, 20)
			if got, want := readRows(t, log, 7, 0), rowBodies(0, 20); !equal(got, want) {
				t.Errorf("%d rows are stored, want each of %d once", len(got), len(want))
			}
			proxy.wasCut(t)
		})
		t.Run("a fact, lost "+name, func(t *testing.T) {
			t.Parallel()
			log, proxy := openOverProxy(t)
			lose(proxy)
			seq := appendFact(t, log, 7, events.StartedSubject(7), 0)
			if last, _, err := log.LastFact(t.Context(), 7); err != nil || last.Seq != seq || stateOf(t, log).Messages != 1 {
				t.Errorf("last fact %d, %v; want %d", last.Seq, err, seq)
			}
			proxy.wasCut(t)
		})
	}
}

func TestCommitWithALostResponseIsStored(t *testing.T) {
	t.Parallel()
	log, proxy := openOverProxy(t)
	batch := log.NewBatch(7)
	addLicenses(t, batch, 0, 10)
	proxy.loseResponse.Store(true)
	if seq := mustCommit(t, batch, 0); seq != 11 {
		t.Errorf("committed at %d, want 11", seq)
	}
	proxy.wasCut(t)
}

func TestLostCommitCanBeDecidedAgain(t *testing.T) {
	t.Parallel()
	log, proxy := openOverProxy(t)
	batch := log.NewBatch(7)
	addLicenses(t, batch, 0, 10)
	proxy.loseCommit.Store(true)
	if _, err := batch.Commit(t.Context(), "imports.7.progressed", nil, 0); !errors.Is(err, eventlog.ErrConflict) {
		t.Fatalf("a lost commit: %v", err)
	}
	again := log.NewBatch(7)
	addLicenses(t, again, 0, 10)
	if seq := mustCommit(t, again, 0); seq != 11 {
		t.Errorf("committed at %d, want 11", seq)
	}
	proxy.wasCut(t)
}
