package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"licenseimport/events"
)

// TestListedRowsNameWhatTheyAreAbout: a table of rows has the columns that name what a row of the kind is about.
func TestListedRowsNameWhatTheyAreAbout(t *testing.T) {
	const body = `{"row":3,"license_key":"K-1","product":"psc","feature_code":"re\u001bports","email":"a@example.com",
		"changed":[{"column":"c","from":"1","to":"2"}],"import_id":7,"import_row":9}`
	var row listedRow
	if err := json.Unmarshal([]byte(body), &row); err != nil {
		t.Fatal(err)
	}
	if row.Changed[0] != (change{"c", "1", "2"}) || row.ImportID != 7 || row.ImportRow != 9 {
		t.Errorf("%+v", row)
	}
	for kind, want := range map[*events.Kind]string{
		events.Licenses:  `[Row License key Product To] [3 K-1 psc 2]`,
		events.Features:  `[Row License key Product Feature code To] [3 K-1 psc re\x1bports 2]`,
		events.Customers: `[Row Email To] [3 a@example.com 2]`,
	} {
		if got := fmt.Sprint(rowHeader(kind, "To"), " ", row.cells(kind, "2")); got != want {
			t.Errorf("%s: %s", kind.Name, got)
		}
	}
}
