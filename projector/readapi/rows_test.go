package readapi

import (
	"strings"
	"testing"

	"licenseimport/events"
)

// TestInvalidRows: a result has the first rejected rows with cut values, the list and the CSV have
// all of them whole.
func TestInvalidRows(t *testing.T) {
	log := newMemLog(started(1, "anna"), &events.ImportSealed{JobID: 1, Rows: 1201}, progressed(1, 0, 0, 0, 0))
	for row := events.Row(1); row <= 1200; row++ {
		log.Add(rejected(1, row, events.Required))
	}
	long := rejected(1, 1201, events.TooLong, events.TooLong)
	long.Values[events.ColumnEmail], long.Values[events.ColumnProduct] = "=1+1", "'-x"
	long.Values[events.ColumnKey] = strings.Repeat("é", 300)
	long.Errors[0] = events.FieldError{
		Column: "license__license_key", Code: events.TooLong, Value: strings.Repeat("é", events.MaxErrorValue),
	}
	log.Add(long, finished(1, 1201, 0, 0, 1201))
	r := newHarness(t, t.TempDir(), log)
	r.catchUp()
	got := into[shownResult](r, importsPath+"1/").Result
	counts := got.ErrorCounts
	if len(got.InvalidRows) != 100 || got.InvalidCount != 1201 ||
		counts[events.Required] != 1200 || counts[events.TooLong] != 1 {
		t.Errorf("%d rows, %d counted, %v", len(got.InvalidRows), got.InvalidCount, counts)
	}
	page := into[struct {
		Count   int
		Results []invalidRow
	}](r, importsPath+"1/invalid_rows/?code=too_long")
	if page.Count != 1 || page.Results[0].Values != long.Values || page.Results[0].Line != 1202 {
		t.Errorf("%+v", page)
	}
	if whole := page.Results[0].Errors[0].Value; whole != strings.Repeat("é", 300) {
		t.Errorf("the value of the error has %d bytes", len(whole))
	}
	cut := page.Results[0].cut(256)
	if cut.Values[events.ColumnKey] != strings.Repeat("é", 256) || cut.Errors[0].Value != strings.Repeat("é", 256) {
		t.Errorf("not cut: %+v", cut)
	}
	a := r.get(importsPath + "1/invalid_rows.csv")
	lines := strings.Split(a.body, "\r\n")
	if len(lines) != 1203 || !strings.HasPrefix(lines[0], "\uFEFFlicense__license_key,") || lines[1201] == "" {
		t.Errorf("%d lines, the first %q", len(lines), lines[0])
	}
	if !strings.Contains(lines[1201], ",''-x,'=1+1,,1201,1202,") {
		t.Errorf("not guarded: %q", lines[1201])
	}
	if got := a.header.Get("Content-Disposition"); got != `attachment; filename="import-1-invalid-rows.csv"` {
		t.Errorf("Content-Disposition %q", got)
	}
	if raw := r.get(importsPath + "1/invalid_rows.csv?raw=1"); !strings.Contains(raw.body, ",'-x,=1+1,,1201,1202,") {
		t.Error("raw cells are changed")
	}
}

// TestHeadersAreGuarded: the file's own headers are cells of the file of rejected rows like others.
func TestHeadersAreGuarded(t *testing.T) {
	mapped := started(1, "anna")
	mapped.Mapping, mapped.Columns, mapped.Headers = &events.Mapping{}, []string{"license__license_key", "product__short_code"}, []string{"=Serial", "'-Product"}
	log := newMemLog(mapped, &events.ImportSealed{JobID: 1, Rows: 1}, progressed(1, 0, 0, 0, 0), rejected(1, 1, events.Required), finished(1, 1, 0, 0, 1))
	r := newHarness(t, t.TempDir(), log)
	r.catchUp()
	for query, want := range map[string]string{"": "'=Serial,''-Product,error__row,", "?raw=true": "=Serial,'-Product,error__row,"} {
		if got := r.get(importsPath + "1/invalid_rows.csv" + query).body; !strings.HasPrefix(got, "\uFEFF"+want) {
			t.Errorf("%q: %q", query, got)
		}
	}
}

// TestErrorsNameHeaders: each error of a file that has a mapping has the file's own header beside the column, also
// what is wrong with a whole row, and an empty one where the mapping gives the column; a file with the columns' own
// names has no headers to name.
func TestErrorsNameHeaders(t *testing.T) {
	mapped, wrong := started(1, "anna"), rejected(1, 1, events.InvalidInt)
	mapped.Mapping = &events.Mapping{Set: map[string]string{"product__short_code": "nope"}}
	mapped.Columns = []string{"license__license_key", "license__max_activations"}
	mapped.Headers = []string{"license__license_key", "Seats"}
	wrong.Errors = []events.FieldError{
		{Column: "license__max_activations", Header: "Seats", Code: events.InvalidInt},
		{Column: "license__license_key", Code: events.Required},
		{Column: "product__short_code", Code: events.NoAccess, Message: "is a product that this key may not import for"},
		{Code: events.FieldCount},
	}
	plain := rejected(2, 1, events.FieldCount)
	plain.Errors = []events.FieldError{{Column: "license__license_key", Code: events.Required}}
	log := newMemLog(mapped, &events.ImportSealed{JobID: 1, Rows: 1}, progressed(1, 0, 0, 0, 0), wrong, finished(1, 1, 0, 0, 1),
		started(2, "anna"), &events.ImportSealed{JobID: 2, Rows: 1}, progressed(2, 0, 0, 0, 0), plain, finished(2, 1, 0, 0, 1))
	r := newHarness(t, t.TempDir(), log)
	r.catchUp()
	type shown struct {
		Results []struct{ Errors []map[string]string }
	}
	errs := into[shown](r, importsPath+"1/invalid_rows/").Results[0].Errors
	for i, want := range []string{"Seats", "license__license_key", "", ""} {
		if got, ok := errs[i]["header"]; !ok || got != want {
			t.Errorf("%v, want the header %q", errs[i], want)
		}
	}
	if got := r.get(importsPath + "1/invalid_rows.csv").body; !strings.Contains(got, "Seats; license__license_key; product__short_code; ") {
		t.Errorf("the file of rejected rows does not name each column: %q", got)
	}
	if errs := into[shown](r, importsPath+"2/invalid_rows/").Results[0].Errors; len(errs[0]) != 4 {
		t.Errorf("%v", errs)
	}
}
