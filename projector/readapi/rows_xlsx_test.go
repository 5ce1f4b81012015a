package readapi

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/workbook"
)

// readBook reads all rows of a workbook, the header first.
func readBook(t *testing.T, file string) (rows [][]string) {
	t.Helper()
	book, err := workbook.Open(strings.NewReader(file), int64(len(file)), workbook.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	header, _ := book.Header()
	rows = append(rows, header.Fields)
	for {
		row, err := book.Read()
		if err == io.EOF {
			return rows
		}
		if err != nil || row.Err != nil {
			t.Fatal(err, row.Err)
		}
		var fields []string
		for _, f := range row.Fields {
			fields = append(fields, string(f))
		}
		rows = append(rows, fields)
	}
}

// TestInvalidRowsWorkbook: the workbook has the cells of the CSV without guards, and a note at each wrong
// cell.
func TestInvalidRowsWorkbook(t *testing.T) {
	log := newMemLog(started(1, "anna"), &events.ImportSealed{JobID: 1, Rows: 1201}, progressed(1, 0, 0, 0, 0))
	for row := events.Row(1); row <= 1200; row++ {
		log.Add(rejected(1, row, events.Required))
	}
	odd := rejected(1, 1201, events.TooLong)
	odd.Values[events.ColumnEmail], odd.Values[events.ColumnProduct] = "=1+1", "'-x"
	odd.Values[events.ColumnKey] = " 007\r\n\x00_x0041_ "
	odd.Raw = "a,\"b"
	odd.Errors = []events.FieldError{
		{Column: "license__license_key", Code: events.TooLong, Message: "must be shorter"},
		{Column: "license__license_key", Code: events.ControlCharacter, Message: "must not <have> it"},
		{Code: events.FieldCount, Message: "the row has 2 fields"},
	}
	log.Add(odd, finished(1, 1201, 0, 0, 1201))
	r := newHarness(t, t.TempDir(), log)
	r.catchUp()

	a := r.get(importsPath + "1/invalid_rows.xlsx")
	if a.status != http.StatusOK || a.header.Get("Content-Type") != workbook.ContentType ||
		a.header.Get("Content-Disposition") != `attachment; filename="import-1-invalid-rows.xlsx"` {
		t.Fatalf("%d %v", a.status, a.header)
	}
	book := readBook(t, a.body)
	raw := r.get(importsPath + "1/invalid_rows.csv?raw=true").body
	want, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(raw, "\uFEFF"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	book[1201][0] = strings.ReplaceAll(book[1201][0], "\r\n", "\n") // encoding/csv reads it so
	if !reflect.DeepEqual(book, want) {
		t.Errorf("%d rows, the last %q; the CSV has %d, the last %q", len(book), book[len(book)-1], len(want), want[len(want)-1])
	}
	notes := partOf(t, a.body, "xl/comments1.xml")
	for _, note := range []string{
		`<comment ref="A1202" authorId="0"><text><t xml:space="preserve">Must be shorter.` + "\n" + `Must not &lt;have&gt; it.</t>`,
		`>The row has 2 fields.</t>`,
	} {
		if !strings.Contains(notes, note) {
			t.Errorf("no note %s", note)
		}
	}
	if n := strings.Count(notes, "<comment "); n < 1202 {
		t.Errorf("%d notes", n)
	}
}

func partOf(t *testing.T, file, name string) string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader([]byte(file)), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	part, err := archive.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTooManyRowsForASheet: beyond the rows of a sheet there is the CSV.
func TestTooManyRowsForASheet(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(started(1, "anna"), &events.ImportSealed{JobID: 1, Rows: 2e6},
		finished(1, 2e6, 0, 0, workbook.MaxRows+1)))
	r.catchUp()
	a := r.get(importsPath + "1/invalid_rows.xlsx")
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "invalid_rows.csv") {
		t.Errorf("%d %s", a.status, a.body)
	}
}
