package eventlog_test

import (
	"errors"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// openOverProxy opens a log whose requests time out after a second.
func openOverProxy(t *testing.T) (*eventlog.Log, *eventlogtest.FaultyProxy) {
	t.Helper()
	log, proxy, _ := openBothWays(t)
	return log, proxy
}

// openBothWays opens two logs on one server: one over a proxy, whose requests time out after a
// second, and one without it.
func openBothWays(t *testing.T) (*eventlog.Log, *eventlogtest.FaultyProxy, *eventlog.Log) {
	t.Helper()
	server := eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: t.TempDir(), Port: -1})
	p := eventlogtest.StartFaultyProxy(t, server)
	log, err := eventlog.Open(t.Context(), eventlog.Config{URL: p.URL, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log, p, eventlogtest.Open(t, server)
}

// TestLostResponseIsResolvedAfterTheNextFact: an append whose response is lost is stored also where
// another writer has appended the job's next fact before the leader is asked: a processor ends a
// cancelled import, a manager cancels behind a batch.
func TestLostResponseIsResolvedAfterTheNextFact(t *testing.T) {
	t.Parallel()
	t.Run("a fact", func(t *testing.T) {
		t.Parallel()
		log, proxy, other := openBothWays(t)
		start := appendFact(t, other, 7, events.StartedSubject(7), 0)
		proxy.LoseResponse(func() { appendFact(t, other, 7, "imports.7.finished", start+1) })
		if seq := appendFact(t, log, 7, "imports.7.cancelled", start); seq != start+1 {
			t.Errorf("appended at %d, want %d", seq, start+1)
		}
		proxy.WasCut(t)
	})
	t.Run("a batch", func(t *testing.T) {
		t.Parallel()
		log, proxy, other := openBothWays(t)
		batch := log.NewBatch(7)
		addLicenses(t, batch, 0, 10)
		proxy.LoseResponse(func() { appendFact(t, other, 7, "imports.7.cancelled", 11) })
		if seq := mustCommit(t, batch, 0); seq != 11 {
			t.Errorf("committed at %d, want 11", seq)
		}
		proxy.WasCut(t)
	})
	t.Run("the same fact of another writer", func(t *testing.T) {
		t.Parallel()
		log, proxy, other := openBothWays(t)
		start := appendFact(t, other, 7, events.StartedSubject(7), 0)
		proxy.LoseCommit(func() { appendFact(t, other, 7, "imports.7.cancelled", start) })
		_, err := log.AppendFact(t.Context(), 7, "imports.7.cancelled", []byte("mine"), start)
		if !errors.Is(err, eventlog.ErrWrongSequence) {
			t.Errorf("it is taken for stored: %v", err)
		}
		proxy.WasCut(t)
	})
}

func TestLostResponsesAreResolved(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*eventlogtest.FaultyProxy){
		"response": func(p *eventlogtest.FaultyProxy) { p.LoseResponse(func() {}) },
		"commit":   func(p *eventlogtest.FaultyProxy) { p.LoseCommit(func() {}) },
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
			proxy.WasCut(t)
		})
		t.Run("a fact, lost "+name, func(t *testing.T) {
			t.Parallel()
			log, proxy := openOverProxy(t)
			lose(proxy)
			seq := appendFact(t, log, 7, events.StartedSubject(7), 0)
			if last, _, err := log.LastFact(t.Context(), 7); err != nil || last.Seq != seq || stateOf(t, log).Messages != 1 {
				t.Errorf("last fact %d, %v; want %d", last.Seq, err, seq)
			}
			proxy.WasCut(t)
		})
	}
}

func TestCommitWithALostResponseIsStored(t *testing.T) {
	t.Parallel()
	log, proxy := openOverProxy(t)
	batch := log.NewBatch(7)
	addLicenses(t, batch, 0, 10)
	proxy.LoseResponse(func() {})
	if seq := mustCommit(t, batch, 0); seq != 11 {
		t.Errorf("committed at %d, want 11", seq)
	}
	proxy.WasCut(t)
}

func TestLostCommitCanBeDecidedAgain(t *testing.T) {
	t.Parallel()
	log, proxy := openOverProxy(t)
	batch := log.NewBatch(7)
	addLicenses(t, batch, 0, 10)
	proxy.LoseCommit(func() {})
	if _, err := batch.Commit(t.Context(), "imports.7.progressed", nil, 0); !errors.Is(err, eventlog.ErrConflict) {
		t.Fatalf("a lost commit: %v", err)
	}
	again := log.NewBatch(7)
	addLicenses(t, again, 0, 10)
	if seq := mustCommit(t, again, 0); seq != 11 {
		t.Errorf("committed at %d, want 11", seq)
	}
	proxy.WasCut(t)
}
