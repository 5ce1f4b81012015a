package projector

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/httpx"
)

// TestFiltersAgainstBruteForce compares lists with what a look at every event
// gives: ids, their order, count and pages.
func TestFiltersAgainstBruteForce(t *testing.T) {
	tape := newTape(manyImports(4, 3, 250)...)
	r := newRig(t, t.TempDir(), tape)
	all := wholeLicenses(t, tape)
	type test map[string]func(l license) bool
	enabled := func(want bool) func(license) bool {
		return func(l license) bool { return *l.event.License.Enabled == want }
	}
	tests := []test{
		{"": func(license) bool { return true }},
		{"product__short_code=ü": func(l license) bool { return l.event.Product.ShortCode == "ü" }},
		{"product__short_code=A": func(l license) bool { return false }}, // case counts
		{"license_key=Key-00042": func(l license) bool { return l.event.License.Key == "Key-00042" }},
		{"license_key=key-00042": func(l license) bool { return false }},
		{"license_key__startswith=Key-01": func(l license) bool { return strings.HasPrefix(l.event.License.Key, "Key-01") }},
		{"license_key__icontains=EY-00": func(l license) bool { return strings.Contains(l.event.License.Key, "ey-00") }},
		{"customer_email=ADA77@Example.com": func(l license) bool {
			return l.event.Customer != nil && strings.EqualFold(l.event.Customer.Email, "ada77@example.com")
		}},
		{"order__store_id=order-50": func(l license) bool { return l.event.Order.StoreID == "order-50" }},
		{"order__store_id=nowhere": func(l license) bool { return false }},
		{"enabled=TRUE": enabled(true)},
		{"enabled=0": enabled(false)},
		{"import_id=3": func(l license) bool { return l.event.JobID == 3 }},
		{"import_id=99": func(l license) bool { return false }},
	}
	for i, a := range tests {
		for _, b := range tests[i:] {
			for first, isFirst := range a {
				for second, isSecond := range b {
					comparePages(t, r, first+"&"+second, all, func(l license) bool { return isFirst(l) && isSecond(l) })
				}
			}
		}
	}
}

// wholeLicenses are all imported licenses of a tape.
func wholeLicenses(t *testing.T, tape *tape) (all []license) {
	for _, m := range tape.messages {
		envelope, err := events.Decode(m.Data)
		check(t, err)
		if e, ok := envelope.Event.(*events.LicenseImported); ok {
			all = append(all, license{seq: m.Seq, event: e})
		}
	}
	return all
}

func comparePages(t *testing.T, r *rig, filter string, all []license, matches func(license) bool) {
	t.Helper()
	var want []uint64
	for _, l := range all {
		if matches(l) {
			want = append(want, uint64(l.seq))
		}
	}
	query, err := url.ParseQuery(filter)
	check(t, err)
	if query.Get("product__short_code") != "" && len(query["product__short_code"]) > 1 || len(query["license_key"]) > 1 || len(query["enabled"]) > 1 ||
		len(query["order__store_id"]) > 1 || len(query["import_id"]) > 1 {
		return // one parameter twice
	}
	for _, order := range []string{"created_at", "-created_at"} {
		var got []uint64
		for offset := 0; ; offset += 100 {
			page := into[listed](r, "/api/v1/licenses/?limit=100&order_by="+order+"&offset="+fmt.Sprint(offset)+"&"+query.Encode())
			got = append(got, page.ids()...)
			if page.Count != len(want) {
				t.Fatalf("%s: count %d, want %d", filter, page.Count, len(want))
			}
			if page.Next == nil {
				break
			}
		}
		if order == "-created_at" {
			slices.Reverse(got)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s, %s: %v, want %v", filter, order, got, want)
		}
	}
}

func TestParametersThatAreMistakes(t *testing.T) {
	r := newRig(t, t.TempDir(), newTape(started(1, "anna")))
	for _, query := range []string{
		"licenses/?enabled=maybe", "licenses/?import_id=abc", "licenses/?import_id=0", "licenses/?order_by=license_key", "licenses/?limit=0",
		"customers/?offset=-1", "orders/?order_by=id", "licenses-import-results/?limit=x", "licenses-import-results/1/invalid_rows/?limit=x",
		"licenses-import-results/1/invalid_rows.csv?raw=perhaps",
	} {
		if a := r.get("/api/v1/" + query); a.status != 400 || !strings.Contains(a.body, `"invalid_parameter"`) {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}

func TestNothingThere(t *testing.T) {
	r := newRig(t, t.TempDir(), newTape(started(1, "anna")))
	for _, path := range []string{
		"licenses/1/", "licenses/0/", "licenses/x/", "licenses/18446744073709551615/event/", "customers/1/", "orders/7", "licenses-import-results/2/",
		"licenses-import-results/x/", "licenses-import-results/01/events/", "licenses-import-results/2/invalid_rows.csv",
	} {
		if a := r.get("/api/v1/" + path); a.status != 404 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	a := r.get("/api/v1/licenses/import_from_csv")
	if a.status != 405 || !strings.Contains(a.header.Get("Allow"), "POST") {
		t.Errorf("GET where imports are posted: %d %v", a.status, a.header)
	}
}

func TestSearchThatTakesTooLong(t *testing.T) {
	limit := &deadline{at: tapeBegins}
	many := make(list, 5000)
	for i := range many {
		many[i] = uint64(i)
	}
	if _, _, err := pageOf(many, unknown, httpx.Page{Limit: 20}, true, limit); err != errTooBroad {
		t.Errorf("%v, want errTooBroad", err)
	}
	if _, count, err := pageOf(many, 5000, httpx.Page{Limit: 20}, true, limit); err != nil || count != 5000 {
		t.Errorf("a page that is filled in time: %d, %v", count, err)
	}
}

func TestSets(t *testing.T) {
	a, b := list{1, 3, 5, 7, 9}, list{3, 4, 5, 9, 11}
	tests := []struct {
		name string
		set  set
		want []uint64
	}{
		{"list", a, a}, {"empty", list{}, nil},
		{"both", both{a, b}, []uint64{3, 5, 9}}, {"both of one", both{a}, a}, {"both of nothing", both{a, list{}}, nil},
		{"either", either{a, b}, []uint64{1, 3, 4, 5, 7, 9, 11}},
		{"without", without{a, b}, []uint64{1, 7}}, {"without all", without{a, a}, nil},
		{"nested", both{either{a, b}, without{b, list{4}}, list{3, 4, 11}}, []uint64{3, 11}},
	}
	for _, test := range tests {
		for _, down := range []bool{false, true} {
			got, count, err := pageOf(test.set, unknown, httpx.Page{Limit: 100}, down, &deadline{})
			check(t, err)
			if down {
				slices.Reverse(got)
			}
			if !slices.Equal(got, test.want) || count != len(test.want) {
				t.Errorf("%s, down %v: %v (%d), want %v", test.name, down, got, count, test.want)
			}
		}
	}
}

func TestContainsFold(t *testing.T) {
	for text, keys := range map[string][]string{"aBc": {"xABCx", "abc"}, "ÄÖ": {"xäöx", "ÄÖ"}, "-1": {"a-1"}, "k": {"\u212A"}} {
		for _, key := range keys {
			if !containsFold(text)([]byte(key)) {
				t.Errorf("%q is not found in %q", text, key)
			}
		}
	}
	if keyMatches("", "psc")([]byte("key\x00psc")) {
		t.Error("the product is no part of the key")
	}
}
