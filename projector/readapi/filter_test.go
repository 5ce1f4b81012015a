package readapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/projector"
)

// shown is a license, customer, order or product as an answer has it.
type shown map[string]any

// text is a member as text, through objects by dots; empty if it is null or missing.
func (s shown) text(path string) string {
	name, rest, nested := strings.Cut(path, ".")
	switch v := s[name].(type) {
	case map[string]any:
		if nested {
			return shown(v).text(rest)
		}
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// all reads every page of a list, oldest first where the list has an order.
func (r *harness) all(key, path string, query url.Values) (members []shown) {
	r.Helper()
	query = oldestFirst(query)
	query.Set("limit", "100")
	for offset := 0; ; offset += 100 {
		query.Set("offset", strconv.Itoa(offset))
		a := r.getAs(key, prefix+path+"?"+query.Encode())
		var page struct {
			Count   int
			Results []shown
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 {
			r.Fatalf("%s: %d %s", query.Encode(), a.status, a.body)
		}
		if members = append(members, page.Results...); len(page.Results) == 0 {
			if page.Count != len(members) {
				r.Errorf("%s?%s: count %d, and %d members", path, query.Encode(), page.Count, len(members))
			}
			return members
		}
	}
}

func oldestFirst(query url.Values) url.Values {
	c := url.Values{"order_by": {"created_at"}}
	for name, values := range query {
		c[name] = values
	}
	return c
}

// changedParties are those licenses after some were updated by a second import, and after an undo of the first
// has revoked some of the others.
func changedParties(seed uint64, n int) []events.Event {
	random := rand.New(rand.NewPCG(seed, 3))
	all := manyParties(seed, n)
	donor := manyParties(seed+1, n) // what rows of the second import say
	first := len(all)
	all = append(all, started(2, "bert"), sealed(2, events.Row(n)), progressed(2, 0, 0, 0, 0))
	updated := map[events.Row]bool{}
	for at, e := range all[:first] {
		made, ok := e.(*events.LicenseImported)
		if !ok || random.IntN(3) > 0 {
			continue
		}
		updated[made.Row] = true
		from := donor[at].(*events.LicenseImported)
		u := &events.LicenseUpdated{JobID: 2, Row: made.Row, License: from.License, Product: made.Product, Customer: from.Customer, Order: from.Order,
			Previous: events.Seq(at + 1), By: events.Origin{JobID: 1, Row: made.Row},
			Changed: []events.Change{{Column: "license__note", From: made.License.Note, To: from.License.Note}}}
		u.License.Key = made.License.Key
		all = append(all, u)
	}
	end := finished(2, events.Row(n), 0, 0, 0)
	end.Updated = events.Row(len(updated))
	all = append(all, end, &events.UndoStarted{JobID: 1, Manager: "boss"})
	var counts events.UndoCounts
	for at, e := range all[:first] {
		made, ok := e.(*events.LicenseImported)
		switch {
		case !ok:
		case updated[made.Row]:
			counts.Kept++
			all = append(all, &events.LicenseKept{JobID: 1, Row: made.Row, LicenseKey: made.License.Key, Product: made.Product,
				By: events.Origin{JobID: 2, Row: made.Row}})
		case random.IntN(2) == 0:
			counts.Revoked++
			all = append(all, &events.LicenseRevoked{JobID: 1, Row: made.Row, LicenseKey: made.License.Key, Product: made.Product,
				Manager: "boss", Previous: events.Seq(at + 1)})
		}
	}
	return append(all, &events.UndoProgressed{JobID: 1, Position: events.Seq(first - 1), UndoCounts: counts})
}

// manyParties are licenses of few products, customers and orders, whose rows say random things of them.
func manyParties(seed uint64, n int) []events.Event {
	random := rand.New(rand.NewPCG(seed, 2))
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	all := []events.Event{started(1, "anna"), sealed(1, events.Row(n)), progressed(1, 0, 0, 0, 0)}
	for row := events.Row(1); row <= events.Row(n); row++ {
		email, store := "", ""
		if c := random.IntN(60); c > 5 {
			email = fmt.Sprintf("%s%d@example.com", pick("Ada", "ada", "Bert"), c)
		}
		if o := random.IntN(60); o > 9 {
			store = fmt.Sprintf("%s-%d", pick("Shop", "eShop"), o)
		}
		e := imported(1, row, pick("a", "b", "ü"), fmt.Sprintf("%s-%d", pick("Key", "KEY"), row), email, store)
		e.Product.Name = pick("", "Photo Pro", "photo lite")
		e.License.Note = pick("", "Moved", "removed =1")
		e.License.ValidityPeriod = pick("", "2030-01-01", "2030-06-30", "2031-01-01")
		for _, flag := range []**bool{&e.License.IsFloating, &e.License.IsFloatingCloud} {
			if random.IntN(3) == 0 {
				yes := random.IntN(2) == 0
				*flag = &yes
			}
		}
		if off := false; random.IntN(5) == 0 {
			e.License.Enabled = &off
		}
		if e.Customer != nil {
			e.Customer.FirstName, e.Customer.LastName = pick("", "Ada", "Eve"), pick("", "Byron", "Lovelace")
			e.Customer.CompanyName, e.Customer.Reference = pick("", "ACME", "Acme Ltd", "Ümlaut"), pick("", "0042", "42-a")
			e.Customer.Phone = pick("", "+44 1", "0049")
		}
		all = append(all, e)
	}
	return append(all, finished(1, events.Row(n), events.Row(n), 0, 0))
}

// fold is a comparison without regard to case.
func fold(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

// TestEveryFilterSelectsByWhatIsShown: each documented filter of licenses selects what a person would who
// reads all that is shown to them, also where the manager is limited to products.
func TestEveryFilterSelectsByWhatIsShown(t *testing.T) {
	t.Run("as imported", func(t *testing.T) { everyFilter(t, manyParties(1, 150)) })
	t.Run("after changes", func(t *testing.T) { everyFilter(t, changedParties(1, 150)) })
}

func everyFilter(t *testing.T, all []events.Event) {
	r, limited := partiesHarness(t, all)
	type is = func(l shown, value string) bool
	contains := func(path string) is { return func(l shown, v string) bool { return fold(l.text(path), v) } }
	equal := func(path string) is { return func(l shown, v string) bool { return l.text(path) == v } }
	begins := func(path string) is {
		return func(l shown, v string) bool { return strings.HasPrefix(l.text(path), v) }
	}
	date := func(fits func(int) bool) is {
		return func(l shown, v string) bool {
			has := l.text("validity_period")
			return has != "" && fits(strings.Compare(has, v[:10]))
		}
	}
	tests := map[string]struct {
		is     is
		values []string
	}{
		"search": {func(l shown, v string) bool {
			for _, word := range strings.Fields(v) {
				if !slices.ContainsFunc(searched, func(text func(shown) string) bool { return fold(text(l), word) }) {
					return false
				}
			}
			return true
		}, []string{"KEY-1", "da1", "byron", "ADA lovelace", "acme", "shop-2", "ü", "photo", "lite ümlaut", "eve key-3", "b", "=1", "zzz", " 1  2 "}},
		"id__in":                  {func(l shown, v string) bool { return slices.Contains(strings.Split(v, ","), l.text("id")) }, []string{"9,4,5,9", "1", "99999,10"}},
		"license_key":             {equal("license_key"), []string{"Key-7", "KEY-8", "none"}},
		"license_key__startswith": {begins("license_key"), []string{"Key-1", "KEY"}},
		"license_key__icontains":  {contains("license_key"), []string{"y-2", "zzz"}},
		"license_key__isnull":     {func(_ shown, v string) bool { return v == "false" }, []string{"true", "false"}},
		"product_id":              {equal("product.id"), []string{fmt.Sprint(events.ProductID("a")), fmt.Sprint(events.ProductID("ü")), "7"}},
		"product_name__icontains": {contains("product.name"), []string{"PHOTO", "pro", "x"}},
		"product__short_code":     {equal("product.short_code"), []string{"a", "ü", "A"}},
		"customer_id":             {equal("customer.id"), append(someIDs(r.all(adminKey, "customers/", nil)), "1")},
		"customer_email": {func(l shown, v string) bool {
			return events.EmailKey(l.text("customer.email")) == events.EmailKey(v)
		}, []string{"ADA23@example.com", "bert51@example.com", "nobody@example.com"}},
		"customer_email__icontains":        {contains("customer.email"), []string{"DA1", "example", "zzz"}},
		"customer_company_name__icontains": {contains("customer.company_name"), []string{"acme", "ümLAUT", "ltd", "zzz"}},
		"customer__reference__icontains":   {contains("customer.reference"), []string{"42", "-A"}},
		"customer_name__icontains": {func(l shown, v string) bool {
			return fold(l.text("customer.first_name")+" "+l.text("customer.last_name"), v)
		}, []string{"ada love", "EVE", "byron"}},
		"order__store_id":             {equal("order.store_id"), []string{"Shop-57", "eShop-24", "none"}},
		"order__store_id__startswith": {begins("order.store_id"), []string{"Shop-1", "eShop", "shop"}},
		"order__store_id__icontains":  {contains("order.store_id"), []string{"SHOP-2", "es", "zzz"}},
		"note__icontains":             {contains("note"), []string{"MOVED", "=1"}},
		"is_any_floating": {func(l shown, v string) bool {
			return strconv.FormatBool(l.text("is_floating") == "true" || l.text("is_floating_cloud") == "true") == v
		}, []string{"true", "false"}},
		"validity_period__gt":  {date(func(c int) bool { return c > 0 }), []string{"2030-01-01", "2031-01-01"}},
		"validity_period__gte": {date(func(c int) bool { return c >= 0 }), []string{"2030-06-30", "2030-06-30T10:00:00Z"}},
		"validity_period__lt":  {date(func(c int) bool { return c < 0 }), []string{"2030-06-30"}},
		"validity_period__lte": {date(func(c int) bool { return c <= 0 }), []string{"2030-06-30", "2029-01-01"}},
		"enabled":              {equal("enabled"), []string{"true", "false"}},
		"import_id":            {equal("import_id"), []string{"1", "2"}},
	}
	for who, key := range map[string]string{"admin": adminKey, "limited": limited} {
		everything := r.all(key, "licenses/", nil)
		var used [][2]string
		for _, name := range licenseFilters {
			test, ok := tests[name]
			if !ok {
				t.Fatalf("%s has no test", name)
			}
			for _, value := range test.values {
				used = append(used, [2]string{name, value})
				want := slices.DeleteFunc(slices.Clone(everything), func(l shown) bool { return !test.is(l, value) })
				r.compareLists(who, r.all(key, "licenses/", url.Values{name: {value}}), want, name, value)
			}
		}
		random := rand.New(rand.NewPCG(8, 9)) // and two filters at once
		for range 50 {
			a, b := used[random.IntN(len(used))], used[random.IntN(len(used))]
			if a[0] == b[0] {
				continue
			}
			want := slices.DeleteFunc(slices.Clone(everything), func(l shown) bool {
				return !tests[a[0]].is(l, a[1]) || !tests[b[0]].is(l, b[1])
			})
			r.compareLists(who, r.all(key, "licenses/", url.Values{a[0]: {a[1]}, b[0]: {b[1]}}), want, a, b)
		}
	}
}

// searched are the texts of a license, as shown, that a search looks at.
var searched = []func(shown) string{
	func(l shown) string { return l.text("license_key") },
	func(l shown) string { return l.text("product.short_code") },
	func(l shown) string { return l.text("product.name") },
	func(l shown) string { return l.text("customer.email") },
	func(l shown) string {
		return strings.TrimSpace(l.text("customer.first_name") + " " + l.text("customer.last_name"))
	},
	func(l shown) string { return l.text("customer.company_name") },
	func(l shown) string { return l.text("order.store_id") },
}

// TestSortedLists: each column, both ways, page by page and with filters: in the order of what is shown.
func TestSortedLists(t *testing.T) {
	r, limited := partiesHarness(t, changedParties(1, 400))
	for name, path := range map[string]string{"license_key": "license_key", "product__short_code": "product.short_code",
		"customer_email": "customer.email", "order__store_id": "order.store_id"} {
		text := func(l shown) string { return l.text(path) }
		for _, key := range []string{adminKey, limited} {
			for _, filters := range []url.Values{nil, {"search": {"shop"}}, {"enabled": {"true"}}, {"license_key": {"none"}}} {
				want := r.all(key, "licenses/", filters)
				slices.SortStableFunc(want, func(a, b shown) int {
					return strings.Compare(strings.ToLower(text(a)), strings.ToLower(text(b)))
				})
				r.compareSorted(key, "licenses/", name, filters, bareLast(want, text))
				slices.Reverse(want)
				r.compareSorted(key, "licenses/", "-"+name, filters, bareLast(want, text))
			}
		}
	}
	for _, query := range []string{"sort=created_at", "sort=note", "sort=--license_key", "sort=license_key&order_by=created_at",
		"sort=license_key&limit=100&offset=9901", "search=%20", "search=a%00", "search=a%0Ab", "search=" + strings.Repeat("x", maxSearch+1)} {
		if a := r.get(prefix + "licenses/?" + query); a.status != 400 || !strings.Contains(a.body, `"invalid_parameter"`) {
			t.Errorf("%.40s: %d %.200s", query, a.status, a.body)
		}
	}
	if a := r.get(prefix + "licenses/?sort=license_key&limit=100&offset=9900"); a.status != 200 {
		t.Errorf("the last page of a sorted list: %d %s", a.status, a.body)
	}
}

// TestSortedListsEnd: who follows next comes to the end of what can be read, and not to an error.
func TestSortedListsEnd(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(manyParties(1, projector.MaxSorted+50)...))
	r.catchUp()
	// The last four pages are of 30, 30, 30 and 10.
	for start, pages := range map[string]int{"limit=100&offset=9700": 3, "limit=30&offset=9900": 4} {
		address, seen := prefix+"licenses/?sort=license_key&"+start, 0
		for n := 0; address != ""; n++ {
			a := r.get(strings.TrimPrefix(address, "http://example.com"))
			var page struct {
				Next    string
				Results []struct{}
			}
			if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 || n >= pages {
				t.Fatalf("%s: %d %.200s", address, a.status, a.body)
			}
			address, seen = page.Next, seen+len(page.Results)
		}
		_, from, _ := strings.Cut(start, "offset=")
		if offset, _ := strconv.Atoi(from); offset+seen != projector.MaxSorted {
			t.Errorf("%s: it ends after %d", start, offset+seen)
		}
	}
}

// bareLast moves those without a text to the end.
func bareLast(list []shown, text func(shown) string) []shown {
	isBare := func(l shown) bool { return text(l) == "" }
	with := slices.DeleteFunc(slices.Clone(list), isBare)
	return append(with, slices.DeleteFunc(slices.Clone(list), func(l shown) bool { return !isBare(l) })...)
}

// compareSorted reads the first pages of a sorted list, of seven each.
func (r *harness) compareSorted(key, list, sort string, filters url.Values, want []shown) {
	r.Helper()
	var got []shown
	for offset := 0; offset < 42; offset += 7 {
		query := url.Values{"sort": {sort}, "limit": {"7"}, "offset": {strconv.Itoa(offset)}}
		maps.Copy(query, filters)
		var page struct {
			Count   int
			Results []shown
		}
		a := r.getAs(key, prefix+list+"?"+query.Encode())
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 || page.Count != len(want) {
			r.Fatalf("%s: %d, %d of %d: %s", query.Encode(), a.status, page.Count, len(want), a.body)
		}
		got = append(got, page.Results...)
	}
	r.compareLists(list+" sorted by "+sort, got, want[:min(42, len(want))], filters)
}

// someIDs are the ids of some of the oldest and of the newest members of a list.
func someIDs(list []shown) (ids []string) {
	for _, member := range slices.Concat(list[:5], list[len(list)-5:]) {
		ids = append(ids, member.text("id"))
	}
	return ids
}

// TestFirstWrongFilterIsNamed: of several wrong filters the answer names the same one each time.
func TestFirstWrongFilterIsNamed(t *testing.T) {
	query := url.Values{}
	for _, f := range validityFilters {
		query.Set(f.name, "soon")
	}
	for range 30 {
		_, err := parseLicenseFilter(query, access.Manager{})
		if err == nil || !strings.Contains(err.Error(), "validity_period__gt=") {
			t.Fatal(err)
		}
	}
}

// partiesHarness has licenses of several products, and the key of a manager who sees those of two.
func partiesHarness(t *testing.T, all []events.Event) (r *harness, limited string) {
	keys := access.NewStore(newStream(t).Bucket(eventlog.Managers))
	limited, err := keys.Create(t.Context(), "vera", string(access.Viewer), []string{"a", "ü"})
	check(t, err)
	r = newHarnessWith(t, t.TempDir(), newMemLog(all...), access.Config{Store: keys, AdminKey: adminKey})
	r.catchUp()
	return r, limited
}

func (r *harness) compareLists(who string, got, want []shown, of ...any) {
	r.Helper()
	ids := func(list []shown) (ids []string) {
		for _, s := range list {
			ids = append(ids, s.text("id"))
		}
		return ids
	}
	if !slices.Equal(ids(got), ids(want)) {
		r.Errorf("%s, %v: %v, want %v", who, of, ids(got), ids(want))
	}
}

// TestEveryFilterOfCustomersAndOrders is the same for customers and orders.
func TestEveryFilterOfCustomersAndOrders(t *testing.T) {
	t.Run("as imported", func(t *testing.T) { everyPartyFilter(t, manyParties(1, 400)) })
	t.Run("after changes", func(t *testing.T) { everyPartyFilter(t, changedParties(1, 400)) })
}

func everyPartyFilter(t *testing.T, all []events.Event) {
	r, _ := partiesHarness(t, all)
	customers, licenses := r.all(adminKey, "customers/", nil), r.all(adminKey, "licenses/", nil)
	for filter, is := range map[string]func(c shown) bool{
		"email=aDA12@example.com":     func(c shown) bool { return events.EmailKey(c.text("email")) == "ada12@example.com" },
		"email__icontains=A2":         func(c shown) bool { return fold(c.text("email"), "a2") },
		"email__startswith=ADA":       func(c shown) bool { return strings.HasPrefix(events.EmailKey(c.text("email")), "ada") },
		"email__startswith=da":        func(shown) bool { return false },
		"company_name__icontains=cme": func(c shown) bool { return fold(c.text("company_name"), "cme") },
		"first_name__icontains=AD":    func(c shown) bool { return fold(c.text("first_name"), "ad") },
		"last_name__icontains=lace":   func(c shown) bool { return fold(c.text("last_name"), "lace") },
		"phone__icontains=%2B44":      func(c shown) bool { return fold(c.text("phone"), "+44") },
		"reference__exact=0042":       func(c shown) bool { return c.text("reference") == "0042" },
		"reference__icontains=-A":     func(c shown) bool { return fold(c.text("reference"), "-a") },
		"reference__startswith=42":    func(c shown) bool { return strings.HasPrefix(c.text("reference"), "42") },
		"reference__exact=0042&email__startswith=bert&last_name__icontains=b": func(c shown) bool {
			return c.text("reference") == "0042" && strings.HasPrefix(events.EmailKey(c.text("email")), "bert") && fold(c.text("last_name"), "b")
		},
	} {
		query, err := url.ParseQuery(filter)
		check(t, err)
		want := slices.DeleteFunc(slices.Clone(customers), func(c shown) bool { return !is(c) })
		r.compareLists("admin", r.all(adminKey, "customers/", query), want, filter)
	}
	orders := r.all(adminKey, "orders/", nil)
	for filter, is := range map[string]func(o shown) bool{
		"store_id=Shop-12": func(o shown) bool { return o.text("store_id") == "Shop-12" },
		"short_code=b":     func(o shown) bool { return hasOrder(licenses, o, "b") },
		"short_code=ü":     func(o shown) bool { return hasOrder(licenses, o, "ü") },
		"short_code=none":  func(shown) bool { return false },
	} {
		query, err := url.ParseQuery(filter)
		check(t, err)
		want := slices.DeleteFunc(slices.Clone(orders), func(o shown) bool { return !is(o) })
		r.compareLists("admin", r.all(adminKey, "orders/", query), want, filter)
	}
}

// hasOrder reports whether a license of a product is of an order.
func hasOrder(licenses []shown, order shown, product string) bool {
	return slices.ContainsFunc(licenses, func(l shown) bool {
		return l.text("order.id") == order.text("id") && l.text("product.short_code") == product
	})
}

// TestFilterThatCannotBeRead names the filter.
func TestFilterThatCannotBeRead(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(started(1, "anna")))
	many := strings.Repeat("1,", maxIDs) + "1"
	for _, filter := range []string{"id__in=1,x", "id__in=0", "id__in=" + many, "product_id=-1", "customer_id=x", "license_key__isnull=maybe",
		"is_any_floating=2", "validity_period__gt=tomorrow", "validity_period__lte=31/12/2030", "enabled=no%20idea"} {
		name, _, _ := strings.Cut(filter, "=")
		if a := r.get(prefix + "licenses/?" + filter); a.status != 400 || !strings.Contains(a.body, name) {
			t.Errorf("%.40s: %d %.200s", filter, a.status, a.body)
		}
	}
}

// TestProducts: the catalogue in the documented shape, as far as the manager may see it.
func TestProducts(t *testing.T) {
	r, limited := partiesHarness(t, manyParties(1, 400))
	id := func(code string) string { return fmt.Sprint(events.ProductID(code)) }
	for _, test := range []struct {
		key, path string
		status    int
		body      string
	}{
		{adminKey, "products/", 200, `{"count":2,"next":null,"previous":null,"results":[` +
			`{"id":` + id("a") + `,"short_code":"a","product_name":"Product A","license_type":null,"max_activations":null,"features":[]},{"id":` + id("b") + `,"short_code":"b","product_name":null,"license_type":null,"max_activations":null,"features":[]}]}`},
		{adminKey, "products/?short_code=b", 200, `{"count":1,"next":null,"previous":null,"results":[{"id":` + id("b") + `,"short_code":"b","product_name":null,"license_type":null,"max_activations":null,"features":[]}]}`},
		{adminKey, "products/?short_code=B", 200, `{"count":0,"next":null,"previous":null,"results":[]}`},
		{adminKey, "products/" + id("a") + "/", 200, `{"id":` + id("a") + `,"short_code":"a","product_name":"Product A","license_type":null,"max_activations":null,"features":[]}`},
		{adminKey, "products/1/", 404, ""}, {adminKey, "products/x/", 404, ""},
		{limited, "products/", 200, `{"count":1,"next":null,"previous":null,"results":[{"id":` + id("a") + `,"short_code":"a","product_name":"Product A","license_type":null,"max_activations":null,"features":[]}]}`},
		{limited, "products/" + id("b") + "/", 404, ""}, {"", "products/", 401, ""},
	} {
		a := r.getAs(test.key, prefix+test.path)
		if a.status != test.status || test.body != "" && strings.TrimSpace(a.body) != test.body {
			t.Errorf("%s: %d %s, want %s", test.path, a.status, a.body, test.body)
		}
	}
}
