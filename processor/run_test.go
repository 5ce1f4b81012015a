package processor

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

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
	if end.Status != events.Success || end.Row != 1200 || end.Counts != (events.Counts{Rejected: 1, WouldImport: 1199}) {
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
	h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(40_000, "K"), 40_000)
	var cancelling sync.WaitGroup
	cancelling.Go(func() { h.cancelOnceRunning(1) })
	end := h.run(1)[0]
	cancelling.Wait()
	if end.Status != events.Failed || end.Error.Code != "cancelled" || end.Imported == 40_000 {
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
		if _, ended := envelope.Event.(*events.ImportFinished); ended {
			return // before the test could cancel it: the test fails
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
	fenced, err := h.p.load(t.Context(), 1, 0)
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
	if err := h.p.resolveRefusal(t.Context(), fenced, err, lookups.onConflict); !errors.Is(err, eventlog.ErrLeaseLost) {
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
	sealed := &events.ImportSealed{JobID: 1, Rows: 1}
	h.append(sealed, started)
	err := h.p.process(t.Context(), eventlog.Message{Subject: sealed.Subject(), Data: h.encode(sealed)})
	var unknown *events.UnknownTypeError
	if !errors.As(err, &unknown) || h.p.Ready() == nil {
		t.Errorf("work: %v; ready: %v", err, h.p.Ready())
	}
	h.checkOutcomes(1, 0)
}

// TestOneManagersImportsLeavePlacesForOthers: one manager's large imports have all places and more
// of them wait. Another manager's import is decided meanwhile.
func TestOneManagersImportsLeavePlacesForOthers(t *testing.T) {
	h := newHarness(t)
	h.p = New(h.log, Config{Concurrency: 2})
	const large, rows, small = 4, 25_000, events.JobID(9) // a large one takes longer than the pause between two looks
	for job := events.JobID(1); job <= large; job++ {
		h.upload(events.ImportStarted{JobID: job, Manager: "greedy", Mode: events.Partial}, keys(rows, job.String()+"-"), rows)
	}
	h.upload(events.ImportStarted{JobID: small, Manager: "other", Mode: events.Partial}, keys(10, "small-"), 10)
	h.run(1, 2, 3, 4, small)
	var ends []events.JobID
	for _, e := range h.history() {
		if end, ok := e.(*events.ImportFinished); ok {
			ends = append(ends, end.JobID)
		}
	}
	if at := slices.Index(ends, small); at < 0 || at > 2 {
		t.Errorf("the imports ended in the order %v", ends)
	}
}

// TestOwnerOfAJob: a hint tells, and else the import's start.
func TestOwnerOfAJob(t *testing.T) {
	h := newHarness(t)
	lease := func(job events.JobID) eventlog.Message { return eventlog.Message{Subject: events.SealedSubject(job)} }
	h.append(&events.ImportStarted{JobID: 1, Manager: "ada", Mode: events.Partial}, 0)
	started := &events.ImportStarted{JobID: 2, Manager: "bob", Mode: events.Partial}
	h.p.priority.onHint(started.Subject(), h.encode(started))
	for job, want := range map[events.JobID]string{1: "ada", 2: "bob", 3: ""} {
		if got := h.p.owner(t.Context(), lease(job)); got != want {
			t.Errorf("job %d belongs to %q, want %q", job, got, want)
		}
	}
}

// TestRepeatedRowsAreIgnored: where ROWS takes fast batches, a row may be stored twice, and behind later ones.
func TestRepeatedRowsAreIgnored(t *testing.T) {
	h := newHarness(t)
	rows := keys(30, "K")
	var last events.Seq
	for _, numbers := range [][]int{{1, 2, 3, 4, 5}, {4, 5, 6, 7}, {1}, {8}, {6, 7, 8, 9, 10, 11, 12}, {12, 13},
		{10, 14}} {
		var bodies [][]byte
		for _, n := range numbers {
			bodies = append(bodies, h.encode(rows[n-1].event(1, n)))
		}
		seq, err := h.log.AppendRows(t.Context(), 1, last, bodies)
		if err != nil {
			t.Fatal(err)
		}
		last = seq
	}
	started := h.append(&events.ImportStarted{JobID: 1, Mode: events.Partial}, 0)
	h.append(&events.ImportSealed{JobID: 1, Rows: 14}, started)
	end := h.run(1)[0]
	if end.Status != events.Success || end.Imported != 14 || end.Existed != 0 {
		t.Errorf("ended as %+v", end)
	}
	h.checkOutcomes(1, 14)
}
