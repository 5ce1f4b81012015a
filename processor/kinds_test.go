package processor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
)

// rowsOf are rows of a kind, one a text: values by the order of the columns, with commas between them.
func rowsOf(t testing.TB, kind *events.Kind, columns string, lines ...string) []*events.RowReceived {
	t.Helper()
	rows := make([]*events.RowReceived, len(lines))
	for i, line := range lines {
		rows[i] = &events.RowReceived{Row: events.Row(i + 1), Line: uint64(i + 2)}
		values := strings.Split(line, ",")
		for n, name := range strings.Split(columns, ",") {
			column, known := kind.ColumnIndex(name)
			if !known {
				t.Fatalf("%s have no column %s", kind.Many, name)
			}
			rows[i].Values[column] = values[n]
		}
	}
	return rows
}

// ofKind is an import of a kind.
func ofKind(kind *events.Kind, job events.JobID, existing events.Existing) events.ImportStarted {
	return events.ImportStarted{JobID: job, Kind: kind.Name, Mode: events.Partial, Existing: existing}
}

// process uploads rows and runs the import to its end.
func (h *harness) process(start events.ImportStarted, rows []*events.RowReceived) *events.ImportFinished {
	h.Helper()
	h.uploadRows(start, rows)
	return h.run(start.JobID)[0]
}

// results counts the outcomes of a job by type. It fails if a row has two.
func (h *harness) results(job events.JobID) map[string]int {
	h.Helper()
	counts, seen := map[string]int{}, map[events.Row]string{}
	for _, e := range h.history() {
		if events.IsRowOutcome(e) && e.Job() == job {
			row := events.RowOf(e).Row
			if other := seen[row]; other != "" {
				h.Errorf("row %d of import %d is %s and %s", row, job, other, e.Type())
			}
			seen[row] = e.Type()
			counts[e.Type()]++
		}
	}
	return counts
}

func (h *harness) expect(end *events.ImportFinished, want events.Counts, results map[string]int) {
	h.Helper()
	if end.Status != events.Success || end.Counts != want {
		h.Errorf("import %d ended as %s %+v, want %+v", end.JobID, end.Status, end.Counts, want)
	}
	if got := h.results(end.JobID); !maps.Equal(got, results) {
		h.Errorf("import %d has %v, want %v", end.JobID, got, results)
	}
}

// licensesOf imports licenses of the products.
func (h *harness) licensesOf(job events.JobID, licenses ...string) {
	h.Helper()
	h.process(ofKind(events.Licenses, job, ""),
		rowsOf(h, events.Licenses, "product__short_code,license__license_key", licenses...))
}

// TestRowsSeeTheBatchesBefore: a row is decided by what the rows before it made, also where its look-up is older than
// the batch before, and that batch has found, after a change, that a later row of it changes nothing.
func TestRowsSeeTheBatchesBefore(t *testing.T) {
	for kind, columns := range map[*events.Kind]string{
		events.Licenses: "license__license_key,product__short_code,license__note",
		events.Features: "license_key,code,expiry_date",
	} {
		t.Run(kind.Name, func(t *testing.T) {
			h := newHarness(t)
			value, second, third := "first", "second", "third"
			line := func(n int, value string) string { return fmt.Sprintf("K%d,psc,%s", n, value) }
			if kind == events.Features {
				value, second, third = "2030-12-31", "2031-12-31", "2032-12-31"
				h.licensesNamed(1, maxRows)
			}
			var made []string
			for n := range maxRows {
				made = append(made, line(n, value))
			}
			h.process(ofKind(kind, 2, ""), rowsOf(t, kind, columns, made...))
			// The second change of K1 waits until the first one is stored. Then the batch goes on.
			changes := []string{line(0, second), line(1, second), line(1, third), line(0, second)}
			lines := slices.Concat(changes, made[2:maxRows-2], []string{made[0]})
			if end := h.process(ofKind(kind, 3, events.UpdateExisting), rowsOf(t, kind, columns, lines...)); end.Updated != 4 {
				t.Errorf("%d rows changed something, and 4 should, the last one by changing K0 back: %+v", end.Updated, end.Counts)
			}
		})
	}
}

// TestFeaturesThroughTheProcessor: rows find their licenses, with and without a product, also those that were
// updated since; rows of one feature build on each other.
func TestFeaturesThroughTheProcessor(t *testing.T) {
	h := newHarness(t)
	h.licensesOf(1, "psc,K1", "psc,K2", "pro,K2", "psc,K3")
	h.process(ofKind(events.Licenses, 2, events.UpdateExisting),
		rowsOf(t, events.Licenses, "product__short_code,license__license_key,license__note", "psc,K1,changed",
			"psc,K1,again"))
	const columns = "license_key,code,max_consumption,product__short_code"
	rows := rowsOf(t, events.Features, columns, "K1,a,1,", "K1,b,1,psc", "K2,a,1,", "K2,a,1,pro", "K9,a,1,", "K1,a,2,",
		"K3,a,x,", "K3,a,,")
	h.expect(h.process(ofKind(events.Features, 3, ""), rows), events.Counts{Imported: 4, Existed: 1, Rejected: 3},
		map[string]int{"LicenseFeatureImported": 4, "LicenseFeatureExisted": 1, "RowRejected": 3})
	h.expect(h.process(ofKind(events.Features, 4, events.UpdateExisting), rows),
		events.Counts{Existed: 4, Updated: 1, Rejected: 3},
		map[string]int{"LicenseFeatureExisted": 4, "LicenseFeatureUpdated": 1, "RowRejected": 3})
	fact, err := readFact(t.Context(), h.log, events.FeatureSubject("psc", "K1", "a"))
	now, exists := events.FeatureAfter(fact.Event)
	if err != nil || !exists || *now.Feature.MaxConsumption != 2 || now.By != (events.Origin{JobID: 3, Row: 1}) ||
		now.LicenseID == 0 {
		t.Fatalf("%+v %v", fact.Event, err)
	}
	made, _, err := h.log.MessageAt(t.Context(), now.LicenseID)
	if err != nil || made.Subject != events.LicenseSubject("psc", "K1") {
		t.Errorf("license %d is %s, %v", now.LicenseID, made.Subject, err)
	}
}

// TestCustomersThroughTheProcessor: each valid row has one event at its customer's subject, repeated ones too; a dry
// run has one proposal each.
func TestCustomersThroughTheProcessor(t *testing.T) {
	h := newHarness(t)
	rows := rowsOf(t, events.Customers, "email,first_name", "ada@example.com,Ada", "ADA@example.com,A.",
		"bob@example.com,", "bob,")
	end := h.process(ofKind(events.Customers, 1, ""), rows)
	h.expect(end, events.Counts{Imported: 3, Rejected: 1}, map[string]int{"CustomerImported": 3, "RowRejected": 1})
	start := ofKind(events.Customers, 2, events.UpdateExisting)
	start.DryRun = true
	h.expect(h.process(start, rows), events.Counts{WouldImport: 3, Rejected: 1},
		map[string]int{"CustomerImportProposed": 3, "RowRejected": 1})
	earlier := 0
	for _, e := range h.history() {
		if proposed, ok := e.(*events.CustomerImportProposed); ok && proposed.Earlier != nil {
			earlier++
		}
	}
	if earlier != 1 {
		t.Errorf("%d proposals name an earlier row", earlier)
	}
}

// TestCatalogueListsFeatures: where the catalogue lists features for a product, rows with others are rejected, and the
// events hold what it says. Changing a product leaves its features.
func TestCatalogueListsFeatures(t *testing.T) {
	h := newHarness(t)
	catalogue := OpenCatalogue(h.log)
	for _, code := range []string{"psc", "pro"} {
		if err := catalogue.Set(t.Context(), events.Product{ShortCode: code}); err != nil {
			t.Fatal(err)
		}
	}
	err := catalogue.Change(t.Context(), "psc", func(p *events.CatalogueProduct) {
		p.Features = []events.ProductFeature{{Code: " a ", Name: "Reports", FeatureType: "consumption"}}
	})
	if err == nil {
		err = catalogue.Set(t.Context(), events.Product{ShortCode: "psc", Name: "Photo"})
	}
	if err != nil {
		t.Fatal(err)
	}
	h.licensesOf(1, "psc,K1", "pro,K2")
	end := h.process(ofKind(events.Features, 2, ""),
		rowsOf(t, events.Features, "license_key,code", "K1,a", "K1,b", "K2,b"))
	h.expect(end, events.Counts{Imported: 2, Rejected: 1}, map[string]int{"LicenseFeatureImported": 2, "RowRejected": 1})
	fact, err := readFact(t.Context(), h.log, events.FeatureSubject("psc", "K1", "a"))
	if made, ok := fact.Event.(*events.LicenseFeatureImported); !ok || made.Feature.Name != "Reports" ||
		made.Feature.FeatureType != "consumption" {
		t.Errorf("%+v %v", fact.Event, err)
	}
	for _, wrong := range []string{"", "a\x00", "a"} {
		err := catalogue.Change(t.Context(), "psc", func(p *events.CatalogueProduct) {
			p.Features = append(p.Features, events.ProductFeature{Code: wrong})
		})
		if err == nil {
			t.Errorf("the catalogue takes the code %q", wrong)
		}
	}
}

// TestFeaturesOfManyLicenses: more rows than a batch holds, whose licenses the stream looks up in any order.
func TestFeaturesOfManyLicenses(t *testing.T) {
	h := newHarness(t)
	var licenses, features []string
	for i := range 1200 {
		licenses = append(licenses, fmt.Sprint("psc,K", i), fmt.Sprint("pro,K", i))
		features = append(features, fmt.Sprintf("K%d,a,psc", i), fmt.Sprintf("K%d,b,", i), fmt.Sprintf("K%d,b,pro", i))
	}
	h.licensesOf(1, licenses...)
	end := h.process(ofKind(events.Features, 2, ""),
		rowsOf(t, events.Features, "license_key,code,product__short_code", features...))
	h.expect(end, events.Counts{Imported: 2400, Rejected: 1200},
		map[string]int{"LicenseFeatureImported": 2400, "RowRejected": 1200})
}
