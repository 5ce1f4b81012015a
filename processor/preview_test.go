package processor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
)

// generated is a file of n rows with some of so many keys: new, existing, repeated, invalid and conflicting ones.
func generated(random *rand.Rand, job events.JobID, n, keys int) []*events.RowReceived {
	pick := func(values ...string) string { return values[random.IntN(len(values))] }
	rows := make([]*events.RowReceived, n)
	for i := range rows {
		e := &events.RowReceived{JobID: job, Row: events.Row(i + 1), Line: uint64(i + 2)}
		e.Values[events.ColumnKey] = fmt.Sprint("K", random.IntN(keys))
		e.Values[events.ColumnProduct] = "psc"
		for name, value := range map[string]string{
			"license__max_activations": pick("", "", "", "1", "2", "many"), "license__note": pick("", "", "a", "b", "#N/A"),
			"license__valid_duration": pick("", "", "", "", "1y", "#N/A"), "license__validity_period": pick("", "", "", "", "", "2031-01-01"),
			"customer__email": pick("", "", "", "a@example.com", "A@example.com", "b@example.com"), "order__store_id": pick("", "", "", "o1", "o2"),
		} {
			e.Values[mustColumn(name)] = value
		}
		rows[i] = e
	}
	return rows
}

// uploadRows is upload for rows of any values.
func (h *harness) uploadRows(start events.ImportStarted, rows []*events.RowReceived) {
	h.Helper()
	var last events.Seq
	for from := 0; from < len(rows); from += 1000 {
		var bodies [][]byte
		for _, row := range rows[from:min(from+1000, len(rows))] {
			copied := *row
			copied.JobID = start.JobID
			bodies = append(bodies, h.encode(&copied))
		}
		seq, err := h.log.AppendRows(h.Context(), start.JobID, last, bodies)
		if err != nil {
			h.Fatal(err)
		}
		last = seq
	}
	started := h.append(&start, 0)
	h.append(&events.ImportSealed{JobID: start.JobID, Rows: events.Row(len(rows))}, started)
}

// TestPreviewTellsWhatTheImportDoes: a dry run of a generated file counts and proposes what the import of
// the same file then does, also where processors are stopped in the middle of it.
func TestPreviewTellsWhatTheImportDoes(t *testing.T) {
	for _, c := range []struct {
		rows, keys int
		existing   events.Existing
		mode       events.Mode
		stops      int
	}{
		{300, 20, events.UpdateExisting, events.Partial, 0},
		{300, 20, events.KeepExisting, events.Partial, 0},
		{300, 20, events.UpdateExisting, events.AllOrNothing, 0},
		{3_000, 2_000, events.UpdateExisting, events.Partial, 4},
		{3_000, 2_000, events.KeepExisting, events.Partial, 4},
		{previewAll + 2_000, 9_000, events.UpdateExisting, events.Partial, 6}, // more than are remembered without a count
	} {
		t.Run(fmt.Sprint(c.rows, c.existing, c.mode), func(t *testing.T) {
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, 0))
			h := newHarness(t)
			h.uploadRows(events.ImportStarted{JobID: 1, Mode: events.Partial}, generated(random, 1, c.keys/2, c.keys))
			h.run(1)
			file := generated(random, 2, c.rows, c.keys)
			start := events.ImportStarted{JobID: 2, Mode: c.mode, Existing: c.existing, DryRun: true}
			h.uploadRows(start, file)
			for range c.stops {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+random.IntN(80))*time.Millisecond)
				New(h.log, Config{}).Run(ctx)
				cancel()
			}
			preview := h.run(2)[0]
			start.JobID, start.DryRun = 3, false
			h.uploadRows(start, file)
			real := h.run(3)[0]

			want := events.Counts{Rejected: real.Rejected, Warnings: real.Warnings, WouldImport: real.Imported, WouldUpdate: real.Updated, WouldExist: real.Existed}
			if preview.Counts != want || preview.Status != real.Status {
				t.Errorf("the preview is %s %+v, the import %s %+v (seed %d)", preview.Status, preview.Counts, real.Status, real.Counts, seed)
			}
			if c.mode == events.Partial {
				h.compareOutcomes(2, 3, seed)
			}
		})
	}
}

// compareOutcomes fails unless the preview's proposals and rejections are the import's updates and rejections.
func (h *harness) compareOutcomes(preview, real events.JobID, seed uint64) {
	h.Helper()
	told := map[events.JobID]map[events.Row]string{preview: {}, real: {}}
	for _, e := range h.history() {
		var row events.Row
		var text string
		switch e := e.(type) {
		case *events.LicenseUpdated:
			row, text = e.Row, fmt.Sprintf("%+v %+v", e.Changed, e.Warnings)
		case *events.LicenseUpdateProposed:
			row, text = e.Row, fmt.Sprintf("%+v %+v", e.Changed, e.Warnings)
		case *events.RowRejected:
			row, text = e.Row, fmt.Sprintf("%+v", e.Errors)
		default:
			continue
		}
		if of := told[e.Job()]; of != nil {
			if of[row] != "" {
				h.Errorf("row %d has two outcomes", row)
			}
			of[row] = text
		}
	}
	differing := 0
	for row := range events.Row(50_000) {
		if told[preview][row] != told[real][row] {
			if differing++; differing < 4 {
				h.Errorf("row %d: the preview tells %q, the import %q (seed %d)", row, told[preview][row], told[real][row], seed)
			}
		}
	}
	if updates := strings.Count(fmt.Sprint(told[real]), "{Column:"); updates == 0 {
		h.Error("the import changes nothing")
	}
}

// TestPreviewForgets: a preview without its cache decides the earlier rows again.
func TestPreviewForgets(t *testing.T) {
	h := newHarness(t)
	rows := keys(30, "K")
	for i := range rows {
		rows[i] = row{fmt.Sprint("K", i%3), fmt.Sprint(i)}
	}
	start := updating(1)
	start.DryRun = true
	h.upload(start, rows, len(rows))
	j, err := h.p.load(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	policy := j.policy(nil)
	m, err := h.p.newPreview(t.Context(), *j, policy)
	if err != nil {
		t.Fatal(err)
	}
	var verdicts []Verdict
	err = m.read(t.Context(), 30, func(v *Verdict) {
		row := *v.Row
		verdicts = append(verdicts, *v)
		verdicts[len(verdicts)-1].Row = &row
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range verdicts {
		one := verdicts[i : i+1]
		licenses := Aggregates{}
		if err := m.recall(t.Context(), one, licenses); err != nil {
			t.Fatal(err)
		}
		outcome := policy.Outcomes(one, licenses)[0]
		switch e := outcome.(type) {
		case *events.LicenseImported:
			if i >= 3 {
				t.Errorf("row %d is imported", i+1)
			}
		case *events.LicenseUpdated:
			if want := fmt.Sprint(i - 3); len(e.Changed) != 1 || e.Changed[0].From != want {
				t.Errorf("row %d: %+v, want a change from %s", i+1, e.Changed, want)
			}
		default:
			t.Errorf("row %d: %T", i+1, e)
		}
		m.remember(one, licenses)
		m.states.Purge()
	}
	if m.stateBytes != 0 {
		t.Errorf("an empty cache has %d bytes", m.stateBytes)
	}
}
