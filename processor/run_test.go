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

// harness is a processor on a real log.
type harness struct {
	testing.TB
	log *eventlog.Log
	p   *Processor
}

func newHarness(t testing.TB) *harness {
	log := eventlogtest.Start(t)
	return &harness{TB: t, log: log, p: New(log, Config{})}
}

// row is the part of a row that tests vary. The product is always psc.
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

func (h *harness) encode(e events.Event) []byte {
	h.Helper()
	body, err := events.Encode(e, time.Now())
	if err != nil {
		h.Fatal(err)
	}
	return body
}

func (h *harness) append(e events.Event, expect events.Seq) events.Seq {
	h.Helper()
	seq, err := h.log.AppendFact(h.Context(), e.Job(), e.Subject(), h.encode(e), expect)
	if err != nil {
		h.Fatal(err)
	}
	return seq
}

// upload stores rows and seals the job with the count sealedRows.
func (h *harness) upload(start events.ImportStarted, rows []row, sealedRows int) {
	h.Helper()
	var last events.Seq
	for from := 0; from < len(rows); from += 1000 {
		var bodies [][]byte
		for i := from; i < min(from+1000, len(rows)); i++ {
			bodies = append(bodies, h.encode(rows[i].event(start.JobID, i+1)))
		}
		seq, err := h.log.AppendRows(h.Context(), start.JobID, last, bodies)
		if err != nil {
			h.Fatal(err)
		}
		last = seq
	}
	started := h.append(&start, 0)
	h.append(&events.ImportSealed{JobID: start.JobID, Rows: events.Row(sealedRows)}, started)
}

// run runs the processor until all jobs have ended, and returns their ends.
func (h *harness) run(jobs ...events.JobID) []*events.ImportFinished {
	h.Helper()
	ctx, cancel := context.WithCancel(h.Context())
	var running sync.WaitGroup
	running.Go(func() { h.p.Run(ctx) })
	defer running.Wait()
	defer cancel()
	ends := make([]*events.ImportFinished, len(jobs))
	for i, job := range jobs {
		ends[i] = h.awaitEnd(job)
	}
	return ends
}

func (h *harness) awaitEnd(job events.JobID) *events.ImportFinished {
	h.Helper()
	subject := (&events.ImportFinished{JobID: job}).Subject()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		fact, err := readFact(h.Context(), h.log, subject)
		if err != nil {
			h.Fatal(err)
		}
		if end, ok := fact.Event.(*events.ImportFinished); ok {
			return end
		}
		time.Sleep(2 * time.Millisecond) // the poll interval
	}
	h.Fatalf("job %d did not end", job)
	return nil
}

// history is all events in LICENSES.
func (h *harness) history() []events.Event {
	h.Helper()
	state, err := h.log.State(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	var all []events.Event
	stop := errors.New("read all")
	err = h.log.Follow(h.Context(), 0, nil, func(m eventlog.Message) error {
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
		h.Fatal(err)
	}
	return all
}

// checkOutcomes fails unless so many rows of the job have an outcome, each exactly one, and each
// license was imported once.
func (h *harness) checkOutcomes(job events.JobID, rows int) (imported, existed, rejected int) {
	h.Helper()
	outcomes := map[events.Row]string{}
	licenses := map[string]string{}
	for _, e := range h.history() {
		var row events.Row
		switch e := e.(type) {
		case *events.LicenseImported:
			if by, twice := licenses[e.Subject()]; twice {
				h.Errorf("%s was imported by %s and by %s", e.Subject(), by, e.ID())
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
			h.Errorf("row %d is %s and %s", row, other, e.Type())
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
		h.Errorf("job %d: %d of %d rows have an outcome", job, len(outcomes), rows)
	}
	return imported, existed, rejected
}

func TestEachRowHasOneOutcome(t *testing.T) {
	h := newHarness(t)
	rows := keys(2500, "K")
	rows[17].activations = "many"
	rows[18].key = rows[3].key     // in the same batch
	rows[1000].key = rows[998].key // in the batch before
	rows[2400].key = rows[5].key   // in a batch that is stored
	h.upload(events.ImportStarted{JobID: 10, Mode: events.Partial}, rows, len(rows))
	end := h.run(10)[0]
	want := events.Counts{Imported: 2496, Existed: 3, Rejected: 1}
	if end.Status != events.Success || end.Row != 2500 || end.Counts != want {
		t.Errorf("ended as %+v", end)
	}
	imported, existed, rejected := h.checkOutcomes(10, 2500)
	if imported != 2496 || existed != 3 || rejected != 1 {
		t.Errorf("%d imported, %d existed, %d rejected", imported, existed, rejected)
	}
}

func TestExistedNamesItsOrigin(t *testing.T) {
	h := newHarness(t)
	h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, []row{good("A"), good("B")}, 2)
	h.run(1)
	h.upload(events.ImportStarted{JobID: 2, Mode: events.Partial}, []row{good("C"), good("B"), good("C")}, 3)
	h.run(2)
	got := map[string]events.Origin{}
	for _, e := range h.history() {
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
	h := newHarness(t)
	const n = 2_000
	jobs := []events.JobID{1, 2, 3}
	for _, job := range jobs {
		h.upload(events.ImportStarted{JobID: job, Mode: events.Partial}, keys(n, "K"), n)
	}
	var imported events.Row
	for _, end := range h.run(jobs...) {
		imported += end.Imported
		if end.Imported+end.Existed != n {
			t.Errorf("job %d ended as %+v", end.JobID, end)
		}
		h.checkOutcomes(end.JobID, n)
	}
	if imported != n {
		t.Errorf("%d licenses were imported, want %d", imported, n)
	}
}

func TestDryRunImportsNothing(t *testing.T) {
	h := newHarness(t)
	rows := keys(1200, "K")
	rows[1100].activations = "-"
	h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial, DryRun: true}, rows, len(rows))
	end := h.run(1)[0]
	if end.Status != events.Success || end.Row != 1200 || end.Counts != (events.Counts{Rejected: 1}) {
		t.Errorf("ended as %+v", end)
	}
	if imported, existed, _ := h.checkOutcomes(1, 1); imported+existed != 0 {
		t.Errorf("%d imported, %d existed", imported, existed)
	}
}

func TestAllOrNothing(t *testing.T) {
	h := newHarness(t)
	bad := keys(1200, "K")
	bad[3].activations = "many"
	h.upload(events.ImportStarted{JobID: 1, Mode: events.AllOrNothing}, bad, len(bad))
	end := h.run(1)[0]
	if end.Status != events.Failed || end.Error.Code != "rejected_rows" || end.Row != 1200 ||
		end.Counts != (events.Counts{Rejected: 1}) {
		t.Errorf("refused as %+v", end)
	}
	h.checkOutcomes(1, 1)

	h.upload(events.ImportStarted{JobID: 2, Mode: events.AllOrNothing}, keys(1200, "K"), 1200)
	end = h.run(2)[0]
	if end.Status != events.Success || end.Counts != (events.Counts{Imported: 1200}) {
		t.Errorf("accepted as %+v", end)
	}
	h.checkOutcomes(2, 1200)
}

func TestCancelledBeforeItBegan(t *testing.T) {
	h := newHarness(t)
	h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(10, "K"), 10)
	last, _, err := h.log.LastFact(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	h.append(&events.ImportCancelled{JobID: 1, Manager: "ada"}, last.Seq)
	end := h.run(1)[0]
	if end.Status != events.Failed || end.Error.Code != "cancelled" || end.Counts != (events.Counts{}) {
		t.Errorf("ended as %+v", end)
	}
	h.checkOutcomes(1, 0)
}

// TestCancelledMeanwhile: the end counts what was imported before the cancel, and no other fact or
// outcome follows the cancel.
func TestCancelledMeanwhile(t *testing.T) {
	h := newHarness(t)
	h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(6_000, "K"), 6_000)
	var cancelling sync.WaitGroup
	cancelling.Go(func() { h.cancelOnceRunning(1) })
	end := h.run(1)[0]
	cancelling.Wait()
	if end.Status != events.Failed || end.Error.Code != "cancelled" || end.Imported == 6_000 {
		t.Fatalf("ended as %+v", end)
	}
	h.checkOutcomes(1, int(end.Row))
	cancelled := false
	for _, e := range h.history() {
		if _, is := e.(*events.ImportFinished); cancelled && !is {
			t.Errorf("%s %s follows the cancel", e.Type(), e.ID())
		}
		if _, is := e.(*events.ImportCancelled); is {
			cancelled = true
		}
	}
}

func (h *harness) cancelOnceRunning(job events.JobID) {
	for h.Context().Err() == nil {
		last, _, err := h.log.LastFact(h.Context(), job)
		if err != nil {
			h.Error(err)
			return
		}
		envelope, err := events.Decode(last.Data)
		if err != nil {
			h.Error(err)
			return
		}
		if p, ok := envelope.Event.(*events.ImportProgressed); !ok || p.Row == 0 {
			continue
		}
		cancel := &events.ImportCancelled{JobID: job, Manager: "ada"}
		if _, err := h.log.AppendFact(h.Context(), job, cancel.Subject(), h.encode(cancel), last.Seq); err == nil {
			return
		}
	}
}

func TestMissingRowsEndTheJob(t *testing.T) {
	h := newHarness(t)
	h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(1500, "K"), 1600)
	end := h.run(1)[0]
	if end.Status != events.Failed || end.Error.Code != "rows_missing" || end.Row != 1500 || end.Imported != 1500 {
		t.Errorf("ended as %+v", end)
	}
	h.checkOutcomes(1, 1500)
}

// TestStoppedAndResumed: several processors that are stopped in the middle have the result of one
// that is not.
func TestStoppedAndResumed(t *testing.T) {
	h := newHarness(t)
	const n = 5_000
	h.upload(events.ImportStarted{JobID: 1, Mode: events.AllOrNothing}, keys(n, "K"), n)
	for i := range 8 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+10*i)*time.Millisecond)
		New(h.log, Config{}).Run(ctx)
		cancel()
	}
	end := h.run(1)[0]
	if end.Status != events.Success || end.Imported != n {
		t.Errorf("ended as %+v", end)
	}
	h.checkOutcomes(1, n)
}

// TestFenced: a processor whose job another one has advanced cannot append.
func TestFenced(t *testing.T) {
	h := newHarness(t)
	h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(3000, "K"), 3000)
	fenced, err := h.p.load(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	first := &events.ImportProgressed{JobID: 1, Phase: events.Import}
	h.append(first, fenced.Last.Seq) // by the other processor
	if err := h.p.appendFact(t.Context(), fenced, first); !errors.Is(err, eventlog.ErrWrongSequence) {
		t.Errorf("append of the fenced processor: %v", err)
	}
	if err := fenced.advance(first, fenced.Last.Seq); err != nil {
		t.Fatal(err)
	}
	var lookups lookupPolicy
	err = h.p.processRows(t.Context(), fenced, nil, &lookups)
	if !errors.Is(err, eventlog.ErrWrongSequence) {
		t.Errorf("batch of the fenced processor: %v", err)
	}
	if err := h.p.resolveRefusal(t.Context(), fenced, err, &lookups); !errors.Is(err, eventlog.ErrLeaseLost) {
		t.Errorf("the fenced processor continued: %v", err)
	}
	h.checkOutcomes(1, 0)
}

func TestUndecodableRowStopsTheJob(t *testing.T) {
	h := newHarness(t)
	body := []byte(`{"specversion":"1.0","id":"1/1/received","source":"licenseimport","type":"RowReceived.v9","data":{}}`)
	if _, err := h.log.AppendRows(t.Context(), 1, 0, [][]byte{body}); err != nil {
		t.Fatal(err)
	}
	started := h.append(&events.ImportStarted{JobID: 1, Mode: events.Partial}, 0)
	h.append(&events.ImportSealed{JobID: 1, Rows: 1}, started)
	err := h.p.process(t.Context(), eventlog.Message{Data: h.encode(&events.ImportSealed{JobID: 1, Rows: 1})})
	var unknown *events.UnknownTypeError
	if !errors.As(err, &unknown) || h.p.Ready() == nil {
		t.Errorf("work: %v; ready: %v", err, h.p.Ready())
	}
	h.checkOutcomes(1, 0)
}
