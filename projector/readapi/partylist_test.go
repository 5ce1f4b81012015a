package readapi

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestSearchOfCustomersAndOrders: a search finds the customers that are shown with each word, and the orders
// of the licenses that a search of licenses finds; also together with other filters.
func TestSearchOfCustomersAndOrders(t *testing.T) {
	r, _ := partiesHarness(t, changedParties(1, 400))
	customers, orders := r.all(adminKey, "customers/", nil), r.all(adminKey, "orders/", nil)
	texts := []func(shown) string{
		func(c shown) string { return c.text("email") },
		func(c shown) string { return strings.TrimSpace(c.text("first_name") + " " + c.text("last_name")) },
		func(c shown) string { return c.text("company_name") },
	}
	found := map[string]int{}
	for _, words := range []string{"DA1", "byron", "ADA lovelace", "acme", "ümlaut", "example.com", "eve", "zzz", "shop-2", "photo", "KEY-1", " a  1 "} {
		search := url.Values{"search": {words}}
		want := slices.DeleteFunc(slices.Clone(customers), func(c shown) bool {
			return !matchesAll(strings.Fields(words), func(word string) bool {
				return slices.ContainsFunc(texts, func(text func(shown) string) bool { return fold(text(c), word) })
			})
		})
		r.compareLists("customers", r.all(adminKey, "customers/", search), want, words)
		found["customers"] += len(want)
		of := map[string]bool{}
		for _, l := range r.all(adminKey, "licenses/", search) {
			of[l.text("order.id")] = true
		}
		want = slices.DeleteFunc(slices.Clone(orders), func(o shown) bool { return !of[o.text("id")] })
		r.compareLists("orders", r.all(adminKey, "orders/", search), want, words)
		found["orders"] += len(want)
		want = slices.DeleteFunc(r.all(adminKey, "customers/", search), func(c shown) bool { return !fold(c.text("email"), "ada1") })
		search["email__startswith"] = []string{"ada1"}
		r.compareLists("customers with two filters", r.all(adminKey, "customers/", search), want, words)
	}
	if found["customers"] == 0 || found["orders"] == 0 {
		t.Errorf("nothing was found: %v", found)
	}
}

func matchesAll(words []string, matches func(string) bool) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !matches(word) })
}

// TestSortedCustomersAndOrders: each column, both ways, page by page and with a search: in the order of what is
// shown. A manager who is limited to products is refused, as without sort.
func TestSortedCustomersAndOrders(t *testing.T) {
	r, limited := partiesHarness(t, changedParties(1, 400))
	name := func(c shown) string { return strings.TrimSpace(c.text("first_name") + " " + c.text("last_name")) }
	for _, test := range []struct {
		list, sort string
		text       func(shown) string
	}{
		{"customers/", "email", func(c shown) string { return c.text("email") }},
		{"customers/", "first_name", name},
		{"customers/", "company_name", func(c shown) string { return c.text("company_name") }},
		{"orders/", "store_id", func(o shown) string { return o.text("store_id") }},
	} {
		for _, filters := range []url.Values{nil, {"search": {"shop"}}, {"search": {"a"}}, {"search": {"zzz"}}} {
			want := r.all(adminKey, test.list, filters)
			slices.SortStableFunc(want, func(a, b shown) int {
				return strings.Compare(strings.ToLower(test.text(a)), strings.ToLower(test.text(b)))
			})
			r.compareSorted(adminKey, test.list, test.sort, filters, bareLast(want, test.text))
			slices.Reverse(want)
			r.compareSorted(adminKey, test.list, "-"+test.sort, filters, bareLast(want, test.text))
		}
	}
	for _, list := range []string{"customers/", "orders/"} {
		for _, query := range []string{"sort=created_at", "sort=phone", "sort=--email", "sort=email&order_by=created_at", "sort=store_id&order_by=created_at",
			"sort=email&limit=100&offset=9901", "search=%20", "search=a%00", "search=" + strings.Repeat("x", maxSearch+1)} {
			if a := r.get(prefix + list + "?" + query); a.status != 400 || !strings.Contains(a.body, `"invalid_parameter"`) {
				t.Errorf("%s %.40s: %d %.200s", list, query, a.status, a.body)
			}
		}
		for _, query := range []string{"search=ada", "sort=email", "sort=store_id"} {
			if a := r.getAs(limited, prefix+list+"?"+query); a.status != 403 {
				t.Errorf("%s %s for a limited manager: %d %.200s", list, query, a.status, a.body)
			}
		}
	}
}
