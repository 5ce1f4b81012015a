package readapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// TestFiltersAgainstBruteForce compares lists with a search of all events: ids, order, count,
// pages.
func TestFiltersAgainstBruteForce(t *testing.T) {
	log := newMemLog(manyImports(4, 3, 250)...)
	r := newHarness(t, t.TempDir(), log)
	all := importedLicenses(t, log)
	type test map[string]func(l projector.License) bool
	enabled := func(want bool) func(projector.License) bool {
		return func(l projector.License) bool { return *l.Event.License.Enabled == want }
	}
	tests := []test{
		{"": func(projector.License) bool { return true }},
		{"product__short_code=ü": func(l projector.License) bool { return l.Event.Product.ShortCode == "ü" }},
		{"product__short_code=A": func(l projector.License) bool { return false }}, // case counts
		{"license_key=Key-00042": func(l projector.License) bool { return l.Event.License.Key == "Key-00042" }},
		{"license_key=key-00042": func(l projector.License) bool { return false }},
		{"license_key__startswith=Key-01": func(l projector.License) bool {
			return strings.HasPrefix(l.Event.License.Key, "Key-01")
		}},
		{"license_key__icontains=EY-00": func(l projector.License) bool {
			return strings.Contains(l.Event.License.Key, "ey-00")
		}},
		{"customer_email=ADA77@Example.com": func(l projector.License) bool {
			return l.Event.Customer != nil && strings.EqualFold(l.Event.Customer.Email, "ada77@example.com")
		}},
		{"order__store_id=order-50": func(l projector.License) bool { return l.Event.Order.StoreID == "order-50" }},
		{"order__store_id=nowhere": func(l projector.License) bool { return false }},
		{"enabled=TRUE": enabled(true)},
		{"enabled=0": enabled(false)},
		{"import_id=3": func(l projector.License) bool { return l.Event.JobID == 3 }},
		{"import_id=99": func(l projector.License) bool { return false }},
	}
	for i, a := range tests {
		for _, b := range tests[i:] {
			for first, isFirst := range a {
				for second, isSecond := range b {
					if second == first {
						comparePages(t, r, first, all, isFirst)
						continue
					}
					if name := func(filter string) string { return strings.Split(filter, "=")[0] }; name(first) == name(second) {
						continue // a repeated parameter is a 400
					}
					comparePages(t, r, first+"&"+second, all, func(l projector.License) bool { return isFirst(l) && isSecond(l) })
				}
			}
		}
	}
}

// importedLicenses are the licenses that the events of a log imported.
func importedLicenses(t *testing.T, log *memLog) (all []projector.License) {
	for _, m := range log.Messages {
		envelope, err := events.Decode(m.Data)
		check(t, err)
		if e, ok := envelope.Event.(*events.LicenseImported); ok {
			all = append(all, projector.License{Seq: m.Seq, Event: e})
		}
	}
	return all
}

// comparePages reads all pages of a list in both orders.
func comparePages(t *testing.T, r *harness, filter string, all []projector.License,
	matches func(projector.License) bool) {
	t.Helper()
	var want []uint64
	for _, l := range all {
		if matches(l) {
			want = append(want, uint64(l.Seq))
		}
	}
	query, err := url.ParseQuery(filter)
	check(t, err)
	for _, name := range []string{"product__short_code", "license_key", "enabled", "order__store_id", "import_id"} {
		if len(query[name]) > 1 {
			return // one parameter twice
		}
	}
	for _, order := range []string{"created_at", "-created_at"} {
		var got []uint64
		for offset := 0; ; offset += 100 {
			path := fmt.Sprintf("%slicenses/?limit=100&order_by=%s&offset=%d&%s", prefix, order, offset, query.Encode())
			page := into[listed](r, path)
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

func TestInvalidParameters(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(started(1, "anna")))
	for _, query := range []string{
		"licenses/?enabled=maybe", "licenses/?import_id=abc", "licenses/?import_id=0", "licenses/?import_id=01", "licenses/?id__in=4,04",
		"licenses/?order_by=license_key", "licenses/?limit=0", "customers/?offset=-1", "orders/?order_by=id",
		"licenses-import-results/?limit=x", "licenses-import-results/1/invalid_rows/?limit=x",
		"licenses-import-results/1/invalid_rows.csv?raw=perhaps", "licenses-import-results/1/invalid_rows.csv?raw=",
		"licenses/?license_key=a&license_key=b", "licenses/?customer_email=",
		"licenses-import-results/?status__iexact=error&status_iexact=error",
	} {
		if a := r.get("/api/v1/" + query); a.status != 400 || !strings.Contains(a.body, `"invalid_parameter"`) {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}

// TestUnknownParametersAreRefusedEverywhere: no read ignores a filter that it does not know.
func TestUnknownParametersAreRefusedEverywhere(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(started(1, "anna"), imported(1, 1, "a", "A", "ada@example.com", "")))
	router := httpx.NewRouter(httpx.Options{})
	New(r.Projector, catalogue).Register(router, access.NewAuthenticator(access.Config{}))
	for _, route := range router.Routes() {
		if route.Method != http.MethodGet {
			continue
		}
		path := strings.Replace(route.Path, ":id", "1", 1)
		if a := r.get(path + "?page=2"); a.status != 400 || !strings.Contains(a.body, `"unknown_parameter"`) {
			t.Errorf("%s?page=2: %d %s", path, a.status, a.body)
		}
		for _, name := range route.Query {
			if a := r.get(path + "?" + name + "="); a.status != 400 || !strings.Contains(a.body, `"invalid_parameter"`) {
				t.Errorf("%s?%s=: %d %s", path, name, a.status, a.body)
			}
		}
	}
}

func TestNotFound(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(started(1, "anna")))
	for _, path := range []string{
		"licenses/1/", "licenses/0/", "licenses/x/", "licenses/18446744073709551615/event/", "customers/1/", "orders/7",
		"licenses-import-results/2/", "licenses-import-results/x/", "licenses-import-results/01/events/",
		"licenses-import-results/2/invalid_rows.csv",
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

// TestIDsHaveOneForm: with a leading zero it is not the same address.
func TestIDsHaveOneForm(t *testing.T) {
	r, _ := partiesHarness(t, manyParties(1, 20))
	for _, list := range []string{"licenses", "customers", "orders", "licenses-import-results"} {
		id := fmt.Sprint(r.all(adminKey, list+"/", nil)[0]["id"])
		for _, below := range []string{"", "history/", "event/", "undo/", "invalid_rows/"} {
			right := r.get(prefix + list + "/" + id + "/" + below).status
			if wrong := r.get(prefix + list + "/0" + id + "/" + below).status; wrong != 404 || below == "" && right != 200 {
				t.Errorf("%s/%s/%s: %d, with a zero %d", list, id, below, right, wrong)
			}
		}
	}
}

func TestPaginateCounts(t *testing.T) {
	many := slices.Values(make([]events.Seq, 5000))
	page := httpx.Page{Limit: 20}
	if ids, count := paginate(many, projector.CountUnknown, page); count != 5000 || len(ids) != 20 {
		t.Errorf("counted by passing all: %d, %d ids", count, len(ids))
	}
	if ids, count := paginate(many, 7000, page); count != 7000 || len(ids) != 20 {
		t.Errorf("a count that is known: %d, %d ids", count, len(ids))
	}
}
