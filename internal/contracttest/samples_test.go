package contracttest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const samples = "../csvfile/testdata/files"

// TestSamples sends each sample file the whole way. All go to one server, so no two files may name the same license, customer
// or order.
func TestSamples(t *testing.T) {
	s := serve(t)
	files, err := filepath.Glob(samples + "/*.csv")
	if err != nil || len(files) < 70 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			got := tellSample(t, s, file)
			if *update {
				if err := os.WriteFile(file+".result", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file + ".result")
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// sampleQuery is the query that stands on the first line of FILE.csv.want.
func sampleQuery(t *testing.T, file string) string {
	want, err := os.ReadFile(file + ".want")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(want), "\n")
	query, given := strings.CutPrefix(first, "query ")
	if !given {
		return ""
	}
	if _, err := url.ParseQuery(query); err != nil {
		t.Fatal(err)
	}
	return "?" + query
}

// tellSample uploads a file and tells what becomes of it.
func tellSample(t *testing.T, s *system, file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := s.as(t, s.admin)
	query := sampleQuery(t, file)
	body, contentType := form(t, filepath.Base(file), data)
	a := c.send("POST", uploadPath+query, body, "Content-Type", contentType)

	var told strings.Builder
	if query != "" {
		fmt.Fprintf(&told, "query %s\n", query[1:])
	}
	if a.status != 200 {
		tellRefusal(t, &told, a)
	} else {
		tellResult(t, &told, c, a.field("job_id"))
	}
	return told.String()
}

func tellRefusal(t *testing.T, told *strings.Builder, a answer) {
	var problem struct {
		Code, Detail string
		Errors       []struct{ Column, Code, Message string }
	}
	if err := json.Unmarshal(a.body, &problem); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(told, "refused %d %s: %s\n", a.status, problem.Code, problem.Detail)
	for _, e := range problem.Errors {
		fmt.Fprintf(told, "\t%s %q\n", e.Code, e.Column)
	}
}

// sampleRow is a rejected row.
type sampleRow struct {
	Row, Line int
	Errors    []struct{ Column, Code, Value string }
}

func tellResult(t *testing.T, told *strings.Builder, c *caller, id string) {
	a := c.await(id)
	fmt.Fprintf(told, "%s: rows %s, valid %s, invalid %s, warnings %s\n", unquoted(a.field("status")),
		a.field("result.total_row_count"), a.field("result.valid_row_count"), a.field("result.invalid_row_count"), a.field("result.warning_count"))
	for _, what := range []string{"licenses", "customers", "orders"} {
		fmt.Fprintf(told, "%s: created %s, existed %s\n", what,
			a.field("result.created_"+what+"_count"), a.field("result.existed_"+what+"_count"))
	}
	tellRejected(t, told, c, id)
	tellExisted(t, told, c, id)
	tellLicenses(t, told, c, id)
}

func unquoted(text string) string { return strings.Trim(text, `"`) }

// decode reads the results of a list.
func decode[T any](t *testing.T, a answer) []T {
	t.Helper()
	var page struct {
		Count   int
		Results []T
	}
	if err := json.Unmarshal(a.body, &page); err != nil {
		t.Fatal(err)
	}
	if page.Count != len(page.Results) {
		t.Fatalf("a page of %d holds %d", page.Count, len(page.Results))
	}
	return page.Results
}

func tellRejected(t *testing.T, told *strings.Builder, c *caller, id string) {
	for _, row := range decode[sampleRow](t, c.get(200, resultsPath+id+"/invalid_rows/?limit=100")) {
		fmt.Fprintf(told, "rejected row %d line %d:", row.Row, row.Line)
		for _, e := range row.Errors {
			fmt.Fprintf(told, " %s(%s %s)", e.Code, e.Column, short(e.Value))
		}
		fmt.Fprintln(told)
	}
	records, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(c.get(200, resultsPath+id+"/invalid_rows.csv").body, []byte("\uFEFF")))).ReadAll()
	if err == nil && len(records) > 0 && len(records)-1 != len(decode[sampleRow](t, c.get(200, resultsPath+id+"/invalid_rows/?limit=100"))) {
		t.Errorf("invalid_rows.csv has %d rows", len(records)-1)
	}
}

func tellExisted(t *testing.T, told *strings.Builder, c *caller, id string) {
	type existed struct {
		Row       int
		ImportID  json.Number `json:"import_id"`
		ImportRow int         `json:"import_row"`
	}
	for _, row := range decode[existed](t, c.get(200, resultsPath+id+"/existed_rows/?limit=100")) {
		if row.ImportID.String() != id {
			t.Error("another sample has the same license")
		}
		fmt.Fprintf(told, "existed row %d: made by row %d\n", row.Row, row.ImportRow)
	}
}

// tellLicenses tells of each license what its event says: the given values alone.
func tellLicenses(t *testing.T, told *strings.Builder, c *caller, id string) {
	type imported struct {
		made
		Customer *made
		Order    made
	}
	for _, l := range decode[imported](t, c.get(200, "/api/v1/licenses/?limit=100&order_by=created_at&import_id="+id)) {
		if l.Customer != nil {
			fields{"import_id": id}.check(t, "the customer, if of no other sample", c.get(200, "/api/v1/customers/"+l.Customer.ID.String()+"/"))
		}
		fields{"import_id": id}.check(t, "the order, if of no other sample", c.get(200, "/api/v1/orders/"+l.Order.ID.String()+"/"))
		a := c.get(200, "/api/v1/licenses/"+l.ID.String()+"/event/")
		fmt.Fprintf(told, "imported row %s: %s of %s\n", a.field("data.row"), a.field("data.license.license_key"), a.field("data.product.short_code"))
		for _, part := range []string{"license", "customer", "order"} {
			tellMembers(t, told, part, a.field("data."+part))
		}
		if warnings := a.field("data.warnings"); warnings != "" {
			fmt.Fprintf(told, "\twarnings %s\n", warnings)
		}
	}
}

// usual are values of a license that say nothing.
var usual = map[string]string{"enabled": "true", "max_activations": "1", "license_type": `"perpetual"`}

func tellMembers(t *testing.T, told *strings.Builder, part, object string) {
	if object == "" || object == "null" {
		return
	}
	d := json.NewDecoder(strings.NewReader(object))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if name == "license_key" || part == "license" && usual[name.(string)] == string(value) {
			continue
		}
		text := string(value)
		var s string
		if json.Unmarshal(value, &s) == nil {
			text = short(s)
		}
		fmt.Fprintf(told, "\t%s.%s %s\n", part, name, text)
	}
}

// short quotes a value, and of a long one its beginning and its length.
func short(s string) string {
	if runes := []rune(s); len(runes) > 80 {
		return fmt.Sprintf("%q…%d characters", string(runes[:60]), len(runes))
	}
	return fmt.Sprintf("%q", s)
}
