package processor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// world is a real log with a processor on it.
type harness struct {
	testing.TB
	log *eventlog.Log
	p   *Processor
}

func newHarness(t testing.TB) *harness {
	log := eventlogtest.Start(t)
	return &harness{TB: t, log: log, p: New(log, Config{})}
}

// row is what a test says of a row; the product is always psc.
type row struct{ key, activations string }

func good(key string) row { return row{key, "1"} }

func (r row) event(job events.JobID, n int) *events.RowReceived {
	e := &events.RowReceived{JobID: job, Row: events.Row(n), Line: uint64(n + 1)}
	e.Values[events.ColumnKey] = r.key
	e.Values[events.ColumnProduct] = "psc"
	column, _ := events.ColumnIndex("license__max_activations")
	e.Values[column] = r.activations
	return e
}

func keys(n int, prefix string) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = good(fmt.Sprintf("%s%05d", prefix, i))
	}
	return rows
}

func (w *harness) encode(e events.Event) []byte {
	w.Helper()
	body, err := events.Encode(e, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	return body
}

func (w *harness) append(e events.Event, expect events.Seq) events.Seq {
	w.Helper()
	seq, err := w.log.AppendFact(w.Context(), e.Job(), e.Subject(), w.encode(e), expect)
	if err != nil {
		w.Fatal(err)
	}
	return seq
}

// upload stores rows and seals them as sealedRows.
func (w *harness) upload(start events.ImportStarted, rows []row, sealedRows int) {
	w.Helper()
	var last events.Seq
	for from := 0; from < len(rows); from += 1000 {
		var bodies [][]byte
		for i := from; i < min(from+1000, len(rows)); i++ {
			bodies = append(bodies, w.encode(rows[i].event(start.JobID, i+1)))
		}
		seq, err := w.log.AppendRows(w.Context(), start.JobID, last, bodies)
		if err != nil {
			w.Fatal(err)
		}
		last = seq
	}
	started := w.append(&start, 0)
	w.append(&events.ImportSealed{JobID: start.JobID, Rows: events.Row(sealedRows)}, started)
}

// run lets processors work until all jobs have ended, and returns their ends.
func (w *harness) run(jobs ...events.JobID) []*events.ImportFinished {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	var running sync.WaitGroup
	running.Go(func() { w.p.Run(ctx) })
	defer running.Wait()
	defer cancel()
	ends := make([]*events.ImportFinished, len(jobs))
	for i, job := range jobs {
		ends[i] = w.awaitEnd(job)
	}
	return ends
}

func (w *harness) awaitEnd(job events.JobID) *events.ImportFinished {
	w.Helper()
	like := &events.ImportFinished{JobID: job}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		end, err := readFact(w.Context(), w.log, like)
		if err == nil {
			return end
		}
		if !errors.Is(err, errNoFact) {
			w.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond) // between two looks, not for luck
	}
	w.Fatalf("job %d did not end", job)
	return nil
}

// history is all that the stream holds.
func (w *harness) history() []events.Event {
	w.Helper()
	state, err := w.log.State(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	var all []events.Event
	stop := errors.New("read all")
	err = w.log.Follow(w.Context(), 0, nil, func(m eventlog.Message) error {
		envelope, err := events.Decode(m.Data)
		if err != nil {
			return err
		}
		all = append(all, envelope.Event)
		if m.Seq == state.Last {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) {
		w.Fatal(err)
	}
	return all
}

// checkOutcomes fails unless each row of a finished job has exactly one outcome,
// and each license was made once.
func (w *harness) checkOutcomes(job events.JobID, rows int) (imported, existed, rejected int) {
	w.Helper()
	outcomes := map[events.Row]string{}
	licenses := map[string]string{}
	for _, e := range w.history() {
		var row events.Row
		switch e := e.(type) {
		case *events.LicenseImported:
			if by, twice := licenses[e.Subject()]; twice {
				w.Errorf("%s was made by %s and by %s", e.Subject(), by, e.ID())
			}
			licenses[e.Subject()] = e.ID()
			row = e.Row
		case *events.LicenseExisted:
			row = e.Row
		case *events.RowRejected:
			row = e.Row
		default:
			continue
		}
		if e.Job() != job {
			continue
		}
		if other, twice := outcomes[row]; twice {
			w.Errorf("row %d is %s and %s", row, other, e.Type())
		}
		outcomes[row] = e.Type()
	}
	for _, name := range outcomes {
		switch name {
		case "LicenseImported":
			imported++
		case "LicenseExisted":
			existed++
		default:
			rejected++
		}
	}
	if len(outcomes) != rows {
		w.Errorf("job %d: %d of %d rows have an outcome", job, len(outcomes), rows)
	}
	return imported, existed, rejected
}

func TestEachRowHasOneOutcome(t *testing.T) {
	w := newHarness(t)
	rows := keys(2500, "K")
	rows[17].activations = "many"
	rows[18].key = rows[3].key     // within one batch
	rows[1000].key = rows[998].key // of the batch before
	rows[2400].key = rows[5].key   // of a batch long stored
	w.upload(events.ImportStarted{JobID: 10, Mode: events.Partial}, rows, len(rows))
	end := w.run(10)[0]
	want := events.Counts{Imported: 2496, Existed: 3, Rejected: 1}
	if end.Status != events.Success || end.Row != 2500 || end.Counts != want {
		t.Errorf("ended as %+v", end)
	}
	imported, existed, rejected := w.checkOutcomes(10, 2500)
	if imported != 2496 || existed != 3 || rejected != 1 {
		t.Errorf("%d imported, %d existed, %d rejected", imported, existed, rejected)
	}
}

func TestExistedNamesItsOrigin(t *testing.T) {
	w := newHarness(t)
	w.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, []row{good("A"), good("B")}, 2)
	w.run(1)
	w.upload(events.ImportStarted{JobID: 2, Mode: events.Partial}, []row{good("C"), good("B"), good("C")}, 3)
	w.run(2)
	got := map[string]events.Origin{}
	for _, e := range w.history() {
		if e, ok := e.(*events.LicenseExisted); ok {
			got[e.ID()] = e.By
		}
	}
	want := map[string]events.Origin{"2/2": {JobID: 1, Row: 2}, "2/3": {JobID: 2, Row: 1}}
	if !maps.Equal(got, want) {
		t.Errorf("existed by %v, want %v", got, want)
	}
}

func TestTwoJobsWithTheSameKeys(t *testing.T) {
	w := newHarness(t)
	const n = 2_000
	jobs := []events.JobID{1, 2, 3}
	for _, job := range jobs {
		w.upload(events.ImportStarted{JobID: job, Mode: events.Partial}, keys(n, "K"), n)
	}
	var imported events.Row
	for _, end := range w.run(jobs...) {
		imported += end.Imported
		if end.Imported+end.Existed != n {
			t.Errorf("job %d ended as %+v", end.JobID, end)
		}
		w.checkOutcomes(end.JobID, n)
	}
	if imported != n {
		t.Errorf("%d licenses were imported, want %d", imported, n)
	}
}

func TestDryRunImportsNothing(t *testing.T) {
	w := newHarness(t)
	rows := keys(1200, "K")
	rows[1100].activations = "-"
	w.upload(events.ImportStarted{JobID: 1, Mode: events.Partial, DryRun: true}, rows, len(rows))
	end := w.run(1)[0]
	if end.Status != events.Success || end.Row != 1200 || end.Counts != (events.Counts{Rejected: 1}) {
		t.Errorf("ended as %+v", end)
	}
	if imported, existed, _ := w.checkOutcomes(1, 1); imported+existed != 0 {
		t.Errorf("%d imported, %d existed", imported, existed)
	}
}

func TestAllOrNothing(t *testing.T) {
	w := newHarness(t)
	bad := keys(1200, "K")
	bad[3].activations = "many"
	w.upload(events.ImportStarted{JobID: 1, Mode: events.AllOrNothing}, bad, len(bad))
	end := w.run(1)[0]
	if end.Status != events.Failed || end.Error.Code != "rejected_rows" || end.Counts != (events.Counts{Rejected: 1}) || end.Row != 1200 {
		t.Errorf("refused as %+v", end)
	}
	w.checkOutcomes(1, 1)

	w.upload(events.ImportStarted{JobID: 2, Mode: events.AllOrNothing}, keys(1200, "K"), 1200)
	end = w.run(2)[0]
	if end.Status != events.Success || end.Counts != (events.Counts{Imported: 1200}) {
		t.Errorf("accepted as %+v", end)
	}
	w.checkOutcomes(2, 1200)
}

func TestCancelledBeforeItBegan(t *testing.T) {
	w := newHarness(t)
	w.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(10, "K"), 10)
	last, _, err := w.log.LastFact(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	w.append(&events.ImportCancelled{JobID: 1, Manager: "ada"}, last.Seq)
	end := w.run(1)[0]
	if end.Status != events.Failed || end.Error.Code != "cancelled" || end.Counts != (events.Counts{}) {
		t.Errorf("ended as %+v", end)
	}
	w.checkOutcomes(1, 0)
}

// A cancel at any moment: what was imported is what the end says, and nothing
// follows the cancel but the end.
func TestCancelledMeanwhile(t *testing.T) {
	w := newHarness(t)
	w.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(6_000, "K"), 6_000)
	var cancelling sync.WaitGroup
	cancelling.Go(func() { w.cancelOnceRunning(1) })
	end := w.run(1)[0]
	cancelling.Wait()
	if end.Status != events.Failed || end.Error.Code != "cancelled" || end.Imported == 6_000 {
		t.Fatalf("ended as %+v", end)
	}
	w.checkOutcomes(1, int(end.Row))
	cancelled := false
	for _, e := range w.history() {
		if _, is := e.(*events.ImportFinished); cancelled && !is {
			t.Errorf("%s %s follows the cancel", e.Type(), e.ID())
		}
		if _, is := e.(*events.ImportCancelled); is {
			cancelled = true
		}
	}
}

func (w *harness) cancelOnceRunning(job events.JobID) {
	for w.Context().Err() == nil {
		last, _, err := w.log.LastFact(w.Context(), job)
		if err != nil {
			w.Error(err)
			return
		}
		envelope, err := events.Decode(last.Data)
		if err != nil {
			w.Error(err)
			return
		}
		if p, ok := envelope.Event.(*events.ImportProgressed); !ok || p.Row == 0 {
			continue
		}
		cancel := &events.ImportCancelled{JobID: job, Manager: "ada"}
		if _, err := w.log.AppendFact(w.Context(), job, cancel.Subject(), w.encode(cancel), last.Seq); err == nil {
			return
		}
	}
}

func TestMissingRowsEndTheJob(t *testing.T) {
	w := newHarness(t)
	w.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(1500, "K"), 1600)
	end := w.run(1)[0]
	if end.Status != events.Failed || end.Error.Code != "rows_missing" || end.Row != 1500 || end.Imported != 1500 {
		t.Errorf("ended as %+v", end)
	}
	w.checkOutcomes(1, 1500)
}

// Processors that are stopped at any moment, and others that go on: as if there
// had been one.
func TestStoppedAndResumed(t *testing.T) {
	w := newHarness(t)
	const n = 5_000
	w.upload(events.ImportStarted{JobID: 1, Mode: events.AllOrNothing}, keys(n, "K"), n)
	for i := range 8 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+10*i)*time.Millisecond)
		New(w.log, Config{}).Run(ctx)
		cancel()
	}
	end := w.run(1)[0]
	if end.Status != events.Success || end.Imported != n {
		t.Errorf("ended as %+v", end)
	}
	w.checkOutcomes(1, n)
}

// A processor that lost its job to another one cannot append any more.
func TestFenced(t *testing.T) {
	w := newHarness(t)
	w.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(3000, "K"), 3000)
	slow, err := w.p.load(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	first := &events.ImportProgressed{JobID: 1, Phase: events.Import}
	w.append(first, slow.lastSeq) // the other one
	if err := w.p.appendFact(t.Context(), slow, first); !errors.Is(err, eventlog.ErrWrongSequence) {
		t.Errorf("the slow one's append gave %v", err)
	}
	slow.progress, slow.last = *first, first
	var c lookupPolicy
	err = w.p.decide(t.Context(), slow, nil, &c)
	if !errors.Is(err, eventlog.ErrWrongSequence) {
		t.Errorf("the slow one's batch gave %v", err)
	}
	if err := w.p.resolveRefusal(t.Context(), slow, err, &c); !errors.Is(err, eventlog.ErrLeaseLost) {
		t.Errorf("and it went on: %v", err)
	}
	w.checkOutcomes(1, 0)
}

func TestUndecodableRowStopsTheJob(t *testing.T) {
	w := newHarness(t)
	body := []byte(`{"specversion":"1.0","id":"1/1/received","source":"licenseimport","type":"RowReceived.v9","data":{}}`)
	if _, err := w.log.AppendRows(t.Context(), 1, 0, [][]byte{body}); err != nil {
		t.Fatal(err)
	}
	started := w.append(&events.ImportStarted{JobID: 1, Mode: events.Partial}, 0)
	w.append(&events.ImportSealed{JobID: 1, Rows: 1}, started)
	err := w.p.process(t.Context(), eventlog.Message{Data: w.encode(&events.ImportSealed{JobID: 1, Rows: 1})})
	var unknown *events.UnknownTypeError
	if !errors.As(err, &unknown) || w.p.Ready() == nil {
		t.Errorf("work: %v; ready: %v", err, w.p.Ready())
	}
	w.checkOutcomes(1, 0)
}
