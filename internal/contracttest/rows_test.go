package contracttest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// record is CSV of some fields.
func record(t *testing.T, fields ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(fields); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	return b.String()
}

// allColumns are the columns as the template has them.
func allColumns(t *testing.T, c *caller) []string {
	t.Helper()
	template := bytes.TrimPrefix(c.get(200, "/api/v1/license-import-template.csv").body, []byte("\uFEFF"))
	records, err := csv.NewReader(bytes.NewReader(template)).ReadAll()
	if err != nil || len(records) != 2 {
		t.Fatalf("the template: %v %s", err, template)
	}
	return records[0]
}

// invalidRow is a rejected row as the API shows it.
type invalidRow struct {
	Row, Line int
	Errors    []struct{ Column, Code, Message, Value string }
	Values    map[string]string
	Raw       string
}

func (r invalidRow) codes() string {
	var codes []string
	for _, e := range r.Errors {
		codes = append(codes, e.Code+" "+e.Column)
	}
	return strings.Join(codes, ", ")
}

// rowCase is one row: its values by column; what is wrong with it, or some members of its event and its warnings.
type rowCase struct {
	values   map[string]string
	rejected string // codes and columns
	members  fields // of the event's data
	warnings string // codes and columns
}

// checkRows uploads all cases as one file and looks what became of each.
func checkRows(t *testing.T, c *caller, cases []rowCase) {
	t.Helper()
	columns := allColumns(t, c)
	file := record(t, columns...)
	for i, test := range cases {
		fields := make([]string, len(columns))
		for j, column := range columns {
			value, given := test.values[column]
			switch {
			case given:
				fields[j] = value
			case column == "license__license_key":
				fields[j] = fmt.Sprintf("key-%d", i+1)
			case column == "product__short_code":
				fields[j] = "psc"
			}
		}
		file += record(t, fields...)
	}
	r := c.imports("", file)
	id := r.field("id")
	rejected := map[int]invalidRow{}
	for _, row := range pages[invalidRow](t, c, resultsPath+id+"/invalid_rows/") {
		rejected[row.Row] = row
	}
	imported := map[int]answer{}
	for _, l := range pages[importedRow](t, c, "/api/v1/licenses/?import_id="+id) {
		imported[l.Row] = c.get(200, "/api/v1/licenses/"+l.ID.String()+"/event/")
	}
	for i, test := range cases {
		t.Run(fmt.Sprintf("row %d %.60v", i+1, test.values), func(t *testing.T) {
			row, bad := rejected[i+1]
			if got := row.codes(); got != test.rejected {
				t.Fatalf("rejected for %q, want %q", got, test.rejected)
			}
			if bad {
				checkRejected(t, row, test.values)
				return
			}
			event, found := imported[i+1]
			if !found {
				t.Fatal("neither imported nor rejected")
			}
			for path, want := range test.members {
				if got := event.field("data." + path); got != want {
					t.Errorf("%s is %s, want %s", path, got, want)
				}
			}
			if got := warningsOf(t, event); got != test.warnings {
				t.Errorf("the warnings are %q, want %q", got, test.warnings)
			}
		})
	}
}

type importedRow struct {
	made
	Row int `json:"import_row"`
}

func checkRejected(t *testing.T, row invalidRow, values map[string]string) {
	t.Helper()
	for _, e := range row.Errors {
		if e.Message == "" {
			t.Errorf("%s has no message", e.Code)
		}
		if value, given := values[e.Column]; given && e.Value != value {
			t.Errorf("the value is %q, sent was %q", e.Value, value)
		}
	}
	for column, value := range values {
		if row.Values[column] != value {
			t.Errorf("values: %s is %q, sent was %q", column, row.Values[column], value)
		}
	}
}

func warningsOf(t *testing.T, event answer) string {
	t.Helper()
	var warnings []struct{ Code, Column string }
	if text := event.field("data.warnings"); text != "" {
		if err := json.Unmarshal([]byte(text), &warnings); err != nil {
			t.Fatal(err)
		}
	}
	var text []string
	for _, w := range warnings {
		text = append(text, w.Code+" "+w.Column)
	}
	return strings.Join(text, ", ")
}

// pages reads all pages of a list by its next addresses.
func pages[T any](t *testing.T, c *caller, path string) []T {
	t.Helper()
	var all []T
	for {
		a := c.get(200, path)
		var p page[T]
		if err := json.Unmarshal(a.body, &p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Results...)
		if p.Next == nil {
			if len(all) != p.Count {
				t.Fatalf("%s: %d of %d", path, len(all), p.Count)
			}
			return all
		}
		path = strings.TrimPrefix(*p.Next, c.url)
	}
}

func one(column, value, rejected string) rowCase {
	c := rowCase{values: map[string]string{column: value}}
	if rejected != "" {
		c.rejected = rejected + " " + column
	}
	return c
}

func kept(column, value, member, want string, warnings ...string) rowCase {
	return rowCase{values: map[string]string{column: value}, members: fields{member: want}, warnings: strings.Join(warnings, ", ")}
}

// TestKinds: what each kind of column takes, and what it is kept as.
func TestKinds(t *testing.T) {
	t.Parallel()
	s := serve(t)
	const x256, umlauts = 256, 255
	anonymous := "customer_without_email customer__email"
	cases := []rowCase{
		// The required ones.
		{values: map[string]string{"license__license_key": ""}, rejected: "required license__license_key"},
		{values: map[string]string{"license__license_key": " \t "}, rejected: "required license__license_key"},
		{values: map[string]string{"product__short_code": ""}, rejected: "required product__short_code"},
		{values: map[string]string{"license__license_key": "", "product__short_code": "", "customer__email": "x", "license__enabled": "maybe"},
			rejected: "required license__license_key, required product__short_code, invalid_email customer__email, invalid_bool license__enabled"},
		kept("license__license_key", "  spaced  ", "license.license_key", `"spaced"`),
		// Texts.
		one("license__license_key", strings.Repeat("x", 1025), "too_long"),
		kept("license__license_key", strings.Repeat("x", 1024), "license.license_key", compact(strings.Repeat("x", 1024))),
		one("license__license_key", strings.Repeat("+", 683), "too_long"),
		kept("license__license_key", strings.Repeat("+", 682), "license.license_key", compact(strings.Repeat("+", 682))),
		one("license__license_key", "#REF!", "spreadsheet_error"),
		one("license__max_activations", " #N/A ", "spreadsheet_error"),
		one("license__note", "#DIV/0!", "spreadsheet_error"),
		kept("license__license_key", strings.Repeat("ü", umlauts), "license.license_key", compact(strings.Repeat("ü", umlauts))),
		one("product__short_code", strings.Repeat("x", 65), "too_long"),
		kept("product__short_code", strings.Repeat("😀", 64), "product.short_code", compact(strings.Repeat("😀", 64))),
		one("license__subscription_id", strings.Repeat("x", x256), "too_long"),
		one("order__campaign_params", strings.Repeat("x", 2001), "too_long"),
		kept("order__campaign_params", strings.Repeat("x", 2000), "order.campaign_params", compact(strings.Repeat("x", 2000))),
		one("license__note", strings.Repeat("x", 10001), "too_long"),
		kept("license__note", strings.Repeat("語", 10000), "license.note", compact(strings.Repeat("語", 10000))),
		kept("license__note", " \n kept to the letter\r\n\t ", "license.note", `" \n kept to the letter\r\n\t "`),
		one("license__note", "a\x00b", "control_character"),
		one("license__note", "a\x1fb", "control_character"),
		one("license__note", "a\x7fb", "control_character"),
		kept("license__note", "a\u0080b", "license.note", "\"a\u0080b\""),
		one("customer__city", "a\x0bb", "control_character"),
		kept("customer__city", "tab\tcr\rlf\nok", "customer.city", `"tab\tcr\rlf\nok"`, anonymous),
		kept("customer__phone", "+0049 30", "customer.phone", `"+0049 30"`, anonymous),
		kept("customer__postcode", "00501", "customer.postcode", `"00501"`, anonymous),
		kept("customer__reference", "=1+1", "customer.reference", `"=1+1"`, anonymous),
		// E-mail.
		kept("customer__email", " Ada@Example.COM ", "customer.email", `"Ada@Example.COM"`),
		kept("customer__email", "müller@exämple.de", "customer.email", `"müller@exämple.de"`),
		one("customer__email", "no at", "invalid_email"),
		one("customer__email", "a@b", "invalid_email"),
		one("customer__email", "a@example.com, b@example.com", "invalid_email"),
		one("customer__email", "Ada <a@example.com>", "invalid_email"),
		one("customer__email", strings.Repeat("a", 250)+"@example.com", "too_long"),
		// Bool.
		kept("license__enabled", "FALSE", "license.enabled", "false"),
		kept("license__enabled", "0", "license.enabled", "false"),
		kept("license__enabled", "No", "license.enabled", "false"),
		kept("license__enabled", "yes", "license.enabled", "true"),
		kept("license__enabled", "1", "license.enabled", "true"),
		kept("license__enabled", "tRuE", "license.enabled", "true"),
		kept("license__enabled", "", "license.enabled", "true"),
		one("license__prevent_vm", "y", "invalid_bool"),
		one("order__is_test", "2", "invalid_bool"),
		// Int.
		kept("license__max_activations", "0", "license.max_activations", "0"),
		kept("license__max_activations", "007", "license.max_activations", "7"),
		kept("license__max_activations", "2147483647", "license.max_activations", "2147483647"),
		kept("license__max_activations", "", "license.max_activations", "1"),
		one("license__max_activations", "2147483648", "out_of_range"),
		one("license__max_activations", "99999999999999999999999", "out_of_range"),
		one("license__max_activations", "-1", "out_of_range"),
		one("license__max_activations", "3.0", "invalid_int"),
		one("license__max_activations", "1e3", "invalid_int"),
		one("license__max_activations", "many", "invalid_int"),
		// Date.
		kept("license__validity_period", "2030-02-28", "license.validity_period", `"2030-02-28"`),
		kept("license__validity_period", "2030-12-31 23:59:59", "license.validity_period", `"2030-12-31"`),
		kept("license__validity_period", "2030-12-31T23:59:59Z", "license.validity_period", `"2030-12-31"`),
		kept("license__validity_period", "2030-12-31T23:59:59.123+02:00", "license.validity_period", `"2030-12-31"`),
		one("license__validity_period", "2030-02-29", "invalid_date"),
		one("license__validity_period", "31.12.2030", "invalid_date"),
		one("license__validity_period", "2030-1-1", "invalid_date"),
		one("license__validity_period", "2030-12-31 24:00:00", "invalid_date"),
		one("license__validity_period", "20301231", "invalid_date"),
		// Duration.
		kept("license__valid_duration", "30d", "license.valid_duration", `"30d"`),
		kept("license__valid_duration", "36500y", "license.valid_duration", `"36500y"`),
		one("license__valid_duration", "36501d", "out_of_range"),
		one("license__valid_duration", "0m", "out_of_range"),
		one("license__valid_duration", "12", "invalid_duration"),
		one("license__valid_duration", "1w", "invalid_duration"),
		one("license__valid_duration", "-1d", "invalid_duration"),
		one("license__valid_duration", "1.5y", "invalid_duration"),
		// Enum.
		kept("license__license_type", "Time-Limited", "license.license_type", `"time-limited"`),
		kept("license__license_type", "CONSUMPTION", "license.license_type", `"consumption"`),
		kept("license__license_type", "", "license.license_type", `"perpetual"`),
		one("license__license_type", "time limited", "invalid_choice"),
		kept("license__consumption_period", "annualy", "license.consumption_period", `"annually"`),
		kept("license__consumption_period", "Weekly", "license.consumption_period", `"weekly"`),
		one("license__consumption_period", "hourly", "invalid_choice"),
		kept("order__type", "NORMAL", "order.type", `"normal"`),
		one("order__type", "special", "invalid_choice"),
	}
	checkRows(t, s.as(t, s.admin), cases)
}

// TestColumnsTogether: conflicts and warnings.
func TestColumnsTogether(t *testing.T) {
	t.Parallel()
	s := serve(t)
	values := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	checkRows(t, s.as(t, s.admin), []rowCase{
		{values: values("license__validity_period", "2030-01-01", "license__valid_duration", "1y"), rejected: "conflict license__validity_period"},
		{values: values("license__validity_period", "2030-01-01", "license__valid_duration", " ", "license__license_type", "time-limited")},
		{values: values("license__validity_period", "2030-01-01", "license__license_type", "subscription")},
		{values: values("license__validity_period", "2030-01-01", "license__license_type", "perpetual"), warnings: "validity_on_perpetual license__validity_period"},
		{values: values("license__valid_duration", "1y", "license__license_type", "perpetual"), warnings: "validity_on_perpetual license__valid_duration"},
		{values: values("license__valid_duration", "1y"), members: fields{"license.license_type": `"time-limited"`}},
		{values: values("license__validity_period", "2030-01-01"), members: fields{"license.license_type": `"time-limited"`}},
		{values: values("license__license_key", "1.23E+11"), warnings: "number_like license__license_key"},
		{values: values("license__license_key", "5121543818811000000"), warnings: "number_like license__license_key"},
		{values: values("order__store_id", "o\u200b1"), warnings: "invisible_character order__store_id"},
		{values: values("customer__email", "a\u00ad@example.com"), warnings: "invisible_character customer__email"},
		{values: values("license__maintenance_period", "2030-01-01"), members: fields{"license.maintenance_period": `"2030-01-01"`},
			warnings: "maintenance_not_enabled license__maintenance_period"},
		{values: values("license__maintenance_duration", "1y", "license__enable_maintenance_period", "false"),
			warnings: "maintenance_not_enabled license__maintenance_duration"},
		{values: values("license__maintenance_period", "2030-01-01", "license__maintenance_duration", "1y", "license__enable_maintenance_period", "1")},
		{values: values("license__trial_days", "30"), warnings: "not_a_trial license__trial_days"},
		{values: values("license__trial_days", "30", "license__is_trial", "yes")},
		{values: values("license__max_overages", "5"), warnings: "overages_not_allowed license__max_overages"},
		{values: values("license__max_overages", "5", "license__allow_overages", "true")},
		{values: values("license__floating_users", "5"), warnings: "not_floating license__floating_users"},
		{values: values("license__floating_users", "5", "license__is_floating", "true")},
		{values: values("license__floating_users", "5", "license__is_floating_cloud", "true")},
		{values: values("license__floating_timeout", "5", "license__max_license_users", "0"), members: fields{"license.floating_timeout": "5", "license.max_license_users": "0"}},
		{values: values("customer__city", "Köln"), members: fields{"customer.city": `"Köln"`}, warnings: "customer_without_email customer__email"},
		{values: values("customer__city", "Köln", "customer__email", "a@example.com")},
		{values: values("license__is_floating", "yes"), members: fields{"license.is_floating": "true", "license.prevent_vm": "", "order.store_id": ""}},
	})
}

// TestEveryColumn: each column reaches the license, customer or order under its name.
func TestEveryColumn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	columns := allColumns(t, c)
	if len(columns) != 44 {
		t.Fatalf("%d columns", len(columns))
	}
	template := c.get(200, "/api/v1/license-import-template.csv")
	if got := template.header.Get("Content-Type"); !strings.HasPrefix(got, "text/csv") {
		t.Errorf("the template is %s", got)
	}
	r := c.imports("", string(template.body))
	counts(1, 1, 0, 1, 0, 1, 0, 1, 0).check(t, "the template", r)
	if printed := command(t, "template"); printed != string(template.body) {
		t.Error("the command template prints another file")
	}

	row := make([]string, len(columns))
	want := map[string]string{}
	for i, column := range columns {
		row[i] = sampleValue(column)
		want[column] = row[i]
	}
	r = c.imports("", record(t, columns...)+record(t, row...))
	counts(1, 1, 0, 1, 0, 1, 0, 1, 0).check(t, "all columns", r)
	l := c.get(200, "/api/v1/licenses/?import_id="+r.field("id"))
	for column, value := range want {
		group, name, _ := strings.Cut(column, "__")
		path := "results.0." + map[string]string{"license": "", "product": "product.", "customer": "customer.", "order": "order."}[group] + name
		if got := unquoted(l.field(path)); got != value && !(value == "" && got == "null") {
			t.Errorf("%s is %s, want %s", path, got, value)
		}
	}
}

// sampleValue is some value that a column takes, of the type that JSON shows as it is.
func sampleValue(column string) string {
	_, name, _ := strings.Cut(column, "__")
	switch {
	case name == "email":
		return "someone@example.com"
	case name == "type":
		return "normal"
	case name == "license_type":
		return "consumption"
	case name == "consumption_period":
		return "monthly"
	case name == "valid_duration" || name == "maintenance_duration":
		return "6m"
	case name == "validity_period":
		return "" // not together with valid_duration
	case name == "maintenance_period":
		return "2031-05-06"
	case strings.HasPrefix(name, "is_") || name == "enabled" || name == "prevent_vm" || name == "allow_overages" || name == "reset_consumption" ||
		name == "allow_unlimited_activations" || name == "enable_maintenance_period":
		return "true"
	case strings.HasPrefix(name, "max_") || strings.HasPrefix(name, "floating_") || name == "trial_days":
		return "17"
	default:
		return "value of " + name
	}
}
