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

// A wire stands between a client and its server. When it is told so it lets the
// next commit through and cuts both sides before the answer, or before the server
// sees it.
type wire struct {
	server     string
	loseAnswer atomic.Bool
	loseCommit atomic.Bool
	cuts       atomic.Int32
}

// run takes connections until the test ends and returns where.
func (w *wire) run(t *testing.T) string {
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
			go w.carry(client)
		}
	}()
	return "nats://" + listener.Addr().String()
}

func (w *wire) carry(client net.Conn) {
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		client.Close()
		return
	}
	var cut atomic.Bool
	go w.up(client, server, &cut)
	w.down(client, server, &cut)
	client.Close()
	server.Close()
}

// up carries what the client sends.
func (w *wire) up(client, server net.Conn, cut *atomic.Bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if bytes.Contains(buffer[:n], []byte("Nats-Batch-Commit")) {
			if w.loseCommit.CompareAndSwap(true, false) {
				w.cuts.Add(1)
				break
			}
			cut.Store(w.loseAnswer.CompareAndSwap(true, false))
		}
		if _, writeErr := server.Write(buffer[:n]); err != nil || writeErr != nil {
			break
		}
	}
	server.Close()
}

// down carries what the server sends, but for the answer to lose.
func (w *wire) down(client, server net.Conn, cut *atomic.Bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		if cut.Load() && bytes.Contains(buffer[:n], []byte(`"stream"`)) {
			w.cuts.Add(1)
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// wasCut makes sure that the test saw what it is about.
func (w *wire) wasCut(t *testing.T) {
	t.Helper()
	if n := w.cuts.Load(); n != 1 {
		t.Errorf("the wire was cut %d times, want once", n)
	}
}

// openOverWire opens a log whose requests give up after a second.
func openOverWire(t *testing.T) (*eventlog.Log, *wire) {
	t.Helper()
	server := eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: t.TempDir(), Port: -1})
	w := &wire{server: strings.TrimPrefix(server.URL(), "nats://")}
	log, err := eventlog.Open(t.Context(), eventlog.Config{URL: w.run(t), Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log, w
}

func TestLostAnswersAreFoundOut(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*wire){
		"answer": func(w *wire) { w.loseAnswer.Store(true) },
		"commit": func(w *wire) { w.loseCommit.Store(true) },
	} {
		t.Run("rows, lost "+name, func(t *testing.T) {
			t.Parallel()
			log, wire := openOverWire(t)
			last := appendRows(t, log, 7, 0, 0, 10)
			lose(wire)
			appendRows(t, log, 7, last, 10, 20)
			if got, want := readRows(t, log, 7, 0), rowBodies(0, 20); !equal(got, want) {
				t.Errorf("%d rows are stored, want each of %d once", len(got), len(want))
			}
			wire.wasCut(t)
		})
		t.Run("a fact, lost "+name, func(t *testing.T) {
			t.Parallel()
			log, wire := openOverWire(t)
			lose(wire)
			seq := appendFact(t, log, 7, events.StartedSubject(7), 0)
			if last, _, err := log.LastFact(t.Context(), 7); err != nil || last.Seq != seq || stateOf(t, log).Messages != 1 {
				t.Errorf("last fact %d, %v; want %d", last.Seq, err, seq)
			}
			wire.wasCut(t)
		})
	}
}

func TestCommitWhoseAnswerIsLostIsStored(t *testing.T) {
	t.Parallel()
	log, wire := openOverWire(t)
	batch := log.NewBatch(7)
	addLicenses(t, batch, 0, 10)
	wire.loseAnswer.Store(true)
	if seq := mustCommit(t, batch, 0); seq != 11 {
		t.Errorf("committed at %d, want 11", seq)
	}
	wire.wasCut(t)
}

func TestCommitThatIsLostCanBeDecidedAgain(t *testing.T) {
	t.Parallel()
	log, wire := openOverWire(t)
	batch := log.NewBatch(7)
	addLicenses(t, batch, 0, 10)
	wire.loseCommit.Store(true)
	if _, err := batch.Commit(t.Context(), "imports.7.progressed", nil, 0); !errors.Is(err, eventlog.ErrConflict) {
		t.Fatalf("a lost commit: %v", err)
	}
	again := log.NewBatch(7)
	addLicenses(t, again, 0, 10)
	if seq := mustCommit(t, again, 0); seq != 11 {
		t.Errorf("committed at %d, want 11", seq)
	}
	wire.wasCut(t)
}
