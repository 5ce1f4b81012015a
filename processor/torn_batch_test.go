package processor

import (
	"testing"

	"licenseimport/events"
)

// TestTornBatch: the stream holds outcomes of a batch without its position. Each row gets one
// outcome and is counted once.
func TestTornBatch(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]events.Mode{"partial": events.Partial, "all or nothing": events.AllOrNothing} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := keys(1500, "K")
			rows[1010].key = rows[1005].key
			rows[1015].key = rows[5].key
			rows[1490].key = rows[1005].key
			if mode == events.Partial {
				rows[1020].activations = "many"
				rows[1495].activations = "many"
			}
			whole := newHarness(t)
			whole.upload(events.ImportStarted{JobID: 1, Mode: mode}, rows, len(rows))
			want := whole.run(1)[0]

			h := newHarness(t)
			h.upload(events.ImportStarted{JobID: 1, Mode: mode}, rows, len(rows))
			h.replay(1, whole.history()[2:], 1025)
			end := h.run(1)[0]
			if end.Counts != want.Counts || end.Row != want.Row || end.Status != want.Status {
				t.Errorf("ended as %+v, want %+v", end, want)
			}
			imported, existed, rejected := h.checkOutcomes(1, len(rows))
			got := events.Counts{Imported: events.Row(imported), Existed: events.Row(existed), Rejected: events.Row(rejected)}
			if got != want.Counts || existed != 3 {
				t.Errorf("outcomes are %+v, want %+v", got, want.Counts)
			}
		})
	}
}

// TestTornUpdate: the stream holds the first updates of a batch without its position, and another import
// has updated one of their licenses since. Each row gets one outcome and is counted once.
func TestTornUpdate(t *testing.T) {
	t.Parallel()
	rows := keys(1500, "K")
	changed := with(rows, "7", 2)
	changed[1010].key = changed[1005].key // behind a license that is torn
	changed[1400].key = changed[1004].key
	prepare := func() *harness {
		h := newHarness(t)
		h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, rows, len(rows))
		h.run(1)
		return h
	}
	whole := prepare()
	begun := len(whole.history())
	whole.upload(updating(2), changed, len(changed))
	want := whole.run(2)[0]
	want.Updated, want.Existed = want.Updated+1, want.Existed-1 // row 1401 changes what the other import has made

	h := prepare()
	h.upload(updating(2), changed, len(changed))
	h.replay(2, whole.history()[begun+2:], 1007)
	h.updateByOther(changed[1004].key)
	end := h.run(2)[0]
	if end.Counts != want.Counts || end.Row != want.Row || end.Status != want.Status {
		t.Errorf("ended as %+v, want %+v", end, want)
	}
	h.checkOutcomes(2, len(changed))
}

// updateByOther appends an update of a license by another import.
func (h *harness) updateByOther(key string) {
	h.Helper()
	fact, err := readFact(h.Context(), h.log, events.LicenseSubject("psc", key))
	if err != nil {
		h.Fatal(err)
	}
	now := fact.Event.(*events.LicenseUpdated)
	other := *now
	changed := *now.License.MaxActivations + 100
	other.JobID, other.Row, other.Previous = 3, 1, fact.Seq
	other.License.MaxActivations = &changed
	before, _ := events.StateAfter(now)
	after, _ := events.StateAfter(&other)
	other.Changed = events.Changes(before, after)
	h.commit(3, []events.Event{&other}, &events.ImportProgressed{JobID: 3, Phase: events.Import, Row: 1}, 0)
}

// replay appends the batches of another log after the job's seal, and ends within one: after the
// given number of outcomes.
func (h *harness) replay(job events.JobID, history []events.Event, outcomes int) {
	h.Helper()
	last, _, err := h.log.LastFact(h.Context(), job)
	if err != nil {
		h.Fatal(err)
	}
	at := last.Seq
	var batch []events.Event
	for _, e := range history {
		switch e.(type) {
		case *events.ImportProgressed, *events.ImportFinished:
			at = h.commit(job, batch, e, at)
			outcomes -= len(batch)
			batch = nil
			continue
		}
		if batch = append(batch, e); len(batch) == outcomes {
			break
		}
	}
	for _, e := range batch {
		h.append(e, at)
	}
	if len(batch) == 0 || len(batch) != outcomes {
		h.Fatalf("the log was not cut within a batch: %d of %d", len(batch), outcomes)
	}
}

func (h *harness) commit(job events.JobID, outcomes []events.Event, fact events.Event, at events.Seq) events.Seq {
	h.Helper()
	batch := h.log.NewBatch(job)
	for _, e := range outcomes {
		if err := batch.Add(e.Subject(), h.encode(e)); err != nil {
			h.Fatal(err)
		}
	}
	seq, err := batch.Commit(h.Context(), fact.Subject(), h.encode(fact), at)
	if err != nil {
		h.Fatal(err)
	}
	return seq
}
