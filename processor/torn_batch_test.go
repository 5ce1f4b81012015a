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

// replay appends the batches of another log after the job's seal, and ends within one: after the
// given number of outcomes.
func (h *harness) replay(job events.JobID, history []events.Event, outcomes int) {
	h.Helper()
	at := events.Seq(2)
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
		if err := batch.Add(e.Subject(), h.encode(e), false); err != nil {
			h.Fatal(err)
		}
	}
	seq, err := batch.Commit(h.Context(), fact.Subject(), h.encode(fact), at)
	if err != nil {
		h.Fatal(err)
	}
	return seq
}
