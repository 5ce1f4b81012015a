package robustnesstest

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/openapi"
)

// who calls, in the order of the columns of the matrix. Ada is the importer whose
// import it is, Bob another one; Lim and Lena are limited to the product psc.
var who = []string{"nobody", "stranger", "admin", "ada", "bob", "viewer", "lim", "lena"}

// matrix is what each of them is answered on every route, as openapi.yaml names
// it. {id} is Ada's import, or a license of a product that Lim and Lena may not see, or that product. Of an undo
// and a retry it is Ada's dry run, which has nothing for them.
// 415: the upload is let in, and is none; 409: the import has ended already, or was a dry run.
var matrix = map[string]string{
	"GET /healthz":                                               "200 200 200 200 200 200 200 200",
	"GET /readyz":                                                "200 200 200 200 200 200 200 200",
	"GET /metrics":                                               "200 200 200 200 200 200 200 200",
	"GET /openapi.yaml":                                          "200 200 200 200 200 200 200 200",
	"GET /openapi.json":                                          "200 200 200 200 200 200 200 200",
	"GET /api/v1/me/":                                            "401 401 200 200 200 200 200 200",
	"GET /api/v1/views/":                                         "401 401 200 403 403 403 403 403",
	"POST /api/v1/views/rebuild/":                                "401 401 200 403 403 403 403 403",
	"GET /api/v1/license-import-template.csv":                    "401 401 200 200 200 200 200 200",
	"POST /api/v1/licenses/import_from_csv/":                     "401 401 415 415 415 403 415 403",
	"GET /api/v1/licenses-import-results/":                       "401 401 200 200 200 200 200 200",
	"GET /api/v1/licenses-import-results/{id}/":                  "401 401 200 200 404 200 404 200",
	"GET /api/v1/licenses-import-results/{id}/invalid_rows/":     "401 401 200 200 404 200 404 200",
	"GET /api/v1/licenses-import-results/{id}/invalid_rows.csv":  "401 401 200 200 404 200 404 200",
	"GET /api/v1/licenses-import-results/{id}/invalid_rows.xlsx": "401 401 200 200 404 200 404 200",
	"GET /api/v1/license-import-template.xlsx":                   "401 401 200 200 200 200 200 200",
	"GET /api/v1/licenses-import-results/{id}/existed_rows/":     "401 401 200 200 404 200 404 200",
	"GET /api/v1/licenses-import-results/{id}/events/":           "401 401 200 200 404 200 404 200",
	"GET /api/v1/licenses-import-results/{id}/imported_rows.csv": "401 401 200 200 404 200 404 200",
	"GET /api/v1/licenses-import-results/{id}/updated_rows/":     "401 401 200 200 404 200 404 200",
	"GET /api/v1/licenses-import-results/{id}/kept_rows/":        "401 401 200 200 404 200 404 200",
	"GET /api/v1/licenses-import-results/{id}/warnings/":         "401 401 200 200 404 200 404 200",
	"GET /api/v1/licenses-import-results/{id}/undo/":             "401 401 200 200 404 200 404 200",
	"POST /api/v1/licenses-import-results/{id}/cancel/":          "401 401 409 409 404 403 404 403",
	"POST /api/v1/licenses-import-results/{id}/undo/":            "401 401 409 409 404 403 404 403",
	"POST /api/v1/licenses-import-results/{id}/retry/":           "401 401 409 409 404 403 404 403",
	"GET /api/v1/licenses/":                                      "401 401 200 200 200 200 200 200",
	"GET /api/v1/licenses/{id}/":                                 "401 401 200 200 200 200 404 404",
	"GET /api/v1/licenses/{id}/event/":                           "401 401 200 200 200 200 404 404",
	"GET /api/v1/licenses/{id}/history/":                         "401 401 200 200 200 200 404 404",
	"GET /api/v1/licenses/export/":                               "401 401 200 200 200 200 200 200",
	"GET /api/v1/products/":                                      "401 401 200 200 200 200 200 200",
	"GET /api/v1/products/{id}/":                                 "401 401 200 200 200 200 404 404",
	"GET /api/v1/customers/export/":                              "401 401 200 200 200 200 403 403",
	"GET /api/v1/orders/export/":                                 "401 401 200 200 200 200 403 403",
	"GET /api/v1/customers/":                                     "401 401 200 200 200 200 403 403",
	"GET /api/v1/customers/{id}/":                                "401 401 200 200 200 200 403 403",
	"GET /api/v1/orders/":                                        "401 401 200 200 200 200 403 403",
	"GET /api/v1/orders/{id}/":                                   "401 401 200 200 200 200 403 403",

	"POST /api/v1/imports/inspect/":          "401 401 415 415 415 403 415 403",
	"GET /api/v1/import-mappings/":           "401 401 200 200 200 200 200 200",
	"GET /api/v1/import-mappings/{name}/":    "401 401 404 404 404 404 404 404",
	"PUT /api/v1/import-mappings/{name}/":    "401 401 400 400 400 403 400 403",
	"DELETE /api/v1/import-mappings/{name}/": "401 401 404 404 404 403 404 403",

	"POST /api/v1/products/":                     "401 401 400 403 403 403 403 403",
	"DELETE /api/v1/products/{id}/":              "401 401 404 403 403 403 403 403",
	"GET /api/v1/manager-keys/":                  "401 401 200 403 403 403 403 403",
	"POST /api/v1/manager-keys/":                 "401 401 400 403 403 403 403 403",
	"DELETE /api/v1/manager-keys/{begins_with}/": "401 401 404 403 403 403 403 403",
	"GET /api/v1/audit-log/":                     "401 401 200 403 403 403 403 403",
	"POST /api/v1/session/":                      "401 401 201 201 201 201 201 201",
	"DELETE /api/v1/session/":                    "401 401 204 204 204 204 204 204",

	"GET /api/v1/nothing/":                          "401 401 404 404 404 404 404 404",
	"PUT /api/v2/":                                  "401 401 404 404 404 404 404 404",
	"DELETE /api/v1/me/":                            "401 401 405 405 405 405 405 405",
	"POST /api/v1/licenses/{id}/":                   "401 401 405 405 405 405 405 405",
	"GET /api/v1/licenses/import_from_csv/":         "401 401 405 405 405 405 405 405",
	"OPTIONS /api/v1/licenses-import-results/{id}/": "401 401 204 204 204 204 204 204",
	"GET /nothing/":                                 "404 404 404 404 404 404 404 404",
}

// The routes of the other kinds of import are as those of licenses. Ada's import of the kind is {id} there. A
// manager limited to products imports no customers and sees no import of them.
func init() {
	for _, k := range events.Kinds {
		if k == events.Licenses {
			continue
		}
		words := strings.NewReplacer(events.Licenses.Upload, k.Upload, events.Licenses.Results, k.Results,
			events.Licenses.One+"-import-template", k.One+"-import-template")
		for route, row := range maps.Clone(matrix) {
			if other := words.Replace(route); other != route && matrix[other] == "" {
				if k == events.Customers && strings.Contains(other, "-results/{id}") && strings.HasPrefix(other, "GET") {
					row = strings.TrimSuffix(row, "200") + "404"
				}
				matrix[other] = row
			}
		}
	}
	matrix["POST /api/v1/"+events.Customers.Upload] = "401 401 415 415 415 403 403 403"
	matrix["GET /api/v1/"+events.Customers.Results+"{id}/undo/"] = "401 401 409 409 404 409 404 404"
	matrix["POST /api/v1/"+events.Customers.Results+"{id}/retry/"] = "401 401 409 409 404 403 403 403"
}

// callerKeys makes a key for each kind of caller, by the command line.
func callerKeys(t *testing.T, more ...string) map[string]string {
	t.Helper()
	keys := map[string]string{"nobody": "", "stranger": "lik_aaaaaaaa_" + strings.Repeat("A", 43), "admin": adminKey}
	for name, flags := range map[string][]string{
		"ada": {"--role", "importer"}, "bob": {"--role", "importer"}, "viewer": {"--role", "viewer"},
		"lim": {"--role", "importer", "--products", "psc"}, "lena": {"--role", "viewer", "--products", "psc"},
	} {
		keys[name] = strings.TrimSpace(command(t, slices.Concat([]string{"keys", "create", name}, flags, more)...))
	}
	return keys
}

// TestMatrix: every route, for everybody. A route without a row fails by its name.
func TestMatrix(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data)
	keys := callerKeys(t, "--data", data)
	ada := p.as(keys["ada"])
	job := ada.imports(t, "license__license_key,product__short_code,customer__email,order__store_id\na-1,other,a@example.com,o-1\na-1,other,,\n,psc,,\n").ID
	license := ada.get(t, 200, "/api/v1/licenses/").decode(t).Results[0].ID
	dry := ada.importsWith(t, "?dry_run=true", header+"a-2,other\n").ID
	jobs := map[string]int{} // by the address of the kind's results; with ?dry_run=true: the dry run
	for kind, file := range map[*events.Kind]string{events.Features: "license_key,code\na-1,seats\n",
		events.Customers: "email\na@example.com\n"} {
		for _, query := range []string{"", "?dry_run=true"} {
			body, contentType := form(file)
			id := ada.call(t, 200, "POST", "/api/v1/"+kind.Upload+query, body, "Content-Type", contentType).decode(t).JobID
			result := fmt.Sprintf("/api/v1/%s%d/", kind.Results, id)
			eventually(t, result, func() bool { return ada.get(t, 200, result).decode(t).FinishedAt != nil })
			jobs[kind.Results+query] = id
		}
	}
	command(t, "products", "set", "other", "--data", data)
	product := ada.get(t, 200, "/api/v1/products/").decode(t).Results[0].ID

	for _, route := range described(t) {
		if _, known := matrix[route]; !known {
			t.Errorf("%s has no row in the matrix: say who may", route)
		}
	}
	for route, row := range matrix {
		method, path, _ := strings.Cut(route, " ")
		id := license
		switch {
		case strings.HasPrefix(route, "DELETE /api/v1/products/"):
			id = 1 << 40 // there is none
		case method == "POST" && (strings.HasSuffix(path, "/undo/") || strings.HasSuffix(path, "/retry/")):
			id = dry
		case strings.Contains(path, "results"):
			id = job
		case strings.Contains(path, "products"):
			id = product
		}
		for _, k := range events.Kinds[1:] {
			if strings.HasPrefix(path, "/api/v1/"+k.Results) {
				if id = jobs[k.Results]; method == "POST" && !strings.HasSuffix(path, "/cancel/") {
					id = jobs[k.Results+"?dry_run=true"]
				}
			}
		}
		path = strings.NewReplacer("{id}", fmt.Sprint(id), "{name}", "no-such-mapping", "{begins_with}",
			"lik_nosuchkey").Replace(path)
		for i, want := range strings.Fields(row) {
			for _, path := range []string{path, strings.TrimSuffix(path, "/")} {
				a, err := p.as(keys[who[i]]).send(method, path, nil)
				if err != nil || fmt.Sprint(a.status) != want {
					t.Errorf("%s %s %s: %d, want %s: %.300s %v", who[i], method, path, a.status, want, a.body, err)
				}
				if a.status == 401 && a.header.Get("WWW-Authenticate") != "Api-Key" {
					t.Errorf("%s %s: 401 without WWW-Authenticate", method, path)
				}
				if a.status == 405 && a.header.Get("Allow") == "" {
					t.Errorf("%s %s: 405 without Allow", method, path)
				}
			}
		}
	}
}

// TestUnknownParametersAreRefused: every route refuses a query parameter that it does not have, after
// it has asked for a key.
func TestUnknownParametersAreRefused(t *testing.T) {
	t.Parallel()
	p := serveOn(t, filepath.Join(t.TempDir(), "data"))
	for _, route := range described(t) {
		method, path, _ := strings.Cut(route, " ")
		path = strings.ReplaceAll(path, "{id}", "1") + "?page=2"
		a, err := p.admin().send(method, path, nil)
		if err != nil || a.status != 400 || a.decode(t).Code != "unknown_parameter" {
			t.Errorf("%s %s: %d %s %v", method, path, a.status, a.body, err)
		}
		a, err = p.as("").send(method, path, nil)
		if err != nil || strings.HasPrefix(path, "/api/") && a.status != 401 {
			t.Errorf("%s %s without a key: %d %s %v", method, path, a.status, a.body, err)
		}
	}
}

// described lists the routes of openapi.yaml; a test beside it compares them with
// what the program registers.
func described(t *testing.T) (routes []string) {
	t.Helper()
	var path string
	for _, line := range strings.Split(string(openapi.Document()), "\n") {
		if found := regexp.MustCompile(`^  (/\S*):$`).FindStringSubmatch(line); found != nil {
			path = found[1]
		}
		if found := regexp.MustCompile(`^    (get|put|post|delete|patch):$`).FindStringSubmatch(line); found != nil {
			routes = append(routes, strings.ToUpper(found[1])+" "+path)
		}
	}
	if len(routes) < 20 {
		t.Fatalf("only %v are described: does this test still know how?", routes)
	}
	return routes
}

// TestLimitedManagerSeesNothingElse: what another product has shows nowhere: not in lists,
// counts, filters, single answers, customers and orders of licenses, event streams and rows of imports.
func TestLimitedManagerSeesNothingElse(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data)
	keys := callerKeys(t, "--data", data)
	const columns = "license__license_key,product__short_code,customer__email,order__store_id,license__enabled\n"
	first := p.admin().imports(t, columns+"hidden-1,other,h@example.com,secret-store,0\nshown-1,psc,s@example.com,store,1\nshared,other,,,\n").ID
	hidden := p.admin().get(t, 200, "/api/v1/licenses/?license_key=hidden-1").decode(t).Results[0]
	var every []string
	for _, l := range p.admin().get(t, 200, "/api/v1/licenses/").decode(t).Results {
		every = append(every, fmt.Sprint(l.ID))
	}
	ids := strings.Join(every, ",")
	for _, name := range []string{"lim", "lena"} {
		c := p.as(keys[name])
		for query, want := range map[string]int{
			"": 1, "?license_key=hidden-1": 0, "?license_key=shared": 0, "?license_key__startswith=hidden": 0, "?license_key__icontains=IDDEN": 0,
			"?product__short_code=other": 0, "?product__short_code=psc": 1, "?customer_email=h@example.com": 0, "?order__store_id=secret-store": 0,
			"?enabled=false": 0, "?enabled=true": 1, fmt.Sprintf("?import_id=%d", first): 1, "?limit=1&offset=1": 1, "?order_by=created_at": 1,
			"?license_key__icontains=s&limit=1": 1,
			"?id__in=" + ids:                    1, "?customer_email__icontains=h@": 0, "?order__store_id__startswith=secret": 0, "?order__store_id__icontains=STORE": 1,
			"?license_key__isnull=false": 1, "?license_key__isnull=true": 0, "?is_any_floating=false": 1,
			fmt.Sprintf("?product_id=%.0f", hidden.Product.(map[string]any)["id"]): 0, fmt.Sprintf("?customer_id=%d", hidden.ID): 0,
			"?search=HIDDEN": 0, "?search=other": 0, "?search=h@example": 0, "?search=secret": 0, "?search=store": 1, "?search=s&sort=-license_key": 1, "?sort=customer_email": 1,
		} {
			a := c.get(t, 200, "/api/v1/licenses/"+query)
			if n := a.decode(t).Count; n != want || strings.Contains(string(a.body), "hidden") || strings.Contains(string(a.body), "other") {
				t.Errorf("%s sees %d licenses at %q, want %d: %s", name, n, query, want, a.body)
			}
		}
	}
	// Lim may try a license of the other product, and learns nothing of it but that it is not Lim's.
	lim := p.as(keys["lim"])
	r := lim.imports(t, columns+"hidden-1,other,,,\nshared,psc,,,\nshown-1,psc,,,\n")
	if r.Result.Imported != 1 || r.Result.Existed != 1 || r.Result.Invalid != 1 {
		t.Errorf("the import of a limited manager: %+v", r.Result)
	}
	if a := lim.get(t, 200, fmt.Sprintf("%s%d/invalid_rows/", resultsPath, r.ID)); !strings.Contains(string(a.body), `"no_access"`) {
		t.Errorf("the rejected row: %s", a.body)
	}
	for _, path := range []string{"", "invalid_rows/", "existed_rows/", "events/", "invalid_rows.csv", "updated_rows/", "kept_rows/", "warnings/",
		"imported_rows.csv", "undo/"} {
		lim.get(t, 404, fmt.Sprintf("%s%d/%s", resultsPath, first, path))
	}
	if n := lim.get(t, 200, resultsPath).decode(t).Count; n != 1 {
		t.Errorf("Lim sees %d imports", n)
	}
	tellsNothingOfParties(t, p, keys)
	tellsNothingOfChanges(t, p, keys)
	tellsNothingOfOtherKinds(t, p, keys)
}

// tellsNothingOfOtherKinds: features of another product's licenses, and what customers' imports say, show nowhere.
func tellsNothingOfOtherKinds(t *testing.T, p *process, keys map[string]string) {
	t.Helper()
	const features, customers = "/api/v1/license-features-import-results/", "/api/v1/customers-import-results/"
	importKind := func(upload, results, file string) string {
		body, contentType := form(file)
		id := p.admin().call(t, 200, "POST", "/api/v1/"+upload, body, "Content-Type", contentType).decode(t).JobID
		result := fmt.Sprintf("%s%d/", results, id)
		eventually(t, result, func() bool { return p.admin().get(t, 200, result).decode(t).FinishedAt != nil })
		return result
	}
	p.admin().imports(t, "license__license_key,product__short_code,customer__email,customer__company_name\n"+
		"k-1,psc,k@example.com,first-company\nhidden-k,other,,\n")
	ofFeatures := importKind("licenses/import_features_from_csv/?existing=update", features,
		"license_key,code,max_consumption\nk-1,seats,1\nhidden-k,hidden-code,1\nk-1,seats,2\nhidden-k,hidden-code,2\nhidden-k,hidden-code,\nk-1,seats,\n")
	ofCustomers := importKind("customers/import_from_csv/?existing=update", customers,
		"email,company_name\nK@example.com,hidden-company\n")
	lim, lena := p.as(keys["lim"]), p.as(keys["lena"])
	for path, want := range map[string]int{
		"existed_rows/": 1, "updated_rows/": 1, "invalid_rows/": 0, "warnings/": 0, "kept_rows/": 0, "imported_rows.csv": -1, "invalid_rows.csv": -1, "": -1,
	} {
		checkHidden(t, lena, ofFeatures+path, want)
		lim.get(t, 404, ofFeatures+path)
		lim.get(t, 404, ofCustomers+path)
		lena.get(t, 404, ofCustomers+path)
	}
	for _, c := range []*client{lim, lena} {
		for query, want := range map[string]int{
			"?license_key=k-1": 1, "?customer_company_name__icontains=first-company": 1, "?customer_company_name__icontains=hidden": 0, "?search=hidden-company": 0,
			"?search=first-company": 1,
		} {
			checkHidden(t, c, "/api/v1/licenses/"+query, want)
		}
		license := c.get(t, 200, "/api/v1/licenses/?license_key=k-1")
		if !strings.Contains(string(license.body), `"code":"seats"`) ||
			!strings.Contains(string(license.body), "first-company") {
			t.Errorf("the license of an own product: %s", license.body)
		}
		checkHidden(t, c, fmt.Sprintf("/api/v1/licenses/%d/history/", license.decode(t).Results[0].ID), 3)
		checkHidden(t, c, "/api/v1/licenses/export/", -1)
	}
	checkHidden(t, lena, customers, 0)
	checkHidden(t, lena, features, 1)
}

// tellsNothingOfChanges: the rows of an update and of its undo, licenses that are gone, their histories, exports, the catalogue and
// the import of a file that somebody else has imported show nothing of another product.
func tellsNothingOfChanges(t *testing.T, p *process, keys map[string]string) {
	t.Helper()
	lim, lena := p.as(keys["lim"]), p.as(keys["lena"])
	const columns = "license__license_key,product__short_code,license__max_activations,license__trial_days\n"
	made := p.admin().imports(t, columns+"c-1,psc,1,1\nhidden-c,other,1,1\nc-2,psc,1,\nhidden-d,other,1,\n").ID
	file := columns + "c-1,psc,2,\nhidden-c,other,2,\n"
	updated := p.admin().importsWith(t, "?existing=update", file).ID
	key := func(c *client, key string) (id int) {
		for _, l := range c.get(t, 200, "/api/v1/licenses/?license_key="+key).decode(t).Results {
			id = l.ID
		}
		return id
	}
	shown, gone, secret, alsoGone := key(p.admin(), "c-1"), key(p.admin(), "c-2"), key(p.admin(), "hidden-c"), key(p.admin(), "hidden-d")
	p.admin().call(t, 202, "POST", fmt.Sprintf("%s%d/undo/", resultsPath, made), nil)
	p.admin().get(t, 200, fmt.Sprintf("%s%d/events/", resultsPath, made)) // ends when the undo is finished
	for path, want := range map[string]int{"updated_rows/": 1, "warnings/": 0} {
		checkHidden(t, lena, fmt.Sprintf("%s%d/%s", resultsPath, updated, path), want)
	}
	for path, want := range map[string]int{"kept_rows/": 1, "warnings/": 1, "warnings/?code=not_a_trial": 1} {
		checkHidden(t, lena, fmt.Sprintf("%s%d/%s", resultsPath, made, path), want)
	}
	for _, path := range []string{fmt.Sprintf("%s%d/imported_rows.csv", resultsPath, made), fmt.Sprintf("%s%d/imported_rows.csv", resultsPath, updated),
		"/api/v1/licenses/export/", "/api/v1/licenses/export/?license_key__startswith=hidden", "/api/v1/products/"} {
		checkHidden(t, lena, path, -1)
	}
	for _, c := range []*client{lim, lena} {
		if n := c.get(t, 200, fmt.Sprintf("/api/v1/licenses/%d/history/", shown)).decode(t).Count; n != 2 {
			t.Errorf("%d events of the license", n)
		}
		c.get(t, 410, fmt.Sprintf("/api/v1/licenses/%d/", gone))
		if n := c.get(t, 200, fmt.Sprintf("/api/v1/licenses/%d/history/", gone)).decode(t).Count; n != 2 {
			t.Errorf("%d events of the license that is gone", n)
		}
		for _, id := range []int{secret, alsoGone} {
			for _, path := range []string{"", "event/", "history/"} {
				c.get(t, 404, fmt.Sprintf("/api/v1/licenses/%d/%s", id, path))
			}
		}
		for _, path := range []string{"customers/export/", "orders/export/", "orders/export/?range=last30"} {
			c.get(t, 403, "/api/v1/"+path)
		}
	}
	own := lim.imports(t, file).ID
	if body := string(lim.get(t, 200, fmt.Sprintf("%s%d/", resultsPath, own)).body); !strings.Contains(body, `"same_file_as":null`) {
		t.Errorf("an import of another manager is named: %s", body)
	}
}

// checkHidden: an answer to a limited manager shows nothing of the other product; as a list it has so many elements.
func checkHidden(t *testing.T, c *client, path string, count int) {
	t.Helper()
	a := c.get(t, 200, path)
	if strings.Contains(string(a.body), "hidden") || strings.Contains(string(a.body), "other") {
		t.Errorf("%s shows the other product: %s", path, a.body)
	}
	if count >= 0 && a.decode(t).Count != count {
		t.Errorf("%s has %d elements, want %d", path, a.decode(t).Count, count)
	}
}

// tellsNothingOfParties: a row that names a customer and an order of another product shows nothing
// that the other product's row said of them, and no count tells that they exist.
func tellsNothingOfParties(t *testing.T, p *process, keys map[string]string) {
	t.Helper()
	const columns = "license__license_key,product__short_code,customer__email,customer__company_name,customer__phone,order__store_id,order__campaign_params\n"
	p.admin().imports(t, columns+"secret-2,other,known@example.com,secret-company,secret-phone,known-store,secret-campaign\n")
	lim := p.as(keys["lim"])
	id := lim.imports(t, columns+"own-1,psc,KNOWN@example.com,own-company,own-phone,known-store,own-campaign\nown-2,psc,new@example.com,,,new-store,\n").ID
	result := fmt.Sprintf("%s%d/", resultsPath, id)
	p.admin().get(t, 200, result) // what is cached for others is not for Lim
	license := lim.get(t, 200, "/api/v1/licenses/?license_key=own-1").decode(t).Results[0].ID
	single := fmt.Sprintf("/api/v1/licenses/%d/", license)
	for _, path := range []string{"/api/v1/licenses/", "/api/v1/licenses/?customer_email=known@example.com", single, single + "event/",
		resultsPath, result, result + "events/", result + "existed_rows/", result + "invalid_rows/", result + "invalid_rows.csv"} {
		body := string(lim.get(t, 200, path).body)
		if strings.Contains(body, "secret") {
			t.Errorf("%s shows what the other product knows: %s", path, body)
		}
		if strings.Contains(body, `customers_count":`) && strings.Count(body, `_count":null`) < 4 {
			t.Errorf("%s counts customers and orders: %s", path, body)
		}
	}
	for search, want := range map[string]int{"secret-company": 0, "OWN-Company": 1, "own-company+known": 1} {
		if n := lim.get(t, 200, "/api/v1/licenses/?search="+search).decode(t).Count; n != want {
			t.Errorf("Lim finds %d licenses by %s, want %d", n, search, want)
		}
	}
	body := string(lim.get(t, 200, single).body)
	for _, want := range []string{`"customer":{"id":null,"email":"KNOWN@example.com"`, `"phone":"own-phone"`, `"order":{"id":null,`, `"own-campaign"`} {
		if !strings.Contains(body, want) {
			t.Errorf("Lim's license lacks %s: %s", want, body)
		}
	}
}

// TestRowsOfOthers: a viewer who is limited to a product sees of others' imports the
// rows of that product only; an own import is seen whole.
func TestRowsOfOthers(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data)
	keys := callerKeys(t, "--data", data)
	const columns = "license__license_key,product__short_code,license__enabled\n"
	p.admin().imports(t, columns+"hidden-0,other,\nshown-0,psc,\n")
	id := p.admin().imports(t, columns+"hidden-0,other,\nshown-0,psc,\nhidden-1,other,maybe\nshown-1,psc,maybe\nshown-2, psc ,maybe\nhidden-2,,\nhidden-3,\n").ID
	p.admin().get(t, 200, fmt.Sprintf("%s%d/", resultsPath, id)) // an answer that was kept is not for others
	for name, want := range map[string]map[string]int{"lena": {"invalid_rows/": 2, "existed_rows/": 1}, "viewer": {"invalid_rows/": 5, "existed_rows/": 2}} {
		c := p.as(keys[name])
		for _, path := range []string{"", "invalid_rows/", "existed_rows/", "invalid_rows.csv", "invalid_rows/?code=invalid_bool", "invalid_rows/?limit=1"} {
			a := c.get(t, 200, fmt.Sprintf("%s%d/%s", resultsPath, id, path))
			if shown := strings.Contains(string(a.body), "shown-"); !shown && name == "lena" {
				t.Errorf("%s sees no row at %q: %s", name, path, a.body)
			}
			if hidden := strings.Contains(string(a.body), "hidden-"); name == "lena" && hidden {
				t.Errorf("%s sees rows of others at %q: %s", name, path, a.body)
			}
			if n, told := want[path]; told && a.decode(t).Count != n {
				t.Errorf("%s sees %d rows at %q, want %d", name, a.decode(t).Count, path, n)
			}
		}
	}
}

// split is each role as a separate process.
type split struct{ nats, ingest, processor, projector *process }

func startSplit(t *testing.T, more ...string) *split {
	t.Helper()
	s := &split{nats: launch(t, "nats", "--data", filepath.Join(t.TempDir(), "streams"), "--nats-port", "-1", "--log-level", "debug")}
	role := func(args ...string) *process {
		return launch(t, slices.Concat(args, s.nats.natsFlags(), []string{"--log-level", "debug"})...)
	}
	s.projector = role(append([]string{"projector", "--http", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "views")}, more...)...)
	s.processor = role("processor", "--http", "127.0.0.1:0")
	s.ingest = role(append([]string{"ingest", "--http", "127.0.0.1:0", "--projector-url", s.projector.url}, more...)...)
	return s
}

// TestRevokedKey: within a second it opens nothing any more, in every process.
func TestRevokedKey(t *testing.T) {
	t.Parallel()
	s := startSplit(t)
	key := strings.TrimSpace(command(t, s.nats.with("keys", "create", "Gone", "--role", "viewer")...))
	for _, p := range []*process{s.ingest, s.projector} {
		p.as(key).get(t, 200, "/api/v1/me/")
	}
	command(t, s.nats.with("keys", "revoke", "Gone")...)
	revoked := time.Now()
	for time.Since(revoked) < time.Second { // keys in use are remembered: keep it in use
		for _, p := range []*process{s.ingest, s.projector} {
			if _, err := p.as(key).send("GET", "/api/v1/me/", nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, p := range map[string]*process{"ingest": s.ingest, "projector": s.projector} {
		if a, err := p.as(key).send("GET", "/api/v1/me/", nil); err != nil || a.status != 401 {
			t.Errorf("a second after it was revoked, %s answers %d %v", name, a.status, err)
		}
	}
	if a, err := s.ingest.as(key).send("GET", "/api/v1/licenses/", nil); err != nil || a.status != 401 {
		t.Errorf("a forwarded read is answered %d %v", a.status, err)
	}
}

// TestRate: too many requests of one key are 429, which says when to come back; other keys
// are not affected.
func TestRate(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data, "--rate", "5")
	key := strings.TrimSpace(command(t, "keys", "create", "Busy", "--role", "viewer", "--data", data))
	refused := 0
	for range 30 {
		a, err := p.as(key).send("GET", "/api/v1/me/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if a.status == 429 {
			refused++
			if a.header.Get("Retry-After") == "" || a.decode(t).Code != "too_many_requests" {
				t.Errorf("%v %s", a.header, a.body)
			}
		}
	}
	if refused == 0 || refused == 30 {
		t.Errorf("%d of 30 were refused", refused)
	}
	p.admin().get(t, 200, "/api/v1/me/")
}
