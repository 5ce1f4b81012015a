package mapping

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
)

// FuzzSuggest: whatever a file holds, no column is suggested twice, and a confidence is from 0 to 1.
func FuzzSuggest(f *testing.F) {
	for _, s := range sheets {
		f.Add(s.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var sources []Source
		for i, line := range strings.Split(text, "\n") {
			for j, cell := range strings.Split(line, "|") {
				if i == 0 {
					sources = append(sources, Source{Header: cell})
				} else if j < len(sources) {
					sources[j].Cells = append(sources[j].Cells, cell)
				}
			}
		}
		if len(sources) > 50 {
			return
		}
		for _, kind := range events.Kinds {
			seen := map[string]bool{}
			for _, s := range Suggest(kind, sources) {
				if s.Column != "" && seen[s.Column] || s.Confidence < 0 || s.Confidence > 1 || s.Why == "" {
					t.Fatalf("%s: %+v", kind.Name, s)
				}
				seen[s.Column] = true
			}
		}
		for _, s := range sources {
			DetectDates(s.Cells)
		}
	})
}

// FuzzApply: a mapping that Check accepts maps any row, the cells as sent come back, and what it sets
// and translates to is what the columns' rules read.
func FuzzApply(f *testing.F) {
	f.Add(`{"columns":{"Serial No.":"license__license_key","Notes 2":null},"set":{"product__short_code":"photo-pro"},"date_format":"MM/DD/YYYY",`+
		`"values":{"license__license_type":{"Lifetime":"perpetual"},"license__max_activations":{"Unlimited":""}}}`, "Serial No.|Notes 2|license__license_type", "A|B|Lifetime")
	f.Add(`{}`, "license__license_key|product__short_code", "a|b")
	f.Add(`{"date_format":"YY","set":{"license__validity_period":"2030-01-01"}}`, "license__license_key", "a")
	f.Fuzz(func(t *testing.T, encoded, header, row string) {
		var m events.Mapping
		if json.Unmarshal([]byte(encoded), &m) != nil || len(Check(&m)) > 0 {
			return
		}
		fields, cells := strings.Split(header, "|"), strings.Split(row, "|")
		matched, problems := Match(events.Licenses, fields, &m, Given{}, true)
		if len(problems) > 0 {
			return
		}
		var sent events.Values
		used := map[int]bool{}
		for i, column := range matched.Columns {
			if column >= 0 && used[column] {
				t.Fatalf("column %d has two fields", column)
			}
			if column >= 0 && i < len(cells) {
				used[column] = true
				sent[column] = cells[i]
			}
		}
		compiled := Compile(&m)
		mapped := sent
		changed := compiled.Apply(&mapped)
		again := sent
		compiled.Apply(&again)
		if again != mapped {
			t.Fatal("two readers of one row differ")
		}
		for of := range m.Set {
			i, _ := events.Licenses.ColumnIndex(of)
			value := events.Columns[i].Clean(mapped[i])
			if value != clearing && events.Columns[i].Set(new(events.Record), value) != "" {
				t.Fatalf("%s is set to %q, which is not valid", of, value)
			}
		}
		for _, cell := range changed {
			mapped[cell.Column] = cell.Value
		}
		if mapped != sent {
			t.Fatal("the cells as sent are lost")
		}
	})
}

// FuzzResolve: whatever a request says over a saved mapping, the result is a valid mapping or there is a
// reason, and the saved one stays as it is.
func FuzzResolve(f *testing.F) {
	f.Add("key:license__license_key", "product__short_code:pp", "status", "license__enabled:ACTIVE:false", "MM/DD/YYYY")
	f.Add("a:b:customer__email", "license__note:x:y", " KEY ", "license__license_type:a:b:perpetual", "")
	f.Add("a:customer__email", "license__validity_period:2030-01-01", "b", "license__enabled:a:true", "YY")
	before, _ := json.Marshal(Builtin("keygen"))
	f.Fuzz(func(t *testing.T, mapped, set, ignored, value, dates string) {
		saved := Builtin("keygen")
		given := Given{
			Map: strings.Split(mapped, "|"), Set: strings.Split(set, "|"), Ignore: strings.Split(ignored, "|"),
			Value:      strings.Split(value, "|"),
			DateFormat: dates,
		}
		m, problems := Resolve(events.Licenses, saved, given)
		if len(problems) == 0 && len(Check(m)) > 0 {
			t.Fatalf("%+v is not valid", m)
		}
		if after, _ := json.Marshal(saved); string(after) != string(before) {
			t.Fatalf("the saved mapping has become %s", after)
		}
	})
}

// FuzzInspect: any bytes, cut anywhere, are inspected or refused with an error about the file.
func FuzzInspect(f *testing.F) {
	f.Add([]byte("Serial;E-Mail\nAB-1;ada@example.com\n"), false)
	f.Add([]byte("\xff\xfeS\x00K\x00U\x00\n\x00p\x00"), true)
	f.Add([]byte("Schl\xfcssel,\"Produkt\nA,\"x"), true)
	f.Add([]byte("key,expiry,maxMachines,status\nA-1,never,unlimited,SUSPENDED\nA-2,31.12.2030,3,nein\n"), false)
	f.Fuzz(func(t *testing.T, beginning []byte, cut bool) {
		found, err := InspectCSV(events.Licenses, beginning, cut, csvfile.Options{}, nil)
		if err != nil {
			return
		}
		if found.Format != "csv" || found.Encoding == nil || found.Delimiter == nil || len(found.Columns) == 0 ||
			found.Missing == nil || found.FirstRows == nil || len(found.FirstRows) > maxFirstRows ||
			found.DateFormat != Ambiguous && formatOf(found.DateFormat) == nil {
			t.Fatalf("%+v", found)
		}
		for _, c := range found.Columns {
			if len(c.Samples) > maxSamples || c.Why == "" || (c.Column == nil) != (c.Confidence == 0) {
				t.Fatalf("%+v", c)
			}
			checkTranslations(t, c)
		}
	})
}

// checkTranslations: what an inspection suggests is a mapping that is valid, about cells that it lists.
func checkTranslations(t *testing.T, c Inspected) {
	t.Helper()
	if c.Values == nil || c.Translations == nil || len(c.Values) > maxValues {
		t.Fatalf("%+v", c)
	}
	for column, cells := range c.Translations {
		if problems := Check(&events.Mapping{Values: map[string]map[string]string{column: cells}}); len(problems) > 0 {
			t.Fatalf("%v", problems)
		}
		for cell := range cells {
			if !slices.Contains(c.Values, cell) {
				t.Fatalf("%q of %s is not in %q", cell, column, c.Values)
			}
		}
	}
}
