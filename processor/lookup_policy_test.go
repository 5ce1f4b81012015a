package processor

import (
	"strconv"
	"sync/atomic"
	"testing"

	"licenseimport/events"
)

// TestValidationSearchesNothing: rows that are only validated make no licenses, also after a refusal.
func TestValidationNeedsNoLookups(t *testing.T) {
	known := job{rows: 10, progress: events.ImportProgressed{Phase: events.Validate}}
	var c lookupPolicy
	c.begin(known)
	if err := c.onConflict(t.Context(), 1); err != nil || c.lookUpAll() {
		t.Errorf("searches while validating: %v", err)
	}
	known.progress.Phase = events.Import
	if c.begin(known); !c.lookUpAll() {
		t.Error("the first batch of the import is not looked up")
	}
}

func TestSeenFilter(t *testing.T) {
	t.Parallel()
	for _, rows := range []events.Row{0, 1, 64, 100_000} {
		r := newSeenFilter(rows)
		mistaken := 0
		for i := range int(rows) {
			if r.TestAndAddString(strconv.Itoa(i)) {
				mistaken++
			}
		}
		if mistaken > int(rows)/100+3 {
			t.Errorf("%d of %d new licenses are taken for repeated ones", mistaken, rows)
		}
		for i := range int(rows) {
			if !r.TestAndAddString(strconv.Itoa(i)) {
				t.Fatalf("of %d licenses number %d is forgotten", rows, i)
			}
		}
	}
}

// refusals counts the batches that were refused.
type refusedCounter struct {
	nopObserver
	n atomic.Int64
}

func (r *refusedCounter) Refused(string) { r.n.Add(1) }

// TestRepeatsAreNotRefused: rows that name a license again, at whatever distance, and a whole file that
// is imported a second time, are known in time; a refused batch would cost as much as two.
func TestRepeatedLicensesAreNotRefused(t *testing.T) {
	t.Parallel()
	w := newHarness(t)
	seen := &refusedCounter{}
	w.p = New(w.log, Config{Observer: seen})
	const n = 8_000
	rows := keys(n, "K")
	existed := 0
	for i, distance := 1, 1; i < n; i, distance = i+97, distance*3%7919 {
		if i >= distance {
			rows[i].key = rows[i-distance].key
			existed++
		}
	}
	for i, want := range []int{existed, n} {
		job := events.JobID(i + 1)
		w.upload(events.ImportStarted{JobID: job, Mode: events.Partial}, rows, n)
		w.run(job)
		if _, got, _ := w.checkOutcomes(job, n); got != want {
			t.Errorf("import %d: %d rows existed, want %d", job, got, want)
		}
	}
	if refused := seen.n.Load(); refused > 0 {
		t.Errorf("%d batches were refused", refused)
	}
}

// TestLaterRowsExist: nobody asks for the licenses in the middle of a large file until a batch with them
// is refused.
func TestLaterRowsExist(t *testing.T) {
	t.Parallel()
	w := newHarness(t)
	seen := &refusedCounter{}
	w.p = New(w.log, Config{Observer: seen})
	const n = 9_000
	rows := keys(n, "K")
	w.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, rows[5_000:5_100], 100)
	w.run(1)
	w.upload(events.ImportStarted{JobID: 2, Mode: events.Partial}, rows, n)
	end := w.run(2)[0]
	if want := (events.Counts{Imported: n - 100, Existed: 100}); end.Counts != want {
		t.Errorf("ended as %+v, want %+v", end.Counts, want)
	}
	w.checkOutcomes(2, n)
	if refused := seen.n.Load(); refused != 1 {
		t.Errorf("%d batches were refused, want 1", refused)
	}
}
