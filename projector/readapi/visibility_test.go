package readapi

import (
	"encoding/json"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
)

// TestVisibility asks as managers of all kinds for what is theirs and what is not.
func TestVisibility(t *testing.T) {
	log := newStream(t)
	keys := access.NewStore(log.Bucket(eventlog.Managers))
	key := func(name string, role access.Role, products ...string) string {
		k, err := keys.Create(t.Context(), name, string(role), products)
		check(t, err)
		return k
	}
	anna, bert, viewer := key("anna", access.Importer), key("bert", access.Importer), key("vera", access.Viewer)
	limited, foreign := key("anna", access.Importer, "a"), key("carl", access.Viewer, "c")
	log.Add(started(1, "anna"), sealed(1, 2), progressed(1, 0, 0, 0, 0),
		imported(1, 1, "a", "A", "ada@example.com", "o1"), imported(1, 2, "b", "B", "", ""),
		finished(1, 2, 2, 0, 0), started(2, "bert"))
	r := newHarnessWith(t, t.TempDir(), log, access.Config{Store: keys, AdminKey: adminKey})
	tests := []struct {
		who, path string
		status    int
		count     int // of a list; -1: none
	}{
		{"", "licenses/", 401, -1}, {"nonsense", "licenses/", 401, -1},

		{anna, "licenses-import-results/", 200, 1}, {bert, "licenses-import-results/", 200, 1},
		{viewer, "licenses-import-results/", 200, 2},
		{anna, "licenses-import-results/?status__iexact=Success", 200, 1},
		{bert, "licenses-import-results/?status__iexact=success", 200, 0},
		{anna, "licenses-import-results/1/", 200, -1}, {bert, "licenses-import-results/1/", 404, -1},
		{viewer, "licenses-import-results/1/", 200, -1}, {bert, "licenses-import-results/1/events/", 404, -1},
		{bert, "licenses-import-results/1/invalid_rows.csv", 404, -1},

		{bert, "licenses/", 200, 2}, {limited, "licenses/", 200, 1}, {limited, "licenses/?enabled=true", 200, 1},
		{limited, "licenses/?product__short_code=b", 200, 0}, {limited, "licenses/?product__short_code=a", 200, 1},
		{limited, "licenses/?license_key=B", 200, 0}, {limited, "licenses/4/", 200, -1},
		{limited, "licenses/5/", 404, -1}, {limited, "licenses/5/event/", 404, -1},
		{foreign, "licenses/", 200, 0}, {foreign, "licenses/4/", 404, -1},

		{limited, "customers/", 403, -1}, {limited, "customers/4/", 403, -1}, {bert, "customers/", 200, 1},
		{limited, "orders/", 403, -1}, {limited, "orders/4/", 403, -1}, {viewer, "orders/", 200, 2},
	}
	for _, test := range tests {
		a := r.getAs(test.who, prefix+test.path)
		if a.status != test.status {
			t.Errorf("%.8s %s: %d, want %d: %s", test.who, test.path, a.status, test.status, a.body)
			continue
		}
		var page listed
		if test.count >= 0 {
			check(t, json.Unmarshal([]byte(a.body), &page))
			if page.Count != test.count || len(page.Results) != test.count {
				t.Errorf("%.8s %s: %d, want %d", test.who, test.path, page.Count, test.count)
			}
		}
	}
}

// TestVisibleRows: of an import of another manager, a limited manager sees the rows of its products
// in every answer, and all counts. Of its own import it sees all rows.
func TestVisibleRows(t *testing.T) {
	log := newStream(t)
	keys := access.NewStore(log.Bucket(eventlog.Managers))
	viewer, err := keys.Create(t.Context(), "vera", string(access.Viewer), []string{"a"})
	check(t, err)
	owner, err := keys.Create(t.Context(), "anna", string(access.Importer), []string{"a"})
	check(t, err)
	log.Add(started(1, "anna"), sealed(1, 5), progressed(1, 0, 0, 0, 0))
	for row, product := range []string{" a ", "b", "a"} { // space around a product does not count
		e := rejected(1, events.Row(row+1), events.Required)
		e.Values[events.ColumnProduct] = product
		log.Add(e, progressed(1, events.Row(row+1), 0, 0, events.Row(row+1)))
	}
	for row, product := range []string{"a", "b"} {
		e := &events.LicenseExisted{JobID: 1, Row: events.Row(row + 4), LicenseKey: "K"}
		e.Product.ShortCode = product
		log.Add(e, progressed(1, e.Row, 0, events.Row(row+1), 3))
	}
	log.Add(finished(1, 5, 0, 2, 3))
	r := newHarnessWith(t, t.TempDir(), log, access.Config{Store: keys, AdminKey: adminKey})
	r.catchUp()
	for key, want := range map[string]struct{ rejected, existed int }{viewer: {2, 1}, owner: {3, 2}, adminKey: {3, 2}} {
		of := func(path string) string { return r.getAs(key, importsPath+"1/"+path).body }
		var shown result
		check(t, json.Unmarshal([]byte(of("")), &shown))
		got := shown.Result
		if len(got.InvalidRows) != want.rejected || got.InvalidCount != 3 || got.ExistedLicenses != 2 {
			t.Errorf("the result: %+v, want %+v", got, want)
		}
		for path, n := range map[string]int{
			"invalid_rows/": want.rejected, "invalid_rows/?code=required": want.rejected, "existed_rows/": want.existed,
		} {
			var page listed
			check(t, json.Unmarshal([]byte(of(path)), &page))
			if page.Count != n || len(page.Results) != n {
				t.Errorf("%s: %d of %d rows, want %d", path, len(page.Results), page.Count, n)
			}
		}
		if lines := strings.Count(of("invalid_rows.csv"), "\r\n"); lines != want.rejected+1 {
			t.Errorf("the CSV has %d lines, want %d", lines, want.rejected+1)
		}
	}
}
