package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// sealed appends the start and the seal of an import, and other facts.
func (s strays) sealed(job events.JobID, more ...events.Event) {
	s.Helper()
	var last events.Seq
	facts := []events.Event{&events.ImportStarted{JobID: job}, &events.ImportSealed{JobID: job, Rows: 1}}
	for _, e := range append(facts, more...) {
		var err error
		if last, err = s.AppendFact(s.Context(), job, e.Subject(), s.encode(e), last); err != nil {
			s.Fatal(err)
		}
	}
}

// TestSweepFindsSealedImportsThatNobodyWorksOn: jobs that a stranger has acknowledged, cancelled
// ones and undos among them, get a processor. Those that ended do not.
func TestSweepFindsSealedImportsThatNobodyWorksOn(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	s.sweep = sweepTimes{every: 20 * time.Millisecond, acknowledged: time.Millisecond, delivered: time.Hour}
	s.sealed(1)
	s.sealed(2, &events.ImportCancelled{JobID: 2, Manager: "anna"})
	s.sealed(3, &events.ImportFinished{JobID: 3, Status: events.Success})
	s.sealed(5, &events.ImportFinished{JobID: 5}, &events.UndoStarted{JobID: 5})
	s.sealed(6, &events.ImportFinished{JobID: 6}, &events.UndoStarted{JobID: 6}, &events.UndoFinished{JobID: 6})
	s.stray(events.SealedSubject(9), []byte("hello"))
	s.acknowledgeAll()
	s.sealed(4) // the consumer delivers it
	taken := s.leaseUntil(1, 2, 4, 5)
	if !slices.Equal(taken, []events.JobID{1, 2, 4, 5}) {
		t.Errorf("taken: %v", taken)
	}
}

// TestSweepFindsSealsThatAreNew: a later sweep reads only what was sealed since.
func TestSweepFindsSealsThatAreNew(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	s.sweep = sweepTimes{every: time.Hour, acknowledged: 0, delivered: 0}
	w := &sweeper{log: s.Log}
	find := func(want ...events.JobID) {
		t.Helper()
		seals, _, err := w.orphans(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var jobs []events.JobID
		for _, m := range seals {
			job, _, _ := events.ParseWorkSubject(m.Subject)
			jobs = append(jobs, job)
		}
		if slices.Sort(jobs); !slices.Equal(jobs, want) {
			t.Errorf("orphans: %v, want %v", jobs, want)
		}
	}
	find()
	s.sealed(1)
	find() // without a consumer every job will be delivered
	s.acknowledgeAll()
	find(1)
	s.sealed(2)
	find(1) // job 2 will be delivered
	s.acknowledgeAll()
	find(1, 2)
	last, _, err := s.LastFact(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	end := &events.ImportFinished{JobID: 1, Status: events.Success}
	if _, err := s.AppendFact(t.Context(), 1, end.Subject(), s.encode(end), last.Seq); err != nil {
		t.Fatal(err)
	}
	find(2)
	s.undo(1)
	find(2) // the undo will be delivered
	s.acknowledgeAll()
	find(1, 2)
}

// undo asks for the undo of an import that has ended.
func (s strays) undo(job events.JobID) {
	s.Helper()
	last, _, err := s.LastFact(s.Context(), job)
	if err != nil {
		s.Fatal(err)
	}
	s.fact(&events.UndoStarted{JobID: job, Manager: "anna"}, last.Seq)
}

// TestSweepWaitsForLeases: a job that was delivered is left to its lease for some time.
func TestSweepWaitsForLeases(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	s.sealed(1)
	messages := s.open()
	s.next(messages)
	s.sweep = sweepTimes{every: time.Hour, acknowledged: 0, delivered: 30 * time.Minute}
	if orphans, next, err := (&sweeper{log: s.Log}).orphans(t.Context()); len(orphans) > 0 || next > 30*time.Minute || err != nil {
		t.Errorf("%v, the next sweep in %s, %v", orphans, next, err)
	}
	s.sweep.delivered = 0
	if orphans, _, err := (&sweeper{log: s.Log}).orphans(t.Context()); len(orphans) != 1 || err != nil {
		t.Errorf("a lease that stands still: %v, %v", orphans, err)
	}
}

// open opens the processors' consumer.
func (s strays) open() jetstream.MessagesContext {
	s.Helper()
	_, messages, err := s.openLeases(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(messages.Stop)
	return messages
}

// next waits for the consumer's next message.
func (s strays) next(messages jetstream.MessagesContext) jetstream.Msg {
	s.Helper()
	for {
		m, err := messages.Next(jetstream.NextMaxWait(20 * time.Second))
		if errors.Is(err, jetstream.ErrNoHeartbeat) {
			continue // the machine is busy: the next call asks the consumer again
		}
		if err != nil {
			s.Fatal(err)
		}
		return m
	}
}

// acknowledgeAll does what a stranger with too many rights does.
func (s strays) acknowledgeAll() {
	s.Helper()
	messages := s.open()
	defer messages.Stop()
	for {
		m := s.next(messages)
		if err := m.DoubleAck(s.Context()); err != nil {
			s.Fatal(err)
		}
		if meta, err := m.Metadata(); err != nil || meta.NumPending == 0 {
			return
		}
	}
}

// leaseUntil leases jobs until all of those given were leased, and returns all that were.
func (s strays) leaseUntil(want ...events.JobID) []events.JobID {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Second)
	defer cancel()
	var mu sync.Mutex
	var taken []events.JobID
	_ = s.LeaseJobs(ctx, 4, nil, func(ctx context.Context, m Message) error {
		mu.Lock()
		defer mu.Unlock()
		job, _, _ := events.ParseWorkSubject(m.Subject)
		if !slices.Contains(taken, job) {
			taken = append(taken, job)
		}
		if !slices.ContainsFunc(want, func(j events.JobID) bool { return !slices.Contains(taken, j) }) {
			cancel()
		}
		return ctx.Err()
	})
	slices.Sort(taken)
	return taken
}

// TestNothingIsLookedForAfterTheLastFact: sweeps, and readers of facts, do not ask for what comes after the last
// message of their filter. In a stream of more than a million subjects the server would read all of it.
func TestNothingIsLookedForAfterTheLastFact(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	s.sweep = sweepTimes{every: time.Hour, acknowledged: 0, delivered: 0}
	w := &sweeper{log: s.Log}
	s.sealed(1)
	s.acknowledgeAll()
	requests, err := s.conn.SubscribeSync("$JS.API.STREAM.MSG.GET." + events.LicensesStream)
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range []events.JobID{0, 2, 0} {
		if job > 0 {
			s.sealed(job)
		}
		if _, _, err := w.orphans(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	found := 0
	if err := s.FactsAfter(t.Context(), events.SealedFilter, 0, func(Message) error { found++; return nil }); err != nil || found != 2 {
		t.Errorf("%d facts, %v", found, err)
	}
	last, _, err := s.Fact(t.Context(), events.SealedFilter)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.FactsAfter(t.Context(), events.SealedFilter, last.Seq, func(Message) error { found++; return nil }); err != nil || found != 2 {
		t.Errorf("%d facts, %v", found, err)
	}
	if err := s.conn.Flush(); err != nil {
		t.Fatal(err)
	}
	looked := 0
	for m, err := requests.NextMsg(time.Second); err == nil; m, err = requests.NextMsg(time.Millisecond) {
		var request getRequest
		if err := json.Unmarshal(m.Data, &request); err != nil {
			t.Fatal(err)
		}
		if request.NextSubject == "" {
			continue
		}
		if looked++; request.Seq > last.Seq {
			t.Errorf("asks for the next %s from %d on; the last is at %d", request.NextSubject, request.Seq, last.Seq)
		}
	}
	if looked < 3 {
		t.Errorf("%d requests for a next message", looked)
	}
}
