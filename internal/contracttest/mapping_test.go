package contracttest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

const mappingsPath = "/api/v1/import-mappings/"

// mapped is a query of pairs of names and values.
func mapped(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return "?" + q.Encode()
}

// TestInspect: what the columns of a foreign file seem to be, to the field name. Nothing is stored.
func TestInspect(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	inspect := func(query, file string) answer {
		body, contentType := form(t, "any.csv", []byte(file))
		return c.call(200, "POST", "/api/v1/imports/inspect/"+query, body, "Content-Type", contentType)
	}
	found := inspect("?kind=licenses", "Serial,Product,E-Mail,Vorname,Expires,Seats\nAB-12-CD-34,pp,ada@example.com,Ada,12/31/2030,5\n")
	fields{
		"format": `"csv"`, "encoding": `"utf-8"`, "delimiter": `"comma"`, "sheets": "[]", "missing": "[]", "date_format": `"MM/DD/YYYY"`,
		"columns.0.header": `"Serial"`, "columns.0.samples": `["AB-12-CD-34"]`, "columns.0.column": `"license__license_key"`,
		"columns.1.column": `"product__short_code"`, "columns.2.column": `"customer__email"`, "columns.3.column": `"customer__first_name"`,
		"columns.4.column": `"license__validity_period"`, "columns.5.column": `"license__max_activations"`,
	}.check(t, "inspect", found)
	fields{"columns.0.column": "null", "missing": `["license__license_key","product__short_code"]`, "date_format": `"YYYY-MM-DD"`}.
		check(t, "a strange file", inspect("", "Colour\nred\n"))
	fields{"date_format": `"ambiguous"`}.check(t, "dates of two meanings", inspect("", "Expires\n1/2/2030\n"))
	fields{"count": "0"}.check(t, "imports", c.get(200, resultsPath))
}

// TestSavedMapping: saved, used, named by the rejected rows, and without effect on what was started.
func TestSavedMapping(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	const saved = `{"kind":"licenses","columns":{"Serial No.":"license__license_key","Notes 2":null,"Expires":"license__validity_period","Kind":"license__license_type","Seats":"license__max_activations"},` +
		`"set":{"product__short_code":"photo-pro"},"date_format":"MM/DD/YYYY","values":{"license__license_type":{"Lifetime":"perpetual"},"license__max_activations":{"Unlimited":""}}}`
	c.call(200, "PUT", mappingsPath+"our%20vendor/", strings.NewReader(saved), "Content-Type", "application/json")
	fields{"name": `"our vendor"`, "columns.Notes 2": "null", "set.product__short_code": `"photo-pro"`, "values.license__license_type.Lifetime": `"perpetual"`}.
		check(t, "saved", c.get(200, mappingsPath+"our%20vendor/"))
	r := c.imports(mapped("mapping", "our vendor"), "Serial No.;Notes 2;Expires;Kind;Seats\nm-1;x;12/31/2030;lifetime;unlimited\nm-2;y;31/12/2030;subscription;3\n")
	counts(2, 1, 1, 0, 0, 1, 0, 1, 0).check(t, "import", r)
	fields{
		"result.invalid_rows.0.errors.0.column": `"license__validity_period"`, "result.invalid_rows.0.errors.0.header": `"Expires"`,
		"result.invalid_rows.0.errors.0.value": `"31/12/2030"`, "result.invalid_rows.0.values.license__validity_period": `"31/12/2030"`,
		"ignored_columns": `["Notes 2"]`,
	}.check(t, "rejected", r)
	fields{"results.0.validity_period": `"2030-12-31"`, "results.0.license_type": `"perpetual"`, "results.0.max_activations": "1", "results.0.product.short_code": `"photo-pro"`}.
		check(t, "m-1", c.get(200, "/api/v1/licenses/?license_key=m-1"))

	rejected := string(c.get(200, resultsPath+r.field("id")+"/invalid_rows.csv").body)
	if head, _, _ := strings.Cut(rejected, "\r\n"); !strings.HasPrefix(head, "\uFEFFSerial No.;Expires;Kind;Seats;error__row") || !strings.Contains(head, ";error__mapping;") {
		t.Errorf("header %s", head)
	}
	c.call(200, "PUT", mappingsPath+"our%20vendor/", strings.NewReader(`{"columns":{"Other":"license__license_key"}}`), "Content-Type", "application/json")
	again := c.imports("", strings.Replace(rejected, "31/12/2030", "12/31/2030", 1))
	counts(1, 1, 0, 0, 0, 1, 0, 1, 0).check(t, "the corrected row", again)
	fields{"results.0.license_type": `"subscription"`, "results.0.max_activations": "3"}.check(t, "m-2", c.get(200, "/api/v1/licenses/?license_key=m-2"))

	missing := c.upload(400, mapped("ignore", "Notes 2"), "Serial No.,Notes 2\na,b\n")
	missing.problem(t, "invalid_header")
	if !strings.Contains(string(missing.body), `"parameter":"map=Serial No.:license__license_key"`) {
		t.Errorf("%s", missing.body)
	}
	c.call(204, "DELETE", mappingsPath+"our%20vendor/", nil)
	c.get(404, mappingsPath+"our%20vendor/")
	c.call(409, "PUT", mappingsPath+"keygen/", strings.NewReader(saved), "Content-Type", "application/json").problem(t, "builtin_mapping")
	c.upload(400, "?mapping=our%20vendor", "a\nb\n").problem(t, "unknown_mapping")
}

// TestRejectedRowsOfAMappingComeBackTheSame: mapping, rejected rows, mapping again is the identity, for
// headers and cells of every kind.
func TestRejectedRowsOfAMappingComeBackTheSame(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	random := rand.New(rand.NewPCG(13, 9))
	headers := []string{"=Serial \"No.\"", "Käufer,in", "@Mail", "Ab;bis", "Notiz\nzwei", "ignored"}
	columns := []string{"license__license_key", "customer__last_name", "customer__email", "license__validity_period", "license__note"}
	pieces := []string{"=", "+", "-", "@", "'", "\"", ",", ";", "\t", "\n", " ", "é", "許", "12/31/2030", "x", "perpetual", "#N/A", "{}"}
	var file strings.Builder
	record := func(cells []string) {
		for i, cell := range cells {
			if i > 0 {
				file.WriteByte(';')
			}
			file.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"`)
		}
		file.WriteByte('\n')
	}
	record(headers)
	const rows = 200
	for i := range rows {
		cells := make([]string, len(headers))
		for j := range cells {
			for range random.IntN(5) {
				cells[j] += pieces[random.IntN(len(pieces))]
			}
		}
		cells[0], cells[2] = fmt.Sprintf("%sk-%d", cells[0], i), cells[2]+" no address"
		record(cells)
	}
	query := []string{"set", "product__short_code:pp", "ignore", "ignored", "date_format", "MM/DD/YYYY", "value",
		"customer__last_name:x:perpetual", "value", "license__validity_period:perpetual:"}
	for i, column := range columns {
		query = append(query, "map", headers[i]+":"+column)
	}
	first := c.imports(mapped(query...), file.String())
	fields{"result.invalid_row_count": fmt.Sprint(rows)}.check(t, "first", first)
	second := c.imports("", string(c.get(200, resultsPath+first.field("id")+"/invalid_rows.csv").body))
	fields{"result.invalid_row_count": fmt.Sprint(rows)}.check(t, "second", second)
	for offset := 0; offset < rows; offset += 100 {
		page := fmt.Sprintf("/invalid_rows/?limit=100&offset=%d", offset)
		if one, two := rowsOf(t, c.get(200, resultsPath+first.field("id")+page)), rowsOf(t, c.get(200, resultsPath+second.field("id")+page)); !reflect.DeepEqual(one, two) {
			for i := range one {
				if !reflect.DeepEqual(one[i], two[i]) {
					t.Fatalf("row %v came back as %v", one[i], two[i])
				}
			}
		}
	}
}

// rowsOf are a page's rows, without their lines: those are of another file.
func rowsOf(t *testing.T, a answer) []map[string]any {
	t.Helper()
	var page struct{ Results []map[string]any }
	if err := json.Unmarshal(a.body, &page); err != nil {
		t.Fatal(err)
	}
	for _, row := range page.Results {
		delete(row, "line")
	}
	return page.Results
}
