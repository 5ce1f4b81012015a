package processor

import (
	"strconv"
	"sync/atomic"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/importjob"
)

// TestValidationNeedsNoLookups: rows that are only validated make no license, so the policy asks
// for no look-up, not even after a conflict.
func TestValidationNeedsNoLookups(t *testing.T) {
	known := job{State: importjob.State{
		Started:  &events.ImportStarted{},
		Sealed:   &events.ImportSealed{Rows: 10},
		Last:     importjob.Fact{Seq: 1},
		Progress: events.ImportProgressed{Phase: events.Validate},
	}}
	var lookups lookupPolicy
	lookups.begin(known)
	if err := lookups.onConflict(t.Context(), &known, eventlog.ErrConflict); err != nil || lookups.lookUpAll() {
		t.Errorf("a full look-up while validating: %v", err)
	}
	known.Progress.Phase = events.Import
	if lookups.begin(known); !lookups.lookUpAll() {
		t.Error("no full look-up of the first batch of the import")
	}
}

func TestSeenFilter(t *testing.T) {
	t.Parallel()
	for _, rows := range []events.Row{0, 1, 64, 100_000} {
		filter := newSeenFilter(rows)
		falsePositives := 0
		for i := range int(rows) {
			if filter.TestAndAddString(strconv.Itoa(i)) {
				falsePositives++
			}
		}
		if falsePositives > int(rows)/100+3 {
			t.Errorf("%d false positives among %d licenses", falsePositives, rows)
		}
		for i := range int(rows) {
			if !filter.TestAndAddString(strconv.Itoa(i)) {
				t.Fatalf("a false negative: license %d of %d", i, rows)
			}
		}
	}
}

// refusedCounter is an observer that counts refused batches.
type refusedCounter struct {
	nopObserver
	n atomic.Int64
}

func (c *refusedCounter) Refused(string) { c.n.Add(1) }

// TestRepeatedLicensesAreNotRefused: the look-up policy finds rows that name a license again, at
// any distance, and a whole file that is imported a second time. A refused batch would cost as much
// as two.
func TestRepeatedLicensesAreNotRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	refused := &refusedCounter{}
	h.p = New(h.log, Config{Observer: refused})
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
		h.upload(events.ImportStarted{JobID: job, Mode: events.Partial}, rows, n)
		h.run(job)
		if _, got, _ := h.checkOutcomes(job, n); got != want {
			t.Errorf("import %d: %d rows existed, want %d", job, got, want)
		}
	}
	if n := refused.n.Load(); n > 0 {
		t.Errorf("%d batches were refused", n)
	}
}

// TestLaterRowsExist: existing licenses in the middle of a large file cost one refused batch. Then
// the policy looks all licenses up.
func TestLaterRowsExist(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	refused := &refusedCounter{}
	h.p = New(h.log, Config{Observer: refused})
	const n = 9_000
	rows := keys(n, "K")
	h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, rows[5_000:5_100], 100)
	h.run(1)
	h.upload(events.ImportStarted{JobID: 2, Mode: events.Partial}, rows, n)
	end := h.run(2)[0]
	if want := (events.Counts{Imported: n - 100, Existed: 100}); end.Counts != want {
		t.Errorf("ended as %+v, want %+v", end.Counts, want)
	}
	h.checkOutcomes(2, n)
	if n := refused.n.Load(); n != 1 {
		t.Errorf("%d batches were refused, want 1", n)
	}
}
