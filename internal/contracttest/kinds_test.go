package contracttest

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
	"testing"
)

// kindPaths are where files of each kind are uploaded, and their results.
var kindPaths = map[string][2]string{
	"licenses":  {uploadPath, resultsPath},
	"features":  {"/api/v1/licenses/import_features_from_csv/", "/api/v1/license-features-import-results/"},
	"customers": {"/api/v1/customers/import_from_csv/", "/api/v1/customers-import-results/"},
}

// sendKind uploads a file of a kind and returns the address of its result.
func (c *caller) sendKind(status int, kind, query, file string) (result string, a answer) {
	c.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", kind+".csv")
	if err == nil {
		_, err = io.WriteString(part, file)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		c.Fatal(err)
	}
	a = c.call(status, "POST", kindPaths[kind][0]+query, &b, "Content-Type", w.FormDataContentType())
	if status == 200 {
		result = kindPaths[kind][1] + a.field("job_id") + "/"
		c.get(200, result+"events/") // ends with the import
	}
	return result, a
}

// TestKindsOfImport: the contract's section 8. Features belong to a license that exists, customers are found or made
// by e-mail, each kind has its results, and an import has the address of its kind only.
func TestKindsOfImport(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	licenses, _ := c.sendKind(200, "licenses", "",
		"license__license_key,product__short_code,customer__email\nF-1,psc,ada@example.com\nF-2,psc,\nF-2,other,\n")
	features, _ := c.sendKind(200, "features", "", "license_key,code,max_consumption,expiry_date,product__short_code\n"+
		"F-1,reports,100,2030-12-31,\nF-1,export,,,\nF-2,reports,,,\nF-2,reports,5,,other\nNOBODY,reports,,,\nF-1,reports,7,,\n")
	fields{
		"status": `"success"`, "result.total_row_count": "6", "result.valid_row_count": "4",
		"result.created_license_features_count": "3", "result.existed_license_features_count": "1", "result.updated_license_features_count": "0",
		"result.created_license_features": "3", "result.existed_license_features": "1",
		"result.error_counts.unknown_license": "1", "result.error_counts.ambiguous_license": "1",
	}.check(t, "the features", c.get(200, features))
	changed, _ := c.sendKind(200, "features", "?existing=update",
		"license_key,code,max_consumption\nF-1,reports,7\nF-1,export,#N/A\n")
	fields{"result.updated_license_features_count": "1", "result.existed_license_features_count": "1"}.check(t,
		"the update", c.get(200, changed))
	fields{"count": "1", "results.0.license_key": `"F-1"`, "results.0.changed.0.from": `"100"`,
		"results.0.changed.0.to": `"7"`}.
		check(t, "the updated rows", c.get(200, changed+"updated_rows/"))
	list := c.get(200, "/api/v1/licenses/?license_key=F-1")
	fields{"results.0.features.#": "2"}.check(t, "the license", list)
	for _, want := range []string{`"code":"reports"`, `"max_consumption":7`, `"code":"export"`} {
		if !strings.Contains(string(list.body), want) {
			t.Errorf("the license has no %s: %s", want, list.body)
		}
	}

	customers, _ := c.sendKind(200, "customers", "",
		"customer__email,first_name,city\nADA@example.com,Ada,London\ngrace@example.com,Grace,\ngrace@example.com,,\nnobody,,\n")
	fields{
		"status": `"success"`, "result.created_customers_count": "1", "result.existed_customers_count": "2", "result.updated_customers_count": "0",
		"result.invalid_rows.0.errors.0.code": `"invalid_email"`, "result.total_row_count": "4",
	}.check(t, "the customers", c.get(200, customers))
	dry, _ := c.sendKind(200, "customers", "?existing=update&dry_run=true",
		"email,city\nada@example.com,Paris\nnew@example.com,Rome\n")
	fields{"result.preview": `{"created_customers":1,"existed_customers":0,"updated_customers":1}`,
		"result.created_customers_count": "0"}.
		check(t, "the dry run", c.get(200, dry))
	update, _ := c.sendKind(200, "customers", "?existing=update", "email,city\nada@example.com,Paris\n")
	fields{"result.updated_customers_count": "1"}.check(t, "the customers' update", c.get(200, update))
	fields{"count": "1", "results.0.city": `"Paris"`}.check(t, "the customer",
		c.get(200, "/api/v1/customers/?email=ada@example.com"))
	c.call(409, "POST", update+"undo/", nil).problem(t, "cannot_be_undone")

	for kind, of := range map[string]string{"licenses": licenses, "features": features, "customers": customers} {
		id := strings.TrimPrefix(of, kindPaths[kind][1])
		for other, at := range kindPaths {
			if other != kind {
				c.get(404, at[1]+id).problem(t, "not_found")
				c.get(404, at[1]+id+"invalid_rows/").problem(t, "not_found")
				c.call(404, "POST", at[1]+id+"retry/", nil).problem(t, "not_found")
			}
		}
		fields{"count": map[string]string{"licenses": "1", "features": "2", "customers": "3"}[kind]}.check(t, kind,
			c.get(200, kindPaths[kind][1]))
		c.get(200, strings.TrimSuffix(of, "/"))
		c.get(200, of+"imported_rows.csv")
	}
	c.call(202, "POST", changed+"undo/", nil)
	c.get(200, changed+"events/")
	if after := string(c.get(200, "/api/v1/licenses/?license_key=F-1").body); !strings.Contains(after,
		`"max_consumption":100`) {
		t.Errorf("after the undo: %s", after)
	}
}

// TestFilesOfAnotherKindAreRefused: a file's columns are those of its kind; templates, mappings and inspections are of
// a kind, too.
func TestFilesOfAnotherKindAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	for kind, template := range map[string]string{"licenses": "license", "features": "feature", "customers": "customer"} {
		path := fmt.Sprintf("/api/v1/%s-import-template.csv", template)
		file := string(c.get(200, path).body)
		if printed := command(t, "template", "--kind", kind); printed != file {
			t.Errorf("template --kind %s prints another file than %s", kind, path)
		}
		for other := range kindPaths {
			if other != kind {
				_, a := c.sendKind(400, other, "", file)
				a.problem(t, "invalid_header")
			}
		}
	}
	c.call(200, "PUT", mappingsPath+"meters/",
		strings.NewReader(`{"kind":"features","columns":{"Key":"license_key","Meter":"code"}}`), "Content-Type",
		"application/json")
	fields{"kind": `"features"`}.check(t, "the mapping", c.get(200, mappingsPath+"meters/"))
	_, a := c.sendKind(400, "customers", "?mapping=meters", "Key,Meter\nA,b\n")
	a.problem(t, "invalid_mapping")
	fields{"count": "0"}.check(t, "imports", c.get(200, resultsPath))
}
