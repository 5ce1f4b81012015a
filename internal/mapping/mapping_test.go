package mapping

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
)

func to(column string) *string { return &column }

func codes(problems []Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, string(p.Code))
	}
	return strings.Join(all, " ")
}

func TestCheckNamesEveryMistake(t *testing.T) {
	for name, c := range map[string]struct {
		mapping events.Mapping
		want    string
	}{
		"the contract's example": {events.Mapping{
			Kind:    "licenses",
			Columns: map[string]*string{"Serial No.": to("license__license_key"), "Notes 2": nil},
			Set:     map[string]string{"product__short_code": "photo-pro"}, DateFormat: "MM/DD/YYYY",
			Values: map[string]map[string]string{
				"license__license_type": {"Lifetime": "perpetual"}, "license__max_activations": {"Unlimited": ""},
			},
		}, ""},
		"nothing":            {events.Mapping{}, ""},
		"a foreign kind":     {events.Mapping{Kind: "cars"}, "unknown_kind"},
		"an unknown column":  {events.Mapping{Columns: map[string]*string{"A": to("license__key")}}, "unknown_column"},
		"a column twice":     {events.Mapping{Columns: map[string]*string{"A": to("license__note"), "B": to("License__Note")}}, "duplicate_column"},
		"a header twice":     {events.Mapping{Columns: map[string]*string{"A": to("license__note"), " a": nil}}, "duplicate_header"},
		"no header":          {events.Mapping{Columns: map[string]*string{" ": nil}}, "unknown_column"},
		"a header of errors": {events.Mapping{Columns: map[string]*string{" Error__Row": to("license__note"), "error__raw": nil}}, "unknown_column"},
		"set and mapped":     {events.Mapping{Columns: map[string]*string{"A": to("license__note")}, Set: map[string]string{"license__note": "x"}}, "set_and_mapped"},
		"an unknown set":     {events.Mapping{Set: map[string]string{"x": "y"}}, "unknown_column"},
		"a set that is none": {events.Mapping{Set: map[string]string{"license__enabled": "perhaps"}}, "invalid_value"},
		"an empty set":       {events.Mapping{Set: map[string]string{"license__note": ""}}, "invalid_value"},
		"a set date":         {events.Mapping{Set: map[string]string{"license__validity_period": "12/31/2030"}, DateFormat: "MM/DD/YYYY"}, ""},
		"a date of no month": {events.Mapping{Set: map[string]string{"license__validity_period": "31/12/2030"}, DateFormat: "MM/DD/YYYY"}, "invalid_value"},
		"clearing":           {events.Mapping{Values: map[string]map[string]string{"license__note": {"-": "#N/A"}}}, ""},
		"a date format":      {events.Mapping{DateFormat: "YY"}, "invalid_date_format"},
		"ambiguous":          {events.Mapping{DateFormat: "ambiguous"}, "invalid_date_format"},
		"a date without one": {events.Mapping{DateFormat: "YY", Set: map[string]string{"license__validity_period": "2030-01-01"}}, "invalid_date_format"},
		"a cell without one": {events.Mapping{DateFormat: "YY", Values: map[string]map[string]string{"license__validity_period": {"x": "2030-01-01"}}}, "invalid_date_format"},
		"a translation":      {events.Mapping{Values: map[string]map[string]string{"license__license_type": {"Lifetime": "for ever"}}}, "invalid_value"},
		"an unknown value":   {events.Mapping{Values: map[string]map[string]string{"x": {"a": "b"}}}, "unknown_column"},
		"cells twice":        {events.Mapping{Values: map[string]map[string]string{"license__note": {"a": "b", "A": "c"}}}, "invalid_value"},
		"cells of two names": {events.Mapping{Values: map[string]map[string]string{"license__enabled": {"x": "true"}, "LICENSE__ENABLED": {"X": "false"}}}, "invalid_value"},
		"an alias's cells": {events.Mapping{Kind: "customers", Values: map[string]map[string]string{
			"country": {"D": "DE"}, "customer__country": {"D": "AT"}}}, "invalid_value"},
		"other cells": {events.Mapping{Kind: "customers", Values: map[string]map[string]string{
			"country": {"D": "DE"}, "customer__country": {"A": "AT"}}}, ""},
		"a cell of no text": {events.Mapping{Values: map[string]map[string]string{"license__note": {"\xfc": "b"}}}, "invalid_value"},
		"an empty cell":     {events.Mapping{Values: map[string]map[string]string{"license__note": {"": "b"}}}, "invalid_value"},
	} {
		problems := Check(&c.mapping)
		if got := codes(problems); got != c.want {
			t.Errorf("%s: %q, want %q: %v", name, got, c.want, problems)
		}
	}
	big := events.Mapping{Columns: map[string]*string{}}
	for i := range MaxHeaders + 1 {
		big.Columns[strings.Repeat("x", i+1)] = nil
	}
	if got := codes(Check(&big)); got != "mapping_too_large" {
		t.Errorf("a large mapping: %q", got)
	}
}

func TestBuiltinMappingsAreValid(t *testing.T) {
	for _, v := range Vendors {
		m := Builtin(strings.ToUpper(v.Name))
		if problems := Check(m); len(problems) > 0 {
			t.Errorf("%s: %v", v.Name, problems)
		}
		if !strings.HasPrefix(v.Source, "https://") {
			t.Errorf("%s: no source", v.Name)
		}
		for _, mark := range v.marks {
			if _, known := v.column(mark); !known {
				t.Errorf("%s: the mark %s is none of its headers", v.Name, mark)
			}
		}
	}
	if Builtin("nobody") != nil {
		t.Error("a built-in mapping of an unknown name")
	}
}

func TestSynonymsNameColumns(t *testing.T) {
	for _, row := range synonyms {
		if _, known := events.ColumnIndex(row.column); !known {
			t.Errorf("%s is no column", row.column)
		}
		for _, header := range row.headers {
			if compact(header) == "" {
				if header != "〒" {
					t.Errorf("%q has no letters", header)
				}
			}
		}
	}
}

func TestResolveLaysTheRequestOverTheSavedMapping(t *testing.T) {
	saved := &events.Mapping{
		Columns: map[string]*string{"Serial": to("license__license_key"), "Old": to("license__note"), "Gone": nil},
		Set:     map[string]string{"product__short_code": "a", "license__enabled": "true"}, DateFormat: "DD.MM.YYYY",
	}
	got, problems := Resolve(events.Licenses, saved, Given{
		Map: []string{"Key: No:license__license_key", "gone:customer__email"}, Set: []string{"product__short_code:b:c"}, Ignore: []string{"Other"},
		DateFormat: "MM/DD/YYYY",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := map[string]*string{"Serial": nil, "Old": to("license__note"), "Key: No": to("license__license_key"), "gone": to("customer__email"), "Other": nil}
	same := func(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
	if !maps.EqualFunc(got.Columns, want, same) || !maps.Equal(got.Set, map[string]string{"product__short_code": "b:c", "license__enabled": "true"}) ||
		got.DateFormat != "MM/DD/YYYY" {
		t.Errorf("%+v", got)
	}
	if len(saved.Columns) != 3 || saved.Set["product__short_code"] != "a" {
		t.Error("the saved mapping was changed")
	}
	if m, problems := Resolve(events.Licenses, nil, Given{}); m != nil || problems != nil {
		t.Error("a mapping out of nothing")
	}
	for want, given := range map[string]Given{
		"unknown_column":   {Map: []string{"Serial"}},
		"duplicate_header": {Map: []string{"A:license__note"}, Ignore: []string{"a"}},
		"duplicate_column": {Map: []string{"A:license__note"}, Set: []string{"license__note:x"}},
	} {
		if _, problems := Resolve(events.Licenses, nil, given); codes(problems) != want {
			t.Errorf("%+v: %v, want %s", given, problems, want)
		}
	}
}

func kinds(problems []csvfile.HeaderProblem) string {
	var all []string
	for _, p := range problems {
		all = append(all, string(p.Kind))
	}
	return strings.Join(all, " ")
}

func TestMatch(t *testing.T) {
	m := &events.Mapping{
		Columns: map[string]*string{"Serial No.": to("license__license_key"), "Notes 2": nil, "Mail": to("customer__email")},
		Set:     map[string]string{"product__short_code": "pp"},
	}
	for name, c := range map[string]struct {
		header  string
		given   Given
		ignore  bool
		want    string
		columns []int
		ignored string
	}{
		"mapped":             {header: "serial no. |NOTES 2|license__note|", columns: []int{0, -1, 43, -1}, ignored: "NOTES 2"},
		"rejected rows":      {header: "Serial No.|error__row", columns: []int{0, -1}},
		"unknown":            {header: "Serial No.|Other", want: "unknown_column"},
		"unknown, ignored":   {header: "Serial No.|Other", ignore: true, columns: []int{0, -1}, ignored: "Other"},
		"twice":              {header: "Serial No.|license__license_key", want: "duplicate_column"},
		"set":                {header: "Serial No.|product__short_code", want: "set_and_mapped"},
		"missing":            {header: "Mail", want: "missing_column"},
		"a header not there": {header: "Serial No.", given: Given{Map: []string{"Mial:customer__email"}}, want: "unknown_header"},
	} {
		got, problems := Match(events.Licenses, strings.Split(c.header, "|"), m, c.given, c.ignore)
		if kinds(problems) != c.want {
			t.Errorf("%s: %v, want %q", name, problems, c.want)
		}
		if c.want == "" && (!slices.Equal(got.Columns, c.columns) || strings.Join(got.Ignored, "|") != c.ignored) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestTwoColumnsOfOneName: no parameter tells them apart, so none is proposed that keeps one of them.
func TestTwoColumnsOfOneName(t *testing.T) {
	m := &events.Mapping{Columns: map[string]*string{
		"Serial No.": to("license__license_key"), "Product": to("product__short_code"), "Mail": to("customer__email"),
		"Price": nil,
	}}
	got, problems := Match(events.Licenses, strings.Split("Serial No.|Product|Price|price", "|"), m, Given{}, false)
	if len(problems) != 0 || !slices.Equal(got.Columns, []int{0, 1, -1, -1}) {
		t.Errorf("%+v, %v", got, problems)
	}
	_, problems = Match(events.Licenses, strings.Split("Serial No.|Product|Mail|MAIL ", "|"), m, Given{}, false)
	want := `columns 3 and 4 are both named "MAIL": rename one of them in the file, or leave them out (ignore=MAIL)`
	if len(problems) != 1 || problems[0].Kind != csvfile.DuplicateColumn || problems[0].Message != want {
		t.Errorf("%+v, want %s", problems, want)
	}
}

// TestInspectionOfTwoColumnsOfOneName: a mapping names headers, so it cannot say which of the two is meant.
func TestInspectionOfTwoColumnsOfOneName(t *testing.T) {
	const text = "Serial No.,Product,Email,EMAIL,Price,Price\nAAAA-0001,psc,a@example.com,b@example.com,1,2\n"
	found := inspectText(t, text)
	for i, want := range []string{"license__license_key", "product__short_code", "", "", "", ""} {
		c := found.Columns[i]
		if want == "" && (c.Column != nil || !strings.Contains(c.Why, "rename one of them")) {
			t.Errorf("%s is %v, %s", c.Header, c.Column, c.Why)
		} else if want != "" && (c.Column == nil || *c.Column != want) {
			t.Errorf("%s is %v, want %s", c.Header, c.Column, want)
		}
	}
	m := &events.Mapping{Columns: map[string]*string{"Price": nil, "Email": to("customer__email")}}
	found, err := InspectCSV(events.Licenses, []byte(text), false, csvfile.Options{}, m)
	if err != nil || found.Columns[2].Column != nil || found.Columns[3].Column != nil ||
		found.Columns[4].Why != "the mapping says so" {
		t.Errorf("%+v, %v", found.Columns, err)
	}
}

func TestMissingColumnsComeWithWhatToCopy(t *testing.T) {
	_, problems := Match(events.Licenses, []string{"Serial No.", "customer__email"}, nil, Given{}, true)
	if len(problems) != 2 || problems[0].Parameter != "map=Serial No.:license__license_key" || problems[1].Parameter != "set=product__short_code:VALUE" {
		t.Errorf("%+v", problems)
	}
	if !strings.Contains(problems[0].Message, problems[0].Parameter) {
		t.Error(problems[0].Message)
	}
}

// TestNoKeyForAllRows: under a mapping, too, one value for all rows is proposed only where rows can share one.
func TestNoKeyForAllRows(t *testing.T) {
	for kind, shared := range map[*events.Kind]string{
		events.Licenses: "product__short_code", events.Features: "code", events.Customers: "",
	} {
		_, problems := Match(kind, []string{"Foo"}, &events.Mapping{Columns: map[string]*string{"Foo": nil}}, Given{}, false)
		for _, p := range problems {
			if all := strings.Contains(p.Message, "all rows"); all != (p.Name == shared) || len(problems) > 2 {
				t.Errorf("%s: %+v", p.Name, p)
			}
		}
	}
}

// TestAdviceNamesOneHeader: what a column's name is like and what its meaning is may be two headers.
func TestAdviceNamesOneHeader(t *testing.T) {
	for _, header := range []string{"Key|Lizenzschlüssel|product__short_code", "Lizenzschlüssel|Key|product__short_code"} {
		_, problems := Match(events.Licenses, strings.Split(header, "|"), nil, Given{}, true)
		if len(problems) != 1 || problems[0].Suggestion != "Lizenzschlüssel" ||
			!strings.Contains(problems[0].Message, "map=Lizenzschlüssel:") || strings.Contains(problems[0].Message, `"Key"`) {
			t.Errorf("%s: %+v", header, problems)
		}
	}
}

// TestAHeaderThatIsNone: what is read as the header may be a title, or the first row of a file without a header.
func TestAHeaderThatIsNone(t *testing.T) {
	for header, none := range map[string]bool{
		"License export": true, "License export 2026||": true, "Report|by Ada|2026-01-31": true,
		"AAAA-BBBB-CCCC-DDD1|photo|ada@example.com": true,
		"Serial|Price":     false, // one of them is
		"license_ky":       false, // misspelt
		"email|first_name": false, // those of customers
		"code|expiry_date": false,
	} {
		_, problems := Match(events.Licenses, strings.Split(header, "|"), nil, Given{}, false)
		said := 0
		for _, p := range problems {
			if strings.Contains(p.Message, NoHeader) {
				said++
			}
		}
		if none != (said == 1) || said > 1 {
			t.Errorf("%s: %+v", header, problems)
		}
	}
}

// TestAHeaderOfOneField: a delimiter that is not known, and quotes around whole lines, make one field of a header.
func TestAHeaderOfOneField(t *testing.T) {
	for header, want := range map[string]string{
		"Key^Product^Mail": "none of comma, semicolon, tab and pipe", "Key,Product,Mail": "quotes stand around whole lines",
	} {
		if _, problems := Match(events.Licenses, []string{header}, nil, Given{}, false); !strings.Contains(problems[0].Message, want) {
			t.Errorf("%s: %+v", header, problems)
		}
	}
}

// TestNoAdviceAgainstTheRequest: what cannot stand beside the request's own parameters is not proposed.
func TestNoAdviceAgainstTheRequest(t *testing.T) {
	given, product := Given{Ignore: []string{"serial no."}}, "product__short_code"
	m := &events.Mapping{Columns: map[string]*string{"serial no.": nil, "P": &product}}
	_, problems := Match(events.Licenses, []string{"Serial No.", "P"}, m, given, false)
	if len(problems) != 1 || problems[0].Parameter != "" || !strings.Contains(problems[0].Message, "ignore=Serial No.") {
		t.Errorf("%+v", problems)
	}
}

func TestDatesOfEachFormat(t *testing.T) {
	for _, c := range []struct{ format, cell, want string }{
		{"", "2030-12-31", "2030-12-31"},
		{"", "2030-12-31T10:22:33.123Z", "2030-12-31"},
		{"", "2030-12-31 10:22:33 +0000", "2030-12-31"},
		{"", "2030-12-31T08:49:17.9361143+02:00", "2030-12-31"},
		{"", "2030-02-30", "2030-02-30"},
		{"", "12/31/2030", "12/31/2030"},
		{"MM/DD/YYYY", "12/31/2030", "2030-12-31"},
		{"mm/dd/yyyy", " 3/5/2030 ", "2030-03-05"},
		{"MM/DD/YYYY", "12/31/2030 11:59 PM", "2030-12-31"},
		{"MM/DD/YYYY", "31/12/2030", "31/12/2030"},
		{"", "2030-12-31 9:05", "2030-12-31"},
		{"", "2030-12-31, 23:59:59,5 UTC", "2030-12-31"},
		{"", "2030-12-31 29:59:59", "2030-12-31 29:59:59"},
		{"", "2030-12-31 24:00", "2030-12-31 24:00"},
		{"", "2030-12-31 12:00 a.m.", "2030-12-31"},
		{"", "2030-12-31 1:00:00 PM +0100", "2030-12-31"},
		{"", "2030-12-31 00:30 AM", "2030-12-31 00:30 AM"},
		{"", "2030-12-31 13:00 PM", "2030-12-31 13:00 PM"},
		{"", "2030-12-31T10:00:00+02", "2030-12-31"},
		{"", "2030-12-31T10:00:00+24:00", "2030-12-31T10:00:00+24:00"},
		{"", "2030-12-31T10:00:00+01:60", "2030-12-31T10:00:00+01:60"},
		{"MM/DD/YYYY", "2030-12-31", "2030-12-31"},
		{"MM/DD/YYYY", "3/5/30", "3/5/30"},
		{"DD/MM/YYYY", "31/12/2030", "2030-12-31"},
		{"DD.MM.YYYY", "31.12.2030 00:00:00", "2030-12-31"},
		{"DD.MM.YYYY", "1.2.2030", "2030-02-01"},
		{"YYYY/MM/DD", "2030/1/2", "2030-01-02"},
		{"D MMM YYYY", "5 Mar 2030", "2030-03-05"},
		{"D MMM YYYY", "05-march-2030", "2030-03-05"},
		{"D MMM YYYY", "5 Mrz 2030", "5 Mrz 2030"},
		{"D MMM YYYY", "Mar 5, 2030", "2030-03-05"},
		{"D MMM YYYY", "december 31 2030 11:59 pm", "2030-12-31"},
		{"D MMM YYYY", "Dec 31, 2030, 23:59:59 +0100", "2030-12-31"},
		{"D MMM YYYY", "Feb 30, 2030", "Feb 30, 2030"},
		{"D MMM YYYY", "Dec 31, 30", "Dec 31, 30"},
		{"D MMM YYYY", "Dec, 31 2030", "Dec, 31 2030"},
		{"D MMM YYYY", "31, Dec 2030", "31, Dec 2030"},
		{"MM/DD/YYYY", "Mar 5, 2030", "Mar 5, 2030"},
	} {
		if got := formatOf(c.format).iso(c.cell); got != c.want {
			t.Errorf("%s: %q is %q, want %q", c.format, c.cell, got, c.want)
		}
	}
}

func TestDetectDates(t *testing.T) {
	const both = "MM/DD/YYYY DD/MM/YYYY"
	for cells, want := range map[string]string{
		"2030-12-31|2031-01-01":    "YYYY-MM-DD",
		"2030-12-31T00:00:00.000Z": "YYYY-MM-DD",
		"12/31/2030|1/2/2030":      "MM/DD/YYYY",
		"31/12/2030|1/2/2030":      "DD/MM/YYYY",
		"1/2/2030|3/4/2030":        both,
		"31/12/2030|12/31/2030":    both,
		"31.12.2030|1.2.2030":      "DD.MM.YYYY",
		"2030/12/31":               "YYYY/MM/DD",
		"5 Mar 2030|2030-12-31":    "D MMM YYYY",
		"Dec 31, 2030|never":       "D MMM YYYY",
		"never|":                   "",
		"never|12/31/2030":         "MM/DD/YYYY",

		"31/12/2030|30/12/2030|12/31/2030": both,
		"31.12.2030|12/31/2030|2030-12-31": "MM/DD/YYYY DD.MM.YYYY",
		"31.12.2030|12/31/2030|1/31/2030":  "MM/DD/YYYY",
		"31.12.2030|1/2/2030":              both + " DD.MM.YYYY",
	} {
		if got := strings.Join(DetectDates(strings.Split(cells, "|")), " "); got != want {
			t.Errorf("%s: %q, want %q", cells, got, want)
		}
	}
}

// values are a row's values by column name.
func values(given map[string]string) (v events.Values) {
	for name, value := range given {
		i, _ := events.Licenses.ColumnIndex(name)
		v[i] = value
	}
	return v
}

// TestLineEndsOfHeadersDoNotCount: what a terminal copies of a header with a line end has no CR.
func TestLineEndsOfHeadersDoNotCount(t *testing.T) {
	key, product := "license__license_key", "product__short_code"
	m := &events.Mapping{Columns: map[string]*string{"License\nKey": &key, "Product\r\nCode": &product}}
	header, problems := Match(events.Licenses, []string{"License\r\nKey", "product\rcode"}, m, Given{}, false)
	if len(problems) > 0 || header.Columns[0] != events.ColumnKey || header.Columns[1] != events.ColumnProduct {
		t.Errorf("%+v %+v", header, problems)
	}
}

// TestCellsOfTwoNamesOfAColumn: an import may have been started with a mapping that names a column twice. Every
// reader of its rows gets the same.
func TestCellsOfTwoNamesOfAColumn(t *testing.T) {
	m := &events.Mapping{Values: map[string]map[string]string{
		"license__enabled": {"x": "true"}, "LICENSE__ENABLED": {"x": "false"}, "License__Enabled": {"X": "false"},
	}}
	for range 100 {
		got := values(map[string]string{"license__enabled": "x"})
		Compile(m).Apply(&got)
		if got != values(map[string]string{"license__enabled": "true"}) {
			t.Fatalf("%v", got)
		}
	}
}

func TestApplyMapsCellsAndTellsWhatWasSent(t *testing.T) {
	c := Compile(&events.Mapping{
		Set: map[string]string{"Product__Short_Code": "pp", "license__maintenance_period": "12/31/2030"}, DateFormat: "MM/DD/YYYY",
		Values: map[string]map[string]string{
			"license__license_type":    {"Lifetime": "perpetual"},
			"license__max_activations": {"Unlimited": ""},
			"license__validity_period": {"Never": "", "SOON": "1/2/2030"},
		},
	})
	sent := values(map[string]string{
		"license__license_key": "Lifetime", "license__license_type": " LIFETIME ", "license__max_activations": "unlimited",
		"license__validity_period": "soon",
	})
	got := sent
	changed := c.Apply(&got)
	want := values(map[string]string{
		"license__license_key": "Lifetime", "license__license_type": "perpetual", "license__validity_period": "2030-01-02",
		"product__short_code": "pp", "license__maintenance_period": "2030-12-31",
	})
	if got != want {
		t.Errorf("%v", got)
	}
	for _, cell := range changed {
		got[cell.Column] = cell.Value
	}
	if got != sent || len(changed) != 5 {
		t.Errorf("as sent: %v, changed %v", got, changed)
	}
	if Compile(nil).Apply(&got) != nil || Compile(nil).DateFormat() != ISO {
		t.Error("no mapping changes cells")
	}
}
