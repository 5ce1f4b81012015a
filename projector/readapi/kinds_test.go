package readapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
)

// kindStory has two licenses, the first with a feature, and a customers' import that changes the customer of the
// first, names that of the second and makes one without licenses. Sequences are in the comments.
func kindStory() []events.Event {
	a, b := imported(1, 1, "a", "A", "ada@example.com", ""), imported(1, 2, "b", "B", "bob@example.com", "")
	a.Customer.CompanyName, a.Customer.Reference = "Old Ltd", "r-1"
	start := func(id events.JobID, k *events.Kind) *events.ImportStarted {
		e := started(id, "anna")
		e.Kind, e.Columns, e.Existing = k.Name, k.ColumnNames(), events.UpdateExisting
		return e
	}
	customer := func(row events.Row, c events.Customer) *events.CustomerImported {
		return &events.CustomerImported{JobID: 3, Row: row, Line: uint64(row) + 1, Customer: c, Existing: events.UpdateExisting}
	}
	feature := &events.LicenseFeatureImported{JobID: 2, Row: 1, Line: 2, LicenseKey: "A", LicenseID: 4, Product: a.Product,
		Feature: events.Feature{Code: "reports", Name: "Reports", FeatureType: "consumption", MaxConsumption: new(int)}}
	more := feature.Feature
	more.ExpiryDate = "2030-12-31"
	existed := &events.LicenseFeatureExisted{JobID: 2, Row: 3, Line: 4, LicenseKey: "A", LicenseID: 4, Product: a.Product, Code: "reports",
		By: feature.Origin(), Differs: []string{"expiry_date"}, Warnings: []events.Warning{{Column: "max_overages", Code: events.OveragesNotAllowed, Value: "3"}}}
	bad := rejected(2, 4, events.Required)
	bad.Values = events.Values{}
	bad.Values[column("code")], bad.Values[column("license_key")] = "=x", "A"
	return []events.Event{
		started(1, "anna"), sealed(1, 2), progressed(1, 0, 0, 0, 0), a, b, finished(1, 2, 2, 0, 0), // 4 and 5
		start(2, events.Features), sealed(2, 4), progressed(2, 0, 0, 0, 0), feature, // 10
		&events.LicenseFeatureUpdated{JobID: 2, Row: 2, Line: 3, LicenseKey: "A", LicenseID: 4, Product: a.Product, Feature: more, Previous: 10,
			Changed: []events.Change{{Column: "expiry_date", To: "2030-12-31"}}, By: feature.Origin()}, // 11
		existed, bad, finished(2, 4, 1, 1, 1), // 12 to 14
		start(3, events.Customers), sealed(3, 3), progressed(3, 0, 0, 0, 0),
		customer(1, events.Customer{Email: "ADA@example.com", CompanyName: "New Ltd", Reference: "r-2"}),                           // 18
		customer(2, events.Customer{Email: "bob@example.com"}),                                                                     // 19
		customer(3, events.Customer{Email: "eve@example.com", FirstName: "Eve", LastName: "Old", CompanyName: "x", Phone: "0049"}), // 20
		finished(3, 3, 3, 0, 0),
	}
}

func column(name string) int {
	i, _ := events.ColumnIndex(name)
	return i
}

// TestKindsOfImports: each kind has its own results, under its names; the lists and files of its rows name what
// they are about in the kind's columns. An import asked for under another kind's address does not exist.
func TestKindsOfImports(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(kindStory()...))
	r.catchUp()
	const features, customers = prefix + "license-features-import-results/", prefix + "customers-import-results/"
	for path, want := range map[string]string{
		features + "2/": `"created_license_features_count":1,"existed_license_features_count":1,"created_license_features":1,"existed_license_features":1,` +
			`"updated_license_features_count":1,"differing_rows_count":1`,
		customers + "3/": `"invalid_rows":[],"created_customers_count":1,"existed_customers_count":1,"updated_customers_count":1,"differing_rows_count":0`,
		importsPath:      `"count":1,`,
		features:         `"count":1,`,
		customers:        `"kind":"customers"`,
		features + "2/existed_rows/": `[{"row":3,"license_id":4,"license_key":"A","product":"a","feature_code":"reports","import_id":2,"import_row":1,` +
			`"differs":["expiry_date"]}]`,
		features + "2/updated_rows/": `[{"row":2,"line":3,"license_id":4,"license_key":"A","product":"a","feature_code":"reports",` +
			`"changed":[{"column":"expiry_date","from":"","to":"2030-12-31"}]}]`,
		features + "2/warnings/":     `{"row":3,"line":4,"license_key":"A","product":"a","feature_code":"reports","column":"max_overages","code":"overages_not_allowed"`,
		features + "2/invalid_rows/": `"values":{"license_key":"A","code":"=x"}`,
		features + "2/invalid_rows.csv": "license_key,code,max_consumption,total_consumptions,max_overages,expiry_date,allow_overages,reset_consumption," +
			"consumption_period,product__short_code,error__row",
		features + "2/imported_rows.csv": "row,line,license_key,product__short_code,code,license_id,outcome\r\n1,2,A,a,reports,4,imported\r\n" +
			"2,3,A,a,reports,4,updated\r\n3,4,A,a,reports,4,existed\r\n",
		features + "2/kept_rows/":     `"results":[]`,
		features + "2/undo/":          `{"revoked":1,"restored":0,"kept":0}`,
		customers + "3/existed_rows/": `[{"row":2,"customer_id":5,"email":"bob@example.com","import_id":1,"import_row":2,"differs":[]}]`,
		customers + "3/updated_rows/": `[{"row":1,"line":2,"customer_id":4,"email":"ADA@example.com","changed":[` +
			`{"column":"company_name","from":"Old Ltd","to":"New Ltd"},{"column":"reference","from":"r-1","to":"r-2"}]}]`,
		customers + "3/imported_rows.csv": "row,line,email,customer_id,outcome\r\n1,2,ADA@example.com,4,updated\r\n2,3,bob@example.com,5,existed\r\n" +
			"3,4,eve@example.com,20,imported\r\n",
		prefix + "licenses/4/":         `"features":[{"id":10,"code":"reports","name":"Reports","feature_type":"consumption","max_consumption":0,`,
		prefix + "licenses/":           `"features":[],`,
		prefix + "licenses/4/history/": `"type":"LicenseFeatureUpdated","import_id":2,"import_row":2,"feature_code":"reports","manager":"anna","changed":[{"column":"expiry_date"`,
	} {
		if a := r.get(path); a.status != http.StatusOK || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s\nwant %s", path, a.status, a.body, want)
		}
	}
	for _, path := range []string{importsPath + "2/", features + "1/", customers + "2/undo/", importsPath + "3/events/"} {
		if a := r.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := r.get(customers + "3/undo/"); a.status != http.StatusConflict || !strings.Contains(a.body, "cannot_be_undone") {
		t.Errorf("undo of customers: %d %s", a.status, a.body)
	}
}

// TestCustomersAsTheyAre: lists, licenses, filters, searches and exports show and find a customer by what it is now,
// and not by what it was. Customers without licenses are among them.
func TestCustomersAsTheyAre(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(kindStory()...))
	r.catchUp()
	for path, want := range map[string][]uint64{
		"customers/": {20, 5, 4}, "customers/?company_name__icontains=new": {4}, "customers/?company_name__icontains=old": nil,
		"customers/?reference__exact=r-2": {4}, "customers/?reference__exact=r-1": nil, "customers/?reference__startswith=r-": {4},
		"customers/?reference__icontains=R-2": {4}, "customers/?first_name__icontains=eve": {20}, "customers/?last_name__icontains=old": {20},
		"customers/?first_name__icontains=first": {5, 4}, "customers/?phone__icontains=0049": {20},
		"customers/?email=ADA@example.com": {4}, "customers/?email__icontains=EVE": {20}, "customers/?email__startswith=ada": {4},
		"licenses/?customer_company_name__icontains=new": {4}, "licenses/?customer_company_name__icontains=old": nil,
		"licenses/?customer__reference__icontains=r-2": {4}, "licenses/?customer__reference__icontains=r-1": nil,
		"licenses/?customer_id=4": {4}, "licenses/?customer_id=20": nil, "licenses/?customer_email=ada@example.com": {4},
		"licenses/?customer_name__icontains=first": {5, 4}, "licenses/?search=new": {4}, "licenses/?search=old": nil,
		"customers/?search=NEW+ada": {4}, "customers/?search=old": {20}, "customers/?search=first": {5, 4}, "customers/?search=eve": {20},
		"customers/?sort=email": {4, 5, 20}, "customers/?sort=-email&search=e": {20, 5, 4}, "customers/?sort=company_name&limit=1": {4},
		"orders/?search=old": nil,
	} {
		if got := into[listed](r, prefix+path).ids(); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	for path, want := range map[string]string{
		"licenses/4/":       `"customer":{"id":4,"email":"ada@example.com","first_name":"First A","last_name":null,"company_name":"New Ltd"`,
		"customers/4/":      `"company_name":"New Ltd","phone":null,"reference":"r-2"`,
		"customers/20/":     `"import_id":3,"import_row":3,`,
		"customers/export/": "email,first_name,last_name,company_name,phone,reference,address,postcode,state,city,country\r\nada@example.com,First A,,New Ltd,,r-2,",
		"licenses/export/":  "ada@example.com,First A,,New Ltd,,r-2,",
	} {
		if a := r.get(prefix + path); a.status != http.StatusOK || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s\nwant %s", path, a.status, a.body, want)
		}
	}
}

// TestLimitedManagerSeesNothingElseOfOtherKinds: a manager of some products sees the features of their licenses, and
// of a customer what rows of those products said: not what customers' imports say, nor that there are any.
func TestLimitedManagerSeesNothingElseOfOtherKinds(t *testing.T) {
	keys := access.NewStore(newStream(t).Bucket(eventlog.Managers))
	limited, err := keys.Create(t.Context(), "vera", string(access.Viewer), []string{"a"})
	check(t, err)
	other, err := keys.Create(t.Context(), "otto", string(access.Viewer), []string{"b"})
	check(t, err)
	later := imported(4, 1, "a", "C", "eve@example.com", "")
	later.Customer.Phone = "own"
	all := append(kindStory(), started(4, "anna"), sealed(4, 1), progressed(4, 0, 0, 0, 0), later, finished(4, 1, 1, 0, 0)) // 25
	r := newHarnessWith(t, t.TempDir(), newMemLog(all...), access.Config{Store: keys, AdminKey: adminKey})
	r.catchUp()
	for _, test := range []struct{ key, path, has, hasNot string }{
		{limited, "licenses/4/", `"customer":{"id":4,"email":"ada@example.com","first_name":"First A","last_name":null,"company_name":"Old Ltd"`, "New"},
		{limited, "licenses/25/", `"customer":{"id":null,"email":"eve@example.com","first_name":"First C","last_name":null,"company_name":null,"phone":"own"`, "0049"},
		{limited, "licenses/?customer_company_name__icontains=new", `"count":0`, ""},
		{limited, "licenses/?customer_company_name__icontains=old", `"count":1`, ""},
		{limited, "licenses/?customer_id=20", `"count":0`, ""},
		{limited, "licenses/?search=new", `"count":0`, ""}, {limited, "licenses/?search=old", `"count":1`, ""},
		{limited, "licenses/?search=eve", `"count":1`, ""},
		{limited, "licenses/export/", "Old Ltd", "New"}, {limited, "licenses/export/", "own", "0049"},
		{limited, "customers-import-results/", `"count":0`, ""},
		{limited, "license-features-import-results/2/existed_rows/", `"count":1`, ""},
		{limited, "license-features-import-results/2/imported_rows.csv", "reports", ""},
		{limited, "licenses/4/history/", "reports", ""},
		{other, "license-features-import-results/2/existed_rows/", `"count":0`, ""},
		{other, "license-features-import-results/2/updated_rows/", `"count":0`, ""},
		{other, "license-features-import-results/2/warnings/", `"count":0`, ""},
		{other, "license-features-import-results/2/invalid_rows/", `"count":0`, ""},
		{other, "license-features-import-results/2/imported_rows.csv", "outcome", "reports"},
		{other, "licenses/", `"count":1`, "reports"},
	} {
		a := r.getAs(test.key, prefix+test.path)
		if a.status != http.StatusOK || !strings.Contains(a.body, test.has) || test.hasNot != "" && strings.Contains(a.body, test.hasNot) {
			t.Errorf("%s: %d %s\nwant %s, not %s", test.path, a.status, a.body, test.has, test.hasNot)
		}
	}
	for path, status := range map[string]int{
		"customers-import-results/3/": 404, "customers-import-results/3/updated_rows/": 404, "customers/": 403, "customers/4/": 403,
	} {
		if a := r.getAs(limited, prefix+path); a.status != status {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	var page struct {
		Results []struct{ Features []json.RawMessage }
	}
	check(t, json.Unmarshal([]byte(r.getAs(limited, prefix+"licenses/?license_key=A").body), &page))
	if len(page.Results) != 1 || len(page.Results[0].Features) != 1 {
		t.Errorf("features: %+v", page)
	}
}

// TestLimitedManagerOtherImportsOfCustomers: the result of a customers' import that a limited manager made, when it was
// not limited, names no customers' import of another manager with the same file.
func TestLimitedManagerOtherImportsOfCustomers(t *testing.T) {
	keys := access.NewStore(newStream(t).Bucket(eventlog.Managers))
	limited, err := keys.Create(t.Context(), "vera", string(access.Viewer), []string{"a"})
	check(t, err)
	sameFile := func(id events.JobID, manager string) []events.Event {
		begin, seal := started(id, manager), sealed(id, 1)
		begin.Kind, begin.Columns, seal.SHA256 = events.Customers.Name, events.Customers.ColumnNames(), "the same"
		return []events.Event{begin, seal, finished(id, 1, 0, 0, 1)}
	}
	both := newMemLog(append(sameFile(1, "anna"), sameFile(2, "vera")...)...)
	r := newHarnessWith(t, t.TempDir(), both, access.Config{Store: keys, AdminKey: adminKey})
	r.catchUp()
	const own = prefix + "customers-import-results/2/"
	for key, want := range map[string]string{adminKey: `"same_file_as":1,`, limited: `"same_file_as":null,`} {
		for _, path := range []string{own, own + "events/", prefix + "customers-import-results/"} {
			if a := r.getAs(key, path); a.status != http.StatusOK || !strings.Contains(a.body, want) {
				t.Errorf("%s: %d %s\nwant %s", path, a.status, a.body, want)
			}
		}
	}
}
