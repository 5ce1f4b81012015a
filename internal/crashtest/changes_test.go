package crashtest

import (
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
)

// A featureHistory is a stream of events of the license k of the product p and of its feature f.
type featureHistory struct {
	uploads []ChangeUpload
	all     []events.Event
}

var (
	oneProduct = events.Product{ShortCode: "p"}
	oneLicense = License{"p", "k"}
	oneFeature = Item{oneLicense, "f"}
)

// imports adds an import whose rows have these outcomes.
func (h *featureHistory) imports(updates bool, rows []ChangeRow, counts events.Counts, outcomes ...events.Event) {
	job := events.JobID(len(h.uploads) + 1)
	start := &events.ImportStarted{JobID: job, FileName: job.String()}
	if updates {
		start.Existing = events.UpdateExisting
	}
	u := ChangeUpload{Name: job.String(), Acknowledged: true, Job: job, Updates: updates, Rows: rows}
	h.uploads = append(h.uploads, u)
	n := events.Row(len(rows))
	h.all = append(append(h.all, start, &events.ImportSealed{JobID: job, Rows: n}), outcomes...)
	h.all = append(h.all, &events.ImportFinished{JobID: job, Status: events.Success, Row: n, Counts: counts})
}

// undo adds an undo with one outcome.
func (h *featureHistory) undo(counts events.UndoCounts, e events.Event) {
	h.all = append(h.all, &events.UndoStarted{JobID: e.Job()}, e, &events.UndoFinished{JobID: e.Job(), UndoCounts: counts})
}

// makes adds an import that makes the license.
func (h *featureHistory) makes() {
	one := 1
	made := &events.LicenseImported{
		JobID: events.JobID(len(h.uploads) + 1), Row: 1, Product: oneProduct,
		License: events.License{Key: "k", MaxActivations: &one},
	}
	h.imports(false, []ChangeRow{{Item: Item{License: oneLicense}}}, events.Counts{Imported: 1}, made)
}

func featureMade(job events.JobID, license events.Seq, most int) events.Event {
	return &events.LicenseFeatureImported{
		JobID: job, Row: 1, LicenseKey: "k", LicenseID: license, Product: oneProduct,
		Feature: events.Feature{Code: "f", MaxConsumption: &most},
	}
}

func featureUpdated(job events.JobID, row events.Row, previous events.Seq, most int) events.Event {
	return &events.LicenseFeatureUpdated{
		JobID: job, Row: row, LicenseKey: "k", LicenseID: 3, Product: oneProduct,
		Feature: events.Feature{Code: "f", MaxConsumption: &most}, Changed: []events.Change{{Column: "max_consumption"}},
		Previous: previous, By: events.Origin{JobID: 2, Row: 1},
	}
}

func featureKept(job events.JobID, row events.Row) events.Event {
	return &events.LicenseFeatureKept{JobID: job, Row: row, LicenseKey: "k", LicenseID: 3, Product: oneProduct, Code: "f"}
}

func unknownLicense(row events.Row) events.Event {
	return &events.RowRejected{JobID: 3, Row: row, Errors: []events.FieldError{{Code: events.UnknownLicense}}}
}

// soundFeatures is a history without fault: import 1 makes a license, import 2 makes a feature of it and changes it,
// import 3 finds the feature and a license missing, and changes the feature. Import 2 is undone, which keeps the
// feature, then import 3, then import 1. Import 4 makes the license and import 5 the feature a second time.
func soundFeatures() ([]ChangeUpload, Requests, *history) {
	row := func(most string) ChangeRow { return ChangeRow{Item: oneFeature, Cells: Cells{Most: most}} }
	missing := ChangeRow{Item: Item{License{"p", "none"}, "f"}}
	by, two := events.Origin{JobID: 2, Row: 1}, 2
	existed := &events.LicenseFeatureExisted{
		JobID: 3, Row: 1, LicenseKey: "k", LicenseID: 3, Product: oneProduct, Code: "f", By: by,
	}
	restored := &events.LicenseFeatureRestored{
		JobID: 3, Row: 3, LicenseKey: "k", LicenseID: 3, Product: oneProduct,
		Feature: events.Feature{Code: "f", MaxConsumption: &two},
		Changed: []events.Change{{Column: "max_consumption"}}, Previous: 14, Restores: 8, By: by,
	}
	revoked := &events.LicenseRevoked{JobID: 1, Row: 1, LicenseKey: "k", Product: oneProduct, Previous: 3}
	h := &featureHistory{}
	h.makes() // by sequence 3
	h.imports(true, []ChangeRow{row("1"), row("2")}, events.Counts{Imported: 1, Updated: 1},
		featureMade(2, 3, 1), featureUpdated(2, 2, 7, 2)) // 7 and 8
	h.imports(true, []ChangeRow{row("2"), missing, row("3")}, events.Counts{Existed: 1, Rejected: 1, Updated: 1},
		existed, unknownLicense(2), featureUpdated(3, 3, 8, 3)) // 12 to 14
	h.undo(events.UndoCounts{Kept: 1}, featureKept(2, 1))
	h.undo(events.UndoCounts{Restored: 1}, restored)
	h.undo(events.UndoCounts{Revoked: 1}, revoked)
	h.makes() // by sequence 27
	h.imports(false, []ChangeRow{row("5")}, events.Counts{Imported: 1}, featureMade(5, 27, 5))
	asked := Requests{Undone: map[events.JobID]bool{1: true, 2: true, 3: true}}
	return h.uploads, asked, &history{stream: numbered(h.all...)}
}

func TestCheckOfFeatures(t *testing.T) {
	uploads, asked, h := soundFeatures()
	report := CheckChanges(uploads, asked, slices.Values(h.stream))
	if !report.OK() || len(report.Has) != 1 || report.Has[oneFeature] != (Cells{Most: "5"}) {
		t.Errorf("%v\n%v", report, report.Has)
	}
}

// TestCheckFindsFaultsOfFeatures feeds it histories with one fault each.
func TestCheckFindsFaultsOfFeatures(t *testing.T) {
	lost := func(r *Changes) Faults { return r.Lost }
	duplicated := func(r *Changes) Faults { return r.Duplicated }
	unexpected := func(r *Changes) Faults { return r.Unexpected }
	for name, test := range map[string]struct {
		put  func(h *history)
		kind func(*Changes) Faults
		says string
	}{
		"made twice": {func(h *history) {
			get[*events.LicenseFeatureImported](h, "5/1").LicenseID = 3
		}, duplicated, "5/1 imports a feature that"},
		"of a license that was gone": {func(h *history) {
			get[*events.LicenseFeatureImported](h, "5/1").LicenseID = 3
		}, unexpected, "5/1 is about the license 3"},
		"of another license": {func(h *history) {
			get[*events.LicenseFeatureUpdated](h, "3/3").LicenseID = 4
		}, unexpected, "3/3 is about the license 4"},
		"an update was lost": {func(h *history) {
			get[*events.LicenseFeatureUpdated](h, "3/3").Previous = 7
		}, lost, "3/3 was decided after sequence 7; the last event is 8"},
		"another value": {func(h *history) {
			*get[*events.LicenseFeatureImported](h, "2/1").Feature.MaxConsumption = 9
		}, unexpected, "2/1: {{p k} f}"},
		"rejected although the license exists": {func(h *history) {
			h.stream[h.at("3/3")].Event = unknownLicense(3)
		}, unexpected, "3/3 is rejected"},
		"rejected for another reason": {func(h *history) {
			get[*events.RowRejected](h, "3/2").Errors[0].Code = events.UnknownProduct
		}, unexpected, "3/2 is rejected"},
		"kept without a reason": {func(h *history) {
			h.stream[h.at("3/3/restored")].Event = featureKept(3, 3)
		}, unexpected, "3/3/kept is kept"},
		"restored to another value": {func(h *history) {
			*get[*events.LicenseFeatureRestored](h, "3/3/restored").Feature.MaxConsumption = 1
		}, unexpected, "3/3/restored restores"},
		"a row without an outcome": {func(h *history) {
			h.stream[h.at("3/1")].Event = &events.UndoStarted{JobID: 1}
		}, lost, "import 3 decided 0 of 3 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			uploads, asked, h := soundFeatures()
			test.put(h)
			report := CheckChanges(uploads, asked, slices.Values(h.stream))
			if faults := test.kind(report); !strings.Contains(strings.Join(faults, "\n"), test.says) {
				t.Errorf("not found: %v", report)
			}
		})
	}
}
