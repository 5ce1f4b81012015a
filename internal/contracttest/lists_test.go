package contracttest

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLists: paging, filters and order of everything that was imported.
func TestLists(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	file := "license__license_key,product__short_code,customer__email,order__store_id,license__enabled\n"
	for i := 1; i <= 130; i++ {
		file += fmt.Sprintf("Key-%03d,%s,c%d@Example.com,o-%d,%t\n", i, []string{"psc", "pro"}[i%2], i%7, i%3, i%10 != 0)
	}
	c.imports("", file)
	c.imports("", header2+"other-1,psc\nKey_%5,psc\n")

	for path, want := range map[string]string{
		"licenses/":                                       "132",
		"licenses/?license_key=Key-001":                   "1",
		"licenses/?license_key=key-001":                   "0", // upper and lower case differ
		"licenses/?license_key__startswith=Key-0":         "99",
		"licenses/?license_key__startswith=key":           "0",
		"licenses/?license_key__icontains=EY-01":          "10",
		"licenses/?license_key__icontains=%255":           "1",
		"licenses/?product__short_code=pro":               "65",
		"licenses/?product__short_code=PRO":               "0",
		"licenses/?customer_email=C3@example.COM":         "19",
		"licenses/?customer_email=nobody@example.com":     "0",
		"licenses/?order__store_id=o-1":                   "44",
		"licenses/?order__store_id=O-1":                   "0",
		"licenses/?enabled=true":                          "119",
		"licenses/?enabled=False":                         "13",
		"licenses/?import_id=2":                           "2",
		"licenses/?import_id=77":                          "0",
		"licenses/?enabled=false&product__short_code=psc": "13",
		"licenses/?import_id=1&license_key__icontains=-1&product__short_code=pro&order__store_id=o-1&enabled=true": "5",
		"licenses/?license_key__isnull=true":                                                        "0",
		"licenses/?license_key__isnull=false":                                                       "132",
		"licenses/?customer_email__icontains=C3@EXA":                                                "19",
		"licenses/?order__store_id__startswith=o-":                                                  "130",
		"licenses/?order__store_id__icontains=O-1":                                                  "44",
		"licenses/?is_any_floating=true":                                                            "0",
		"licenses/?validity_period__gt=2020-01-01":                                                  "0",
		"licenses/?note__icontains=x&customer_name__icontains=x&customer_company_name__icontains=x": "0",
		"licenses/?product_name__icontains=x&customer__reference__icontains=x":                      "0",
		"licenses/?id__in=1,2,3&validity_period__gte=2020-01-01&validity_period__lt=2020-01-02":     "0",
		"customers/?email__startswith=C3@":                                                          "1",
		"customers/?company_name__icontains=x&first_name__icontains=x&last_name__icontains=x":       "0",
		"customers/?phone__icontains=x&reference__exact=x":                                          "0",
		"customers/?reference__icontains=x&reference__startswith=x":                                 "0",
		"orders/?short_code=pro":                                                                    "3",
		"orders/?short_code=PRO":                                                                    "0",
		"customers/":                                                                                "7",
		"customers/?email=c3@example.com":                                                           "1",
		"customers/?email__icontains=C3@EXA":                                                        "1",
		"customers/?email__icontains=zzz":                                                           "0",
		"orders/":                                                                                   "5",
		"orders/?store_id=o-2":                                                                      "1",
		"orders/?store_id=zzz":                                                                      "0",
		"licenses-import-results/":                                                                  "2",
		"licenses-import-results/?status__iexact=SUCCESS":                                           "2",
		"licenses-import-results/?status_iexact=error":                                              "0",
		"licenses-import-results/?status__iexact=running":                                           "0",
	} {
		fields{"count": want}.check(t, path, c.get(200, "/api/v1/"+path))
	}
	for _, path := range []string{"licenses/", "customers/", "orders/", "licenses-import-results/"} {
		checkPaging(t, c, "/api/v1/"+path)
	}
	for _, path := range []string{
		"licenses/?limit=0", "licenses/?limit=-1", "licenses/?limit=ten", "licenses/?offset=-1", "licenses/?offset=x", "customers/?limit=x", "orders/?offset=x",
		"licenses/?order_by=license_key", "licenses/?enabled=maybe", "licenses/?import_id=x", "licenses-import-results/?limit=x",
		// Filters that cannot be read would show more than was asked for.
		"licenses/?license_key=%zz", "licenses/?license_key=a;enabled=true", "customers/?email=%", "licenses-import-results/?status__iexact=%e",
	} {
		c.get(400, "/api/v1/"+path).problem(t, "invalid_parameter")
	}
	for _, path := range []string{"licenses/?page=2", "licenses/?email=a", "customers/?license_key=a", "orders/?status=x", "licenses-import-results/?status=error"} {
		c.get(400, "/api/v1/"+path).problem(t, "unknown_parameter")
	}
	fields{"results.#": "20", "previous": "null"}.check(t, "the default", c.get(200, "/api/v1/licenses/"))
	fields{"results.#": "100"}.check(t, "the cap", c.get(200, "/api/v1/licenses/?limit=1000"))
	fields{"results.#": "0", "count": "132", "next": "null"}.check(t, "behind the end", c.get(200, "/api/v1/licenses/?offset=500"))
}

// checkPaging: pages put together are the list, newest first or oldest first.
func checkPaging(t *testing.T, c *caller, path string) {
	t.Helper()
	ids := func(query string) []string {
		var ids []string
		for _, m := range pages[made](t, c, path+query) {
			ids = append(ids, m.ID.String())
		}
		return ids
	}
	whole := ids("?limit=100")
	if got := ids("?limit=1&order_by=-created_at&offset=0"); len(whole) < 10 && !slices.Equal(got, whole) {
		t.Errorf("%s: one a page gives %v, not %v", path, got, whole)
	}
	up := ids("?limit=33&order_by=created_at")
	slices.Reverse(up)
	if !slices.Equal(up, whole) {
		t.Errorf("%s: upwards gives %v, not %v", path, up, whole)
	}
	a := c.get(200, path+"?limit=2&offset=1")
	if n := len(whole); n > 3 {
		fields{
			"next":         compact(c.url + path + "?limit=2&offset=3"),
			"previous":     compact(c.url + path + "?limit=2"),
			"results.0.id": whole[1],
		}.check(t, path, a)
	}
}

// TestLicense: a license's members, its event, its customer and order.
func TestLicense(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	c.imports("", "license__license_key,product__short_code,customer__email,customer__city,order__store_id,license__note\n"+
		"a-1,psc,a@example.com,Köln,o-1,<&>\na-2,psc,A@example.com,Bonn,o-1,\n")
	list := c.get(200, "/api/v1/licenses/?order_by=created_at")
	id := list.field("results.0.id")
	l := c.get(200, "/api/v1/licenses/"+id+"/")
	fields{"license_key": `"a-1"`, "enabled": "true", "max_activations": "1", "license_type": `"perpetual"`, "note": `"<&>"`, "validity_period": "null",
		"is_trial": "null", "product.short_code": `"psc"`, "customer.email": `"a@example.com"`, "customer.city": `"Köln"`, "customer.phone": "null",
		"order.store_id": `"o-1"`, "order.type": "null", "import_id": "1", "import_row": "1"}.check(t, "the license", l)
	second := "results.1."
	// The customer is the one that the first row made: it is not changed.
	fields{second + "customer.city": `"Köln"`, second + "customer.id": list.field("results.0.customer.id"), second + "order.id": list.field("results.0.order.id")}.
		check(t, "the second", list)
	fields{"email": `"a@example.com"`, "city": `"Köln"`, "import_id": "1", "import_row": "1"}.check(t, "the customer", c.get(200, "/api/v1/customers/"+l.field("customer.id")+"/"))
	fields{"store_id": `"o-1"`, "import_id": "1"}.check(t, "the order", c.get(200, "/api/v1/orders/"+l.field("order.id")))
	event := c.get(200, "/api/v1/licenses/"+list.field("results.1.id")+"/event/")
	if got := event.header.Get("Content-Type"); got != "application/cloudevents+json" {
		t.Errorf("the event is %s", got)
	}
	fields{"id": `"1/2"`, "type": `"LicenseImported"`, "data.customer.city": `"Bonn"`, "data.row": "2"}.check(t, "the event", event)
	for _, path := range []string{"licenses/0/", "licenses/999999/", "licenses/x/", "licenses/1/", "customers/" + list.field("results.1.id"), "orders/1", "licenses/" + id + "/x", "nothing/"} {
		c.get(404, "/api/v1/"+path).problem(t, "not_found")
	}
}

// TestRoutes: slashes, methods and HEAD.
func TestRoutes(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	c.imports("", good+",psc\n")
	license := c.get(200, "/api/v1/licenses/").field("results.0.id")
	for _, path := range []string{
		"/api/v1/me/", resultsPath, resultsPath + "1/", resultsPath + "1/invalid_rows/", resultsPath + "1/existed_rows/", resultsPath + "1/invalid_rows.csv/",
		resultsPath + "1/events/", "/api/v1/licenses/", "/api/v1/licenses/" + license + "/", "/api/v1/licenses/" + license + "/event/",
		"/api/v1/customers/", "/api/v1/orders/", "/api/v1/orders/" + license + "/", "/api/v1/license-import-template.csv/", "/healthz/", "/readyz/",
	} {
		with, without := c.get(200, path), c.get(200, strings.TrimSuffix(path, "/"))
		if string(with.body) != string(without.body) {
			t.Errorf("%s: without the slash it is %s, with it %s", path, without.body, with.body)
		}
		head := c.call(200, "HEAD", path, nil)
		if len(head.body) > 0 || head.header.Get("Content-Type") != with.header.Get("Content-Type") {
			t.Errorf("HEAD %s: %v %s", path, head.header, head.body)
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			if a := c.call(405, method, path, nil).problem(t, "method_not_allowed"); !strings.Contains(a.header.Get("Allow"), "GET") {
				t.Errorf("%s %s: Allow is %q", method, path, a.header.Get("Allow"))
			}
		}
	}
	for _, path := range []string{uploadPath, resultsPath + "1/cancel/"} {
		for _, slash := range []string{"/", ""} {
			for _, method := range []string{"GET", "HEAD", "PUT", "DELETE"} {
				a := c.call(405, method, strings.TrimSuffix(path, "/")+slash, nil)
				if a.header.Get("Allow") != "POST" {
					t.Errorf("%s %s: Allow is %q", method, path, a.header.Get("Allow"))
				}
			}
		}
	}
}

// TestNeverTooEarly: a result, and what it imported, is there as soon as an answer has told of it.
func TestNeverTooEarly(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	for i := range 20 {
		id := c.upload(200, "", fmt.Sprintf("%sk-%d,psc\n", header2, i)).field("job_id")
		if i%2 == 0 {
			c.get(200, resultsPath+id+"/")
		} else {
			fields{"results.0.id": id}.check(t, "the list", c.get(200, resultsPath+"?limit=1"))
		}
		c.await(id)
		fields{"count": "1"}.check(t, "its license", c.get(200, "/api/v1/licenses/?import_id="+id))
	}
}

// TestSameAnswers: every GET answers the same, byte for byte, after a rebuild and after a backup was restored.
func TestSameAnswers(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	c.imports("", "license__license_key,product__short_code,customer__email,order__store_id\na-1,psc,a@example.com,o-1\na-1,psc,a@example.com,\nb,psc,A@example.com,o-1\n,psc,x,\n")
	c.imports("?dry_run=true", good)
	c.imports("?mode=all_or_nothing", header2+",psc\n")
	u := c.begin("", 3_000)
	c.call(202, "POST", resultsPath+u.id+"/cancel/", nil)
	u.end()
	before := c.readEverything(4)
	copied := filepath.Join(t.TempDir(), "backup")
	command(t, "backup", copied, "--data", s.data) // while it runs
	s.stop(t)

	if out := command(t, "rebuild", "--data", s.data); !strings.Contains(out, "Digest of the views: ") {
		t.Errorf("rebuild prints %s", out)
	}
	compareEverything(t, "rebuilt", s.data, s.admin, before)
	restored := filepath.Join(t.TempDir(), "data")
	command(t, "restore", copied, "--data", restored)
	compareEverything(t, "restored", restored, s.admin, before)
	if o := run(t, "", "restore", copied, "--data", restored); o.status == 0 {
		t.Error("restored into a directory that is not empty")
	}
}

// readEverything reads all lists, and all that there is of each import and license.
func (c *caller) readEverything(imports int) map[string]string {
	c.Helper()
	paths := []string{resultsPath, "/api/v1/licenses/", "/api/v1/customers/", "/api/v1/orders/"}
	for id := 1; id <= imports; id++ {
		one := fmt.Sprintf("%s%d/", resultsPath, id)
		paths = append(paths, one, one+"invalid_rows/", one+"existed_rows/", one+"invalid_rows.csv", one+"events/")
	}
	for _, m := range pages[made](c.T, c, "/api/v1/licenses/") {
		one := "/api/v1/licenses/" + m.ID.String() + "/"
		paths = append(paths, one, one+"event/")
	}
	answers := map[string]string{}
	for _, path := range paths {
		answers[path] = string(c.get(200, path).body)
	}
	return answers
}

func compareEverything(t *testing.T, what, data, key string, before map[string]string) {
	t.Helper()
	s := serveOn(t, data, "--admin-key", key)
	defer s.stop(t)
	c := s.as(t, key)
	eventually(t, "readiness", func() bool { return c.send("GET", "/readyz", nil).status == http.StatusOK })
	now := c.readEverything(4)
	if len(now) != len(before) || len(now) < 20 {
		t.Errorf("%s: %d answers, before %d", what, len(now), len(before))
	}
	for path, answer := range now {
		if answer != before[path] {
			t.Errorf("%s: %s: was %s, is %s", what, path, before[path], answer)
		}
	}
}
