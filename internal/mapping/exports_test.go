package mapping

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
)

// TestExportsNeedNoTouch: what inspect suggests for each export is a mapping under which every row is valid.
func TestExportsNeedNoTouch(t *testing.T) {
	files, err := filepath.Glob("testdata/exports/*.csv")
	if err != nil || len(files) < 15 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found, err := InspectCSV(events.Licenses, file, false, csvfile.Options{}, nil)
		if err != nil || len(found.Missing) > 0 || found.DateFormat == Ambiguous || len(found.FirstRows) != 2 {
			t.Errorf("%s: %v %+v", path, err, found)
			continue
		}
		m := suggestedMapping(found)
		if problems := Check(m); len(problems) > 0 {
			t.Errorf("%s: %v", path, problems)
			continue
		}
		for i, row := range found.FirstRows {
			if values := mappedRow(found, m, row); values != "" {
				t.Errorf("%s: row %d: %s", path, i+1, values)
			}
		}
	}
}

// suggestedMapping is the mapping that an inspection suggests.
func suggestedMapping(found Inspection) *events.Mapping {
	m := &events.Mapping{Columns: map[string]*string{}, Values: map[string]map[string]string{},
		DateFormat: found.DateFormat}
	for _, c := range found.Columns {
		m.Columns[c.Header] = c.Column
		if c.Column != nil {
			m.Values[*c.Column] = maps.Clone(c.Translations[*c.Column])
		}
	}
	return m
}

// mappedRow returns what is wrong with a row under a mapping, or "".
func mappedRow(found Inspection, m *events.Mapping, row []string) string {
	var wrong []string
	var values events.Values
	for i, c := range found.Columns {
		if c.Column != nil {
			column, _ := events.Licenses.ColumnIndex(*c.Column)
			values[column] = row[i]
		}
	}
	Compile(m).Apply(&values)
	record := new(events.Record)
	for _, column := range events.Licenses.Columns() {
		of := &events.Columns[column]
		value := of.Clean(values[column])
		if value == "" && of.Required {
			wrong = append(wrong, of.Name+" is empty")
		} else if value != "" {
			if code := of.Set(record, value); code != "" {
				wrong = append(wrong, of.Name+": "+value+" "+string(code))
			}
		}
	}
	return strings.Join(wrong, "; ")
}
