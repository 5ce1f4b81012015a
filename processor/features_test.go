package processor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// generatedFeatures is a file of n rows about features of some licenses: new, existing, repeated, invalid ones, with and
// without a product, some of licenses that do not exist.
func generatedFeatures(random *rand.Rand, t testing.TB, n, licenses int) []*events.RowReceived {
	pick := func(values ...string) string { return values[random.IntN(len(values))] }
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("K%d,%s,%s,%s,%s,%s", random.IntN(licenses+licenses/20+1), pick("a", "b", "c"),
			pick("", "", "psc"),
			pick("", "1", "2", "2", "many"), pick("", "", "2030-12-31", "#N/A"), pick("", "", "yes", "no"))
	}
	return rowsOf(t, events.Features, "license_key,code,product__short_code,max_consumption,expiry_date,allow_overages",
		lines...)
}

// licensesNamed imports the licenses K0 and so on of the product psc.
func (h *harness) licensesNamed(job events.JobID, n int) {
	h.Helper()
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprint("psc,K", i))
	}
	h.licensesOf(job, lines...)
}

// TestPreviewTellsWhatTheImportOfFeaturesDoes: a dry run counts what the import of the same file then does, also where
// processors are stopped in the middle of it, and refuses or takes the same rows.
func TestPreviewTellsWhatTheImportOfFeaturesDoes(t *testing.T) {
	for _, c := range []struct {
		rows, licenses, stops int
		existing              events.Existing
		mode                  events.Mode
	}{
		{300, 20, 0, events.KeepExisting, events.Partial},
		{2_500, 700, 4, events.UpdateExisting, events.Partial},
		{300, 50, 0, events.UpdateExisting, events.AllOrNothing},
	} {
		t.Run(fmt.Sprint(c.rows, c.existing, c.mode), func(t *testing.T) {
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, 0))
			h := newHarness(t)
			h.licensesNamed(1, c.licenses)
			h.process(ofKind(events.Features, 2, ""), generatedFeatures(random, t, c.licenses, c.licenses))
			file := generatedFeatures(random, t, c.rows, c.licenses)
			start := ofKind(events.Features, 3, c.existing)
			start.DryRun, start.Mode = true, c.mode
			h.uploadRows(start, file)
			for range c.stops {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+random.IntN(80))*time.Millisecond)
				New(h.log, Config{}).Run(ctx)
				cancel()
			}
			preview := h.run(3)[0]
			start.JobID, start.DryRun = 4, false
			real := h.process(start, file)
			want := events.Counts{Rejected: real.Rejected, Warnings: real.Warnings, WouldImport: real.Imported,
				WouldUpdate: real.Updated, WouldExist: real.Existed}
			if c.mode == events.AllOrNothing {
				want.WouldImport, want.WouldUpdate, want.WouldExist = preview.WouldImport, preview.WouldUpdate, preview.WouldExist
			}
			if preview.Counts != want || preview.Status != real.Status || real.Rejected == 0 {
				t.Errorf("the preview is %s %+v, the import %s %+v (seed %d)", preview.Status, preview.Counts, real.Status,
					real.Counts, seed)
			}
			h.results(3)
			h.checkFeatures()
		})
	}
}

// checkFeatures fails unless the events of each feature are a story. It returns the features' last events.
func (h *harness) checkFeatures() map[string]Aggregate {
	h.Helper()
	now := map[string]Aggregate{}
	h.eachFact(func(m eventlog.Message, e events.Event) {
		if events.FeatureLicense(e) == 0 || e.Subject() != m.Subject || m.Subject[:9] != "features." {
			return
		}
		before := now[m.Subject]
		state, exists := events.FeatureAfter(before.Last)
		switch e.(type) {
		case *events.LicenseFeatureImported:
			if exists && state.LicenseID >= events.FeatureLicense(e) ||
				events.FeatureLicense(before.Last) > events.FeatureLicense(e) {
				h.Errorf("%s makes a feature that %s made", e.ID(), before.Last.ID())
			}
		default:
			if !exists || events.Follows(e) != before.Seq {
				h.Errorf("%s follows %d of %s, whose last event is %d (exists: %v)", e.ID(), events.Follows(e), m.Subject,
					before.Seq, exists)
			}
		}
		now[m.Subject] = Aggregate{Last: e, Seq: m.Seq}
	})
	return now
}

// TestUndoOfFeatures: what the import made is gone, what it changed is as before, and what another import changed since
// is kept. The license need not exist any more. A feature that was taken back may be imported again.
func TestUndoOfFeatures(t *testing.T) {
	h := newHarness(t)
	h.licensesNamed(1, 4)
	const columns = "license_key,code,max_consumption"
	h.process(ofKind(events.Features, 2, ""), rowsOf(t, events.Features, columns, "K0,a,1", "K1,a,1", "K2,a,1"))
	h.process(ofKind(events.Features, 3, events.UpdateExisting),
		rowsOf(t, events.Features, columns, "K1,a,2", "K1,a,3", "K3,a,1", "K2,a,1"))
	h.process(ofKind(events.Features, 4, events.UpdateExisting), rowsOf(t, events.Features, columns, "K3,a,9"))
	if end := h.undo(3); end.UndoCounts != (events.UndoCounts{Restored: 1, Kept: 1}) {
		t.Errorf("undo of the updates: %+v", end.UndoCounts)
	}
	h.undo(1) // the licenses
	if end := h.undo(2); end.UndoCounts != (events.UndoCounts{Revoked: 3}) {
		t.Errorf("undo of what was made: %+v", end.UndoCounts)
	}
	h.licensesNamed(5, 4)
	end := h.process(ofKind(events.Features, 6, ""), rowsOf(t, events.Features, columns, "K1,a,5", "K3,a,5"))
	h.expect(end, events.Counts{Imported: 2}, map[string]int{"LicenseFeatureImported": 2})
	for subject, last := range h.checkFeatures() {
		state, exists := events.FeatureAfter(last.Last)
		if want := subject == events.FeatureSubject("psc", "K1", "a") ||
			subject == events.FeatureSubject("psc", "K3", "a"); exists != want {
			t.Errorf("%s exists: %v", subject, exists)
		} else if exists && *state.Feature.MaxConsumption != 5 {
			t.Errorf("%s is %+v", subject, state.Feature)
		}
	}
}

// TestTornBatchOfEachKind: the stream holds outcomes of a batch without its position. Each row gets one outcome and is
// counted once, also where the license of a feature is gone since.
func TestTornBatchOfEachKind(t *testing.T) {
	for _, kind := range []*events.Kind{events.Features, events.Customers} {
		t.Run(kind.Name, func(t *testing.T) {
			var lines []string
			columns := "license_key,code,max_consumption"
			for i := range 1300 {
				lines = append(lines, fmt.Sprintf("K%d,a,%d", i%1000, i))
			}
			if kind == events.Customers {
				columns = "email,first_name,reference"
				for i := range lines {
					lines[i] = fmt.Sprintf("c%d@example.com,A,%d", i%800, i)
				}
			}
			lines[1005], lines[1200] = "x"+lines[1005], ",,"
			rows := rowsOf(t, kind, columns, lines...)
			prepare := func() *harness {
				h := newHarness(t)
				h.licensesNamed(1, 1000)
				return h
			}
			whole := prepare()
			begun := len(whole.history())
			want := whole.process(ofKind(kind, 2, ""), rows)

			h := prepare()
			h.uploadRows(ofKind(kind, 2, ""), rows)
			h.replay(2, whole.history()[begun+2:], 1100)
			if kind == events.Features {
				h.askUndo(1)
				if err := h.p.runToEnd(t.Context(), 1, 0, true); err != nil { // without a lease of import 2
					t.Fatal(err)
				}
				want.Existed, want.Rejected = h.tornCounts(2, want)
			}
			end := h.run(2)[0]
			if end.Counts != want.Counts || end.Row != want.Row || end.Status != want.Status {
				t.Errorf("ended as %+v, want %+v", end, want)
			}
			total := 0
			for _, n := range h.results(2) {
				total += n
			}
			if total != len(rows) {
				t.Errorf("%d outcomes of %d rows", total, len(rows))
			}
		})
	}
}

// tornCounts are the counts of existed and rejected rows where all rows that have no outcome yet are rejected.
func (h *harness) tornCounts(job events.JobID, end *events.ImportFinished) (existed, rejected events.Row) {
	stored := h.results(job)
	existed = events.Row(stored["LicenseFeatureExisted"])
	return existed, end.Row - existed - events.Row(stored["LicenseFeatureImported"])
}

// TestLicenseThatTheLeaderLacks: a look-up has found a license, and the leader that is asked for its story has none of
// its events. The license is not unknown: the leader is behind.
func TestLicenseThatTheLeaderLacks(t *testing.T) {
	h := newHarness(t)
	rows := keys(1, "K")
	h.importRows(events.ImportStarted{JobID: 1, Mode: events.Partial}, rows)
	h.importRows(updating(2), with(rows, "2", 1))
	subject := events.LicenseSubject("psc", rows[0].key)
	last, err := h.p.lastEvents(t.Context(), eventlog.Witness{}, []string{subject})
	if err != nil {
		t.Fatal(err)
	}
	found := foundLicense{subject: subject, Aggregate: last[subject], exists: true}
	if id, err := h.p.licenseID(t.Context(), &found); id == 0 || id >= found.Seq || err != nil {
		t.Errorf("the event that made the license is %d, %v; its last one is %d", id, err, found.Seq)
	}
	found.subject = events.LicenseSubject("psc", "LACKING")
	if id, err := h.p.licenseID(t.Context(), &found); err == nil || !strings.Contains(err.Error(), "behind") {
		t.Errorf("%d, %v", id, err)
	}
}

// TestFeatureRaces: two processors import and update the same features, while the licenses are taken back and imported
// again, and imports of features are undone. Each row has one outcome, and each feature's events are a story.
func TestFeatureRaces(t *testing.T) {
	t.Parallel()
	server := eventlogtest.StartServer(t)
	h := &harness{TB: t, log: eventlogtest.Open(t, server)}
	h.p = New(h.log, Config{})
	for _, p := range []*Processor{h.p, New(eventlogtest.Open(t, server), Config{})} {
		stop := h.start(p)
		defer stop()
	}
	rounds := undoRaceCount(6)
	var jobs []events.JobID
	for i := range rounds {
		first := events.JobID(10 * (i + 1))
		of := func(n int) []*events.RowReceived {
			return rowsOf(t, events.Features, "license_key,code,max_consumption", slices.Repeat([]string{
				fmt.Sprintf("K0,a,%d", n), fmt.Sprintf("K1,a,%d", n+1), fmt.Sprintf("K0,b,%d", n), fmt.Sprintf("K0,a,%d", n+2),
			}, 2)...)
		}
		licenses := rowsOf(t, events.Licenses, "product__short_code,license__license_key", "psc,K0", "psc,K1")
		h.uploadRows(ofKind(events.Licenses, first, ""), licenses)
		h.awaitEnd(first)
		h.uploadRows(ofKind(events.Features, first+1, events.UpdateExisting), of(i))
		h.awaitEnd(first + 1)
		h.uploadRows(ofKind(events.Features, first+2, events.UpdateExisting), of(i+5))
		h.askUndo(first + 1)
		h.uploadRows(ofKind(events.Features, first+3, events.UpdateExisting), of(i+9))
		h.askUndo(first)
		h.uploadRows(ofKind(events.Licenses, first+4, ""), licenses)
		h.uploadRows(ofKind(events.Features, first+5, ""), of(i))
		for n := range events.JobID(6) {
			jobs = append(jobs, first+n)
			if end := h.awaitEnd(first + n); end.Status != events.Success {
				t.Errorf("import %d ended as %+v", first+n, end)
			}
		}
		h.awaitUndo(first)
		h.awaitUndo(first + 1)
	}
	for _, job := range jobs {
		h.results(job)
	}
	h.checkFeatures()
}
