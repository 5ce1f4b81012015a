package processor

import (
	"testing"

	"licenseimport/events"
)

// TestHalfABatch: some outcomes are stored without the position behind them, as a disk that was full
// in the middle of a batch may leave them. Each row has one outcome all the same, and is counted once.
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

			w := newHarness(t)
			w.upload(events.ImportStarted{JobID: 1, Mode: mode}, rows, len(rows))
			w.replay(1, whole.history()[2:], 1025)
			end := w.run(1)[0]
			if end.Counts != want.Counts || end.Row != want.Row || end.Status != want.Status {
				t.Errorf("ended as %+v, want %+v", end, want)
			}
			imported, existed, rejected := w.checkOutcomes(1, len(rows))
			if c := want.Counts; imported != int(c.Imported) || existed != int(c.Existed) || rejected != int(c.Rejected) || existed != 3 {
				t.Errorf("%d imported, %d existed, %d rejected; want %+v", imported, existed, rejected, c)
			}
		})
	}
}

// replay appends what another log holds of a job behind its seal, batch by batch, and ends
// within one, behind so many outcomes.
func (w *harness) replay(job events.JobID, history []events.Event, outcomes int) {
	w.Helper()
	at := events.Seq(2)
	var batch []events.Event
	for _, e := range history {
		switch e.(type) {
		case *events.ImportProgressed, *events.ImportFinished:
			at = w.commit(job, batch, e, at)
			outcomes -= len(batch)
			batch = nil
			continue
		}
		if batch = append(batch, e); len(batch) == outcomes {
			break
		}
	}
	for _, e := range batch {
		w.append(e, at)
	}
	if len(batch) == 0 || len(batch) != outcomes {
		w.Fatalf("the log was not cut within a batch: %d of %d", len(batch), outcomes)
	}
}

func (w *harness) commit(job events.JobID, outcomes []events.Event, fact events.Event, at events.Seq) events.Seq {
	w.Helper()
	batch := w.log.NewBatch(job)
	for _, e := range outcomes {
		if err := batch.Add(e.Subject(), w.encode(e), false); err != nil {
			w.Fatal(err)
		}
	}
	seq, err := batch.Commit(w.Context(), fact.Subject(), w.encode(fact), at)
	if err != nil {
		w.Fatal(err)
	}
	return seq
}
