package projector

import (
	"errors"
	"slices"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// ofKind is an import of a kind; its rows update what exists.
func ofKind(id events.JobID, k *events.Kind) *events.ImportStarted {
	e := started(id, "anna")
	e.Kind, e.Columns, e.Existing = k.Name, k.ColumnNames(), events.UpdateExisting
	return e
}

func featureImported(job events.JobID, row events.Row, license events.Seq, key,
	code string) *events.LicenseFeatureImported {
	return &events.LicenseFeatureImported{JobID: job, Row: row, Line: uint64(row) + 1, LicenseKey: key, LicenseID: license,
		Product: events.Product{ShortCode: "p"}, Feature: events.Feature{Code: code, MaxConsumption: new(int)}}
}

// featureUpdated changes a feature of featureImported.
func featureUpdated(e *events.LicenseFeatureImported, job events.JobID, row events.Row, previous events.Seq,
	max int) *events.LicenseFeatureUpdated {
	feature := e.Feature
	feature.MaxConsumption = &max
	return &events.LicenseFeatureUpdated{JobID: job, Row: row, Line: uint64(row) + 1, LicenseKey: e.LicenseKey,
		LicenseID: e.LicenseID, Product: e.Product,
		Feature: feature, Changed: []events.Change{{Column: "max_consumption", From: "0", To: "1"}}, Previous: previous,
		By: e.Origin()}
}

func featureRevoked(e *events.LicenseFeatureImported, previous events.Seq) *events.LicenseFeatureRevoked {
	return &events.LicenseFeatureRevoked{JobID: e.JobID, Row: e.Row, LicenseKey: e.LicenseKey, LicenseID: e.LicenseID,
		Product: e.Product,
		Code:    e.Feature.Code, Manager: "bert", Previous: previous}
}

// read folds events and reads the views.
func read(t *testing.T, all []events.Event, f func(r *Reader)) {
	t.Helper()
	l := newBatchWriter(openViews(t, t.TempDir()), maxBatchEvents)
	for _, m := range newMemLog(all...).Messages {
		check(t, l.apply(decoded(t, m)))
	}
	check(t, l.finish())
	check(t, l.store.Read(readAll(f)))
	check(t, l.store.Close())
}

// featuresOfLicense are codes and values of a license's features, in the order of the list.
func (r *Reader) featuresOfLicense(t *testing.T, id events.Seq) (codes []string, values []int) {
	t.Helper()
	l, err := r.License(id)
	check(t, err)
	if l == nil {
		if l, err = r.GoneLicense(id); l == nil || err != nil {
			t.Fatalf("no license %d: %v", id, err)
		}
	}
	features, err := r.Features(l)
	check(t, err)
	for _, f := range features {
		codes, values = append(codes, f.Feature.Code), append(values, *f.Feature.MaxConsumption)
	}
	return codes, values
}

// TestFeaturesOfALicense: a license has the features whose last event says so, under its product and key alone, and
// its history has their events. A revoked license takes its features along: the license that is imported
// with its key later has none of them.
func TestFeaturesOfALicense(t *testing.T) {
	first, other := imported(1, 1, "p", "A", "", ""), imported(1, 2, "p", "A.", "", "")
	b, a := featureImported(2, 1, 4, "A", "b"), featureImported(2, 2, 4, "A", "a")
	all := []events.Event{
		started(1, "anna"), sealed(1, 2), progressed(1, 0, 0, 0, 0), first, other, finished(1, 2, 2, 0, 0), // 4 and 5
		ofKind(2, events.Features), sealed(2, 4), progressed(2, 0, 0, 0, 0), b, a, featureImported(2, 3, 5, "A.", "b"),
		// 10, 11 and 12
		featureUpdated(a, 2, 4, 11, 7), finished(2, 4, 3, 0, 0), // 13
	}
	read(t, all, func(r *Reader) {
		if codes, values := r.featuresOfLicense(t, 4); !slices.Equal(codes, []string{"b", "a"}) ||
			!slices.Equal(values, []int{0, 7}) {
			t.Errorf("features %v %v", codes, values)
		}
		if codes, _ := r.featuresOfLicense(t, 5); !slices.Equal(codes, []string{"b"}) {
			t.Errorf("features of the other license: %v", codes)
		}
		if history, err := r.History(4); err != nil || !slices.Equal(history, []events.Seq{4, 10, 11, 13}) {
			t.Errorf("history %v, %v", history, err)
		}
		if f, err := r.Fact(13); err != nil || f.Event.Type() != "LicenseFeatureUpdated" {
			t.Errorf("fact %+v, %v", f, err)
		}
	})
	all = append(all, &events.UndoStarted{JobID: 1, Manager: "bert"},
		&events.LicenseRevoked{JobID: 1, Row: 1, LicenseKey: "A",
			Product: first.Product, Manager: "bert", Previous: 4}, &events.UndoFinished{JobID: 1}, // 16
		started(3, "anna"), sealed(3, 1), progressed(3, 0, 0, 0, 0), imported(3, 1, "p", "A", "", ""),
		finished(3, 1, 1, 0, 0)) // 21
	read(t, all, func(r *Reader) {
		if codes, _ := r.featuresOfLicense(t, 21); codes != nil {
			t.Errorf("features of the license that was imported again: %v", codes)
		}
		if history, err := r.History(4); err != nil || !slices.Equal(history, []events.Seq{4, 10, 11, 13, 16}) {
			t.Errorf("history of the revoked one %v, %v", history, err)
		}
	})
	again := featureImported(4, 1, 21, "A", "a")
	all = append(all, ofKind(4, events.Features), sealed(4, 1), progressed(4, 0, 0, 0, 0), again,
		finished(4, 1, 1, 0, 0)) // 26
	read(t, all, func(r *Reader) {
		if codes, values := r.featuresOfLicense(t, 21); !slices.Equal(codes, []string{"a"}) || values[0] != 0 {
			t.Errorf("features of the license that was imported again: %v %v", codes, values)
		}
		for id, want := range map[events.Seq][]events.Seq{4: {4, 10, 11, 13, 16}, 21: {21, 26}} {
			if history, err := r.History(id); err != nil || !slices.Equal(history, want) {
				t.Errorf("history of %d: %v, %v", id, history, err)
			}
		}
		j, err := r.Job(2)
		check(t, err)
		if c := r.UndoPreview(j); c != (events.UndoCounts{Revoked: 2, Kept: 1}) { // one was imported again since
			t.Errorf("an undo of the first features would be %+v", c)
		}
	})
}

// TestUndoOfFeatures: what an undo of an import of features would do is what the chains at the features' subjects
// say, as for licenses; afterwards the features are what they were.
func TestUndoOfFeatures(t *testing.T) {
	made, second := featureImported(2, 1, 4, "A", "a"), featureImported(2, 2, 4, "A", "b")
	all := []events.Event{
		started(1, "anna"), sealed(1, 1), progressed(1, 0, 0, 0, 0), imported(1, 1, "p", "A", "", ""),
		finished(1, 1, 1, 0, 0), // 4
		ofKind(2, events.Features), sealed(2, 2), progressed(2, 0, 0, 0, 0), made, second, finished(2, 2, 2, 0, 0),
		// 9 and 10
		ofKind(3, events.Features), sealed(3, 2), progressed(3, 0, 0, 0, 0), featureUpdated(made, 3, 1, 9, 1),
		featureUpdated(made, 3, 2, 15, 2), // 15 and 16
		&events.LicenseFeatureExisted{JobID: 3, Row: 3, LicenseKey: "A", LicenseID: 4, Product: made.Product, Code: "b",
			By: second.Origin(), Differs: []string{"expiry_date"}},
		finished(3, 3, 0, 1, 0), // 18
	}
	read(t, all, func(r *Reader) {
		for id, want := range map[events.JobID]events.UndoCounts{2: {Revoked: 1, Kept: 1}, 3: {Restored: 1}} {
			j, err := r.Job(id)
			check(t, err)
			if c := r.UndoPreview(j); c != want {
				t.Errorf("an undo of import %d would be %+v, want %+v", id, c, want)
			}
		}
		j, err := r.Job(3)
		check(t, err)
		if n := j.Next; n.Created != 0 || n.Updated != 2 || n.Existed != 1 || n.Differing != 1 {
			t.Errorf("counts %+v", n)
		}
		var got []Row
		for row, err := range r.DecidedRows(j, 0) {
			check(t, err)
			row.Event = nil
			got = append(got, *row)
		}
		if len(got) != 3 || got[0].Outcome != RowUpdated || got[0].ID != 4 ||
			!slices.Equal(got[0].Identity, []string{"A", "p", "a"}) || got[2].Outcome != RowExisted {
			t.Errorf("rows %+v", got)
		}
	})
	restored := &events.LicenseFeatureRestored{JobID: 3, Row: 1, LicenseKey: "A", LicenseID: 4, Product: made.Product,
		Feature: made.Feature,
		Changed: []events.Change{{Column: "max_consumption", From: "2", To: "0"}}, Previous: 16, Restores: 9,
		By: made.Origin(), Manager: "bert"}
	kept := &events.LicenseFeatureKept{JobID: 2, Row: 2, LicenseKey: "A", LicenseID: 4, Product: made.Product, Code: "b",
		By: events.Origin{JobID: 3, Row: 1}}
	all = append(all, &events.UndoStarted{JobID: 3, Manager: "bert"}, restored, &events.UndoFinished{JobID: 3}) // 20
	read(t, all, func(r *Reader) {
		if codes, values := r.featuresOfLicense(t, 4); !slices.Equal(codes, []string{"a", "b"}) ||
			!slices.Equal(values, []int{0, 0}) {
			t.Errorf("restored: %v %v", codes, values)
		}
		j, err := r.Job(2)
		check(t, err)
		if c := r.UndoPreview(j); c != (events.UndoCounts{Revoked: 2}) {
			t.Errorf("an undo of import 2 would be %+v", c)
		}
	})
	read(t, append(slices.Clone(all), featureUpdated(made, 2, 3, 20, 5)), func(r *Reader) { // as if nothing had been between
		j, err := r.Job(2)
		check(t, err)
		if c := r.UndoPreview(j); c != (events.UndoCounts{Revoked: 2}) {
			t.Errorf("an undo of import 2, which went on, would be %+v", c)
		}
	})
	all = append(all, &events.UndoStarted{JobID: 2, Manager: "bert"}, featureRevoked(made, 20), kept,
		&events.UndoFinished{JobID: 2})
	read(t, all, func(r *Reader) {
		if codes, _ := r.featuresOfLicense(t, 4); !slices.Equal(codes, []string{"b"}) {
			t.Errorf("revoked: %v", codes)
		}
		if rows := slices.Collect(r.KeptRows(2, 0)); !slices.Equal(rows, []events.Row{2}) {
			t.Errorf("kept rows %v", rows)
		}
		if row, err := r.KeptRow(2, 2); err != nil || row.By != kept.By ||
			!slices.Equal(row.Identity, []string{"A", "p", "b"}) {
			t.Errorf("kept row %+v, %v", row, err)
		}
	})
	for name, e := range map[string]events.Event{"a revoked": featureUpdated(made, 5, 1, 23, 1),
		"an unknown": featureUpdated(featureImported(1, 1, 4, "A", "z"), 5, 1, 23, 1)} {
		l := newBatchWriter(openViews(t, t.TempDir()), maxBatchEvents)
		log := newMemLog(append(slices.Clone(all), ofKind(5, events.Features), sealed(5, 1), progressed(5, 0, 0, 0, 0), e)...)
		var err error
		for _, m := range log.Messages {
			err = l.apply(decoded(t, m))
		}
		if _, unreadable := errors.AsType[*eventlog.UnreadableEventError](err); !unreadable ||
			CannotFollow(t.Context(), log, log.Messages[len(log.Messages)-1]) == nil {
			t.Errorf("a change of %s feature: %v", name, err)
		}
		l.overlay.Release()
		check(t, l.store.Close())
	}
}
