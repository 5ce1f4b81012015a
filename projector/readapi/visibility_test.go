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
		var shown shownResult
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

// TestLimitedManagerLearnsNothingOfCustomersOfOthers: of a customer or an order a limited manager
// sees what rows of its products said, and no counts. Others see the customer as it is.
func TestLimitedManagerLearnsNothingOfCustomersOfOthers(t *testing.T) {
	log := newStream(t)
	keys := access.NewStore(log.Bucket(eventlog.Managers))
	owner, err := keys.Create(t.Context(), "anna", string(access.Importer), []string{"a"})
	check(t, err)
	viewer, err := keys.Create(t.Context(), "vera", string(access.Viewer), []string{"a", "c"})
	check(t, err)
	row := func(job events.JobID, n events.Row, product, key, email, store, said string) *events.LicenseImported {
		e := imported(job, n, product, key, email, store)
		e.Customer.Phone, e.Order.CampaignParams = said, said
		return e
	}
	log.Add(started(1, "boss"), sealed(1, 2), progressed(1, 0, 0, 0, 0), // sequences 1 to 3
		row(1, 1, "b", "B", "ada@example.com", "o1", "hidden"), // 4
		row(1, 2, "a", "C", "eve@example.com", "o2", "shown"),  // 5
		finished(1, 2, 2, 0, 0), started(2, "anna"), sealed(2, 3), progressed(2, 0, 0, 0, 0),
		row(2, 1, "a", "A1", "ADA@example.com", "o1", "own"),   // 10
		row(2, 2, "a", "A2", "eve@example.com", "o2", "later"), // 11
		rejected(2, 3, events.Required), finished(2, 3, 2, 0, 1))
	r := newHarnessWith(t, t.TempDir(), log, access.Config{Store: keys, AdminKey: adminKey})
	r.catchUp()
	paths := []string{"licenses/", "licenses/10/", "licenses/11/", "licenses/10/event/", "licenses/?customer_email=ada@example.com",
		"licenses/?order__store_id=o1", "licenses-import-results/", "licenses-import-results/2/",
		"licenses-import-results/2/events/", "licenses-import-results/2/existed_rows/", "licenses-import-results/2/invalid_rows.csv"}
	for _, key := range []string{adminKey, owner, viewer} { // the admin first: what is cached is not for the others
		for _, path := range paths {
			a := r.getAs(key, prefix+path)
			if a.status != 200 || key != adminKey && strings.Contains(a.body, "hidden") {
				t.Errorf("%.8s %s: %d %s", key, path, a.status, a.body)
			}
		}
	}
	checkParties(t, r, map[string]partiesTest{
		"the admin":             {adminKey, "licenses/10/", "hidden", 4},
		"another product's row": {owner, "licenses/10/", "own", 0},
		"an own product's row":  {owner, "licenses/11/", "shown", 5},
		"several products":      {viewer, "licenses/10/", "own", 0},
	})
	for _, key := range []string{adminKey, owner} {
		for _, path := range []string{"2/", "", "2/events/"} {
			body := r.getAs(key, importsPath+path).body
			for _, count := range []string{"created_customers_count", "existed_customers_count", "created_orders_count", "existed_orders_count"} {
				if null := strings.Contains(body, `"`+count+`":null`); null != (key == owner) {
					t.Errorf("%.8s %s: %s is null: %v", key, path, count, null)
				}
			}
		}
	}
}

// partiesTest is what one manager sees of a license's customer and order.
type partiesTest struct {
	key, path, said string
	id              uint64 // 0: null
}

func checkParties(t *testing.T, r *harness, tests map[string]partiesTest) {
	t.Helper()
	for name, c := range tests {
		var license struct {
			Customer struct {
				ID    *uint64 `json:"id"`
				Phone string  `json:"phone"`
			} `json:"customer"`
			Order struct {
				ID       *uint64 `json:"id"`
				Campaign string  `json:"campaign_params"`
			} `json:"order"`
		}
		check(t, json.Unmarshal([]byte(r.getAs(c.key, prefix+c.path).body), &license))
		if license.Customer.Phone != c.said || license.Order.Campaign != c.said {
			t.Errorf("%s: %+v, want %s", name, license, c.said)
		}
		for _, id := range []*uint64{license.Customer.ID, license.Order.ID} {
			if (id == nil) != (c.id == 0) || id != nil && *id != c.id {
				t.Errorf("%s: ids %v and %v, want %d", name, license.Customer.ID, license.Order.ID, c.id)
			}
		}
	}
}
