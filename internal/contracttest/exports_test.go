package contracttest

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// randomValue is a value that a column takes; "" now and then.
func randomValue(random *rand.Rand, column string) string {
	pick := func(values ...string) string { return values[random.IntN(len(values))] }
	required := column == "license__license_key" || column == "product__short_code"
	if !required && random.IntN(3) == 0 {
		return ""
	}
	switch sample := sampleValue(column); {
	case column == "license__validity_period" || sample == "2031-05-06":
		return pick("2030-01-31", "2028-02-29T23:59:59Z", "2031-05-06 00:00:00")
	case sample == "true":
		return pick("true", "FALSE", "yes", "0", "1", "No")
	case sample == "17":
		return pick("", "00") + strconv.Itoa(random.IntN(1<<31-1))
	case sample == "6m":
		return strconv.Itoa(1+random.IntN(36500)) + pick("d", "m", "y")
	case column == "customer__email":
		return fmt.Sprintf("%s%d@%s", pick("ada", "Ada", "ö.k+"), random.IntN(9), pick("example.com", "bücher.example"))
	case !strings.HasPrefix(sample, "value of "):
		return strings.ToUpper(sample)
	}
	parts := []string{"a", "Ü", "0", "'", `"`, ",", ";", "\t", "=", "-", "+1", "@", "\r\n", "\n", " ", "日本", "\u200b", "#N/A x", "😀"}
	value := pick("=", "x", "'", "00")
	for range random.IntN(8) {
		value += pick(parts...)
	}
	if column == "license__note" {
		return pick("", " ", "\r\n") + value
	}
	return value + "."
}

// randomFile has rows with values of every kind in every column. Each has a separate key.
func randomFile(t *testing.T, columns []string, random *rand.Rand, rows int) string {
	var file strings.Builder
	w := csv.NewWriter(&file)
	write := func(fields []string) {
		if err := w.Write(fields); err != nil {
			t.Fatal(err)
		}
	}
	write(columns)
	for row := range rows {
		fields := make([]string, len(columns))
		for i, column := range columns {
			if fields[i] = randomValue(random, column); column == "license__license_key" {
				fields[i] += strconv.Itoa(row)
			}
		}
		if until, lasts := slices.Index(columns, "license__validity_period"), slices.Index(columns, "license__valid_duration"); fields[until] != "" {
			fields[lasts] = ""
		}
		write(fields)
	}
	w.Flush()
	return file.String()
}

// TestWhatIsExportedCanBeImported: an export imported again gives only rows that existed and differ in nothing.
// Imported into an empty server it gives the same licenses: their export has the same bytes.
func TestWhatIsExportedCanBeImported(t *testing.T) {
	t.Parallel()
	s, other := serve(t), serve(t)
	c, empty := s.as(t, s.admin), other.as(t, other.admin)
	columns := allColumns(t, c)
	const rows = 300
	r := c.imports("", randomFile(t, columns, rand.New(rand.NewPCG(1, 2)), rows))
	fields{"result.created_licenses_count": strconv.Itoa(rows), "result.invalid_row_count": "0"}.check(t, "the file", r)
	export := c.get(200, "/api/v1/licenses/export/")
	if got := export.header.Get("Content-Type"); !strings.HasPrefix(got, "text/csv") {
		t.Errorf("the export is %s", got)
	}
	if header, _, _ := strings.Cut(string(export.body), "\r\n"); header != strings.Join(columns, ",") {
		t.Errorf("the columns are %s", header)
	}
	again := fields{"result.existed_licenses_count": strconv.Itoa(rows), "result.created_licenses_count": "0",
		"result.differing_rows_count": "0", "result.invalid_row_count": "0"}
	again.check(t, "the export, imported again", c.imports("", string(export.body)))
	again.check(t, "the orders, imported again", c.imports("", string(c.get(200, "/api/v1/orders/export/?range=last30").body)))
	fields{"result.created_licenses_count": strconv.Itoa(rows), "result.invalid_row_count": "0"}.
		check(t, "in an empty server", empty.imports("", string(export.body)))
	if second := empty.get(200, "/api/v1/licenses/export/"); string(second.body) != string(export.body) {
		t.Error("the export of the empty server differs")
	}
	if a, b := c.get(200, "/api/v1/customers/export/").body, empty.get(200, "/api/v1/customers/export/").body; string(a) != string(b) {
		t.Errorf("the customers differ:\n%s\n%s", a, b)
	}
}

// TestExports: filters, ranges, and what a limited manager gets.
func TestExports(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	c.imports("", "license__license_key,product__short_code,customer__email,customer__first_name,order__store_id\n"+
		"a-1,psc,ada@example.com,Ada,o-1\na-2,pro,bob@example.com,,o-1\na-3,psc,,,\n")
	limited := s.as(t, s.newKey(t, "Lim", "viewer", "psc"))
	keys := func(c *caller, path string) string {
		records, err := csv.NewReader(strings.NewReader(string(c.get(200, "/api/v1/"+path).body))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var first []string
		for _, r := range records[1:] {
			first = append(first, r[0])
		}
		return strings.Join(first, " ")
	}
	for path, want := range map[string]string{
		"licenses/export/":                                "a-1 a-2 a-3",
		"licenses/export/?product__short_code=psc":        "a-1 a-3",
		"licenses/export/?customer_email=ADA@example.com": "a-1",
		"licenses/export/?license_key=none":               "",
		"customers/export/":                               "ada@example.com bob@example.com",
		"customers/export/?first_name__icontains=ad":      "ada@example.com",
		"orders/export/":                                  "a-1 a-2 a-3",
		"orders/export/?store_id=o-1":                     "a-1 a-2",
		"orders/export/?range=last30":                     "a-1 a-2 a-3",
		"orders/export/?from=2020-01-01&to=2020-12-31":    "",
		"orders/export/?from=2020-01-01&short_code=pro":   "a-1 a-2",
		"orders/export/?to=2999-12-31&store_id=o-1":       "a-1 a-2",
	} {
		if got := keys(c, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := keys(limited, "licenses/export/"); got != "a-1 a-3" {
		t.Errorf("a limited manager: %q", got)
	}
	limited.get(403, "/api/v1/customers/export/").problem(t, "permission_denied")
	limited.get(403, "/api/v1/orders/export/").problem(t, "permission_denied")
	c.get(400, "/api/v1/licenses/export/?limit=1").problem(t, "unknown_parameter")
	c.get(400, "/api/v1/orders/export/?range=").problem(t, "invalid_parameter")
	c.get(400, "/api/v1/orders/export/?range=last30&from=2020-01-01").problem(t, "invalid_parameter")
}
