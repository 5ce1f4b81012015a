package processor

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"licenseimport/events"
)

// updating is an import that updates what exists.
func updating(job events.JobID) events.ImportStarted {
	return events.ImportStarted{JobID: job, Mode: events.Partial, Existing: events.UpdateExisting}
}

// with is the rows with other activations, each nth one.
func with(rows []row, activations string, nth int) []row {
	rows = slices.Clone(rows)
	for i := range rows {
		if i%nth == 0 {
			rows[i].activations = activations
		}
	}
	return rows
}

// TestUpdate: of the rows whose license exists, those that say something else update it, the others change
// nothing. New licenses are imported.
func TestUpdate(t *testing.T) {
	h := newHarness(t)
	rows := keys(2500, "K")
	h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, rows[:2000], 2000)
	h.run(1)
	h.upload(updating(2), with(rows, "7", 20), 2500)
	end := h.run(2)[0]
	if want := (events.Counts{Imported: 500, Updated: 100, Existed: 1900}); end.Counts != want {
		t.Errorf("ended as %+v, want %+v", end.Counts, want)
	}
	h.checkOutcomes(2, 2500)
	h.upload(updating(3), with(rows, "7", 20), 2500)
	if end := h.run(3)[0]; end.Counts != (events.Counts{Existed: 2500}) {
		t.Errorf("the same file once more: %+v", end.Counts)
	}
}

// TestUpdateRepeatedRows: rows of one license build on each other, in one batch, in batches in flight and
// behind stored ones.
func TestUpdateRepeatedRows(t *testing.T) {
	h := newHarness(t)
	rows := keys(2500, "K")
	for i, at := range []int{1, 2, 5, 600, 1100, 1500, 2400, 2401} {
		rows[at] = row{"A", fmt.Sprint(i + 10)}
	}
	rows[2402] = row{"A", "17"} // as the row before
	rows[2403] = row{"A", "many"}
	h.upload(updating(1), rows, len(rows))
	end := h.run(1)[0]
	if want := (events.Counts{Imported: 2500 - 9, Updated: 7, Existed: 1, Rejected: 1}); end.Counts != want {
		t.Errorf("ended as %+v, want %+v", end.Counts, want)
	}
	h.checkOutcomes(1, len(rows))
	if last := h.activationsOf("A"); last != 17 {
		t.Errorf("the license has %d activations, want those of the last row", last)
	}
}

// activationsOf is what the last event of a license says.
func (h *harness) activationsOf(key string) int {
	h.Helper()
	fact, err := readFact(h.Context(), h.log, events.LicenseSubject("psc", key))
	state, exists := events.StateAfter(fact.Event)
	if err != nil || !exists {
		h.Fatalf("%s: %+v, %v", key, fact, err)
	}
	return *state.License.MaxActivations
}

// TestUpdatesAtTheSameTime: jobs that update and import the same licenses lose no change of each other.
func TestUpdatesAtTheSameTime(t *testing.T) {
	h := newHarness(t)
	const n = 2000
	rows := keys(n, "K")
	h.upload(updating(1), with(rows, "2", 2), n)
	h.upload(updating(2), with(rows, "3", 3), n)
	h.upload(events.ImportStarted{JobID: 3, Mode: events.Partial}, rows, n)
	h.upload(updating(4), with(rows, "5", 5), n)
	for _, end := range h.run(1, 2, 3, 4) {
		if end.Status != events.Success || end.Imported+end.Updated+end.Existed != n {
			t.Errorf("job %d ended as %+v", end.JobID, end.Counts)
		}
		h.checkOutcomes(end.JobID, n)
	}
}

// TestUpdateStoppedAndResumed: processors that are stopped in the middle have the result of one that is not.
func TestUpdateStoppedAndResumed(t *testing.T) {
	for name, mode := range map[string]events.Mode{"partial": events.Partial, "all or nothing": events.AllOrNothing} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			const n = 4_000
			rows := keys(n, "K")
			h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, rows, n)
			h.run(1)
			changed := with(rows, "7", 3)
			changed[3999].key, changed[2000].key = changed[5].key, changed[6].key
			start := updating(2)
			start.Mode = mode
			h.upload(start, changed, n)
			for i := range 8 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+10*i)*time.Millisecond)
				New(h.log, Config{}).Run(ctx)
				cancel()
			}
			end := h.run(2)[0]
			if want := (events.Counts{Updated: 1335, Existed: 2665}); end.Status != events.Success || end.Counts != want {
				t.Errorf("ended as %+v, want %+v", end, want)
			}
			h.checkOutcomes(2, n)
		})
	}
}

// TestRevokedKeysAreImportedAgain: without a look-up the stream refuses the first batch; then the licenses
// follow their revocations.
func TestRevokedKeysAreImportedAgain(t *testing.T) {
	for _, existing := range []events.Existing{events.KeepExisting, events.UpdateExisting} {
		t.Run(string(existing), func(t *testing.T) {
			h := newHarness(t)
			rows := keys(3000, "K")
			h.importRows(events.ImportStarted{JobID: 1, Mode: events.Partial}, rows[2000:2500])
			h.importRows(events.ImportStarted{JobID: 3, Mode: events.Partial}, rows[2500:])
			h.undo(3)
			h.upload(events.ImportStarted{JobID: 2, Mode: events.Partial, Existing: existing}, rows, len(rows))
			end := h.run(2)[0]
			if want := (events.Counts{Imported: 2500, Existed: 500}); end.Counts != want {
				t.Errorf("ended as %+v, want %+v", end.Counts, want)
			}
			h.checkOutcomes(2, len(rows))
		})
	}
}

// TestMappedCellsClear: the cells of a file with a mapping clear as well, and what they mean is what counts. A warning
// has the value as sent.
func TestMappedCellsClear(t *testing.T) {
	j := mappedJob()
	j.Started.Existing = events.UpdateExisting
	j.Started.Mapping.Values["license__license_type"]["None"] = "#N/A"
	policy := j.policy(nil)
	policy.Preview = false
	made := policy.Judge(mappedRow("AB-1", "12/31/2030", "Lifetime", "7"))
	if len(made.Warnings) != 1 || made.Warnings[0].Value != "12/31/2030" {
		t.Errorf("warnings are %+v", made.Warnings)
	}
	licenses := Aggregates{}
	policy.Outcomes([]Verdict{made}, licenses)
	licenses[made.Subject()] = Aggregate{Last: licenses[made.Subject()].Last, Seq: 5}
	row := mappedRow("AB-1", "#N/A", "none", "unlimited")
	row.Row = 2
	v := policy.Judge(row)
	updated, ok := policy.Outcomes([]Verdict{v}, licenses)[0].(*events.LicenseUpdated)
	want := []events.Change{{Column: "license__validity_period", From: "2030-12-31"}}
	if !ok || !slices.Equal(updated.Changed, want) {
		t.Errorf("%+v %+v", v.Errors, updated)
	}
}
