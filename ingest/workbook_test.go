package ingest

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
)

// workbookFile is a workbook that LibreOffice has saved. Beside it is the CSV that it saved from it.
func workbookFile(t testing.TB, name string) string {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("../internal/workbook/testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(file)
}

// makeWorkbook is a workbook whose first sheet has the text as its XML, or an archive of other parts.
func makeWorkbook(t testing.TB, sheet string) string {
	t.Helper()
	const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"_rels/.rels":                `<R><Relationship Id="1" Type="` + office + `officeDocument" Target="xl/workbook.xml"/></R>`,
		"xl/workbook.xml":            `<workbook><sheets><sheet name="Keys" id="1"/><sheet name="Other" id="1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<R><Relationship Id="1" Type="` + office + `worksheet" Target="sheet.xml"/></R>`,
		"xl/sheet.xml":               sheet,
	} {
		part, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sheetXML is a sheet of text cells.
func sheetXML(rows ...[]string) string {
	var b strings.Builder
	b.WriteString("<worksheet><sheetData>")
	for _, row := range rows {
		b.WriteString("<row>")
		for _, cell := range row {
			fmt.Fprintf(&b, `<c t="inlineStr"><is><t>%s</t></is></c>`, cell)
		}
		b.WriteString("</row>")
	}
	b.WriteString("</sheetData></worksheet>")
	return b.String()
}

var keyHeader = []string{"license__license_key", "product__short_code"}

// assertNoTempFiles looks into the directory of temporary files.
func assertNoTempFiles(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("temporary files: %v, %v", left, err)
	}
}

// TestWorkbookGivesTheEventsOfItsCSV: only the lines and the spelling of truth values differ.
func TestWorkbookGivesTheEventsOfItsCSV(t *testing.T) {
	temp := t.TempDir()
	h := newHarness(t, Config{TempDir: temp})
	file := workbookFile(t, "libreoffice.xlsx")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(form("licenses", file))
	_ = w.Close()

	fromCSV := h.rows(h.send(workbookFile(t, "libreoffice.csv"), request{}).body.JobID)
	for name, a := range map[string]answer{
		"xlsx":           h.send(file, request{name: "licenses.xlsx"}),
		"any name":       h.send(file, request{name: "licenses.csv"}),
		"packed request": h.send(file, request{body: packed.Bytes(), header: map[string]string{"Content-Encoding": "gzip"}}),
		"named sheet":    h.send(file, request{query: "?sheet=Licenses"}),
	} {
		if a.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.status, a.text)
			continue
		}
		rows := h.rows(a.body.JobID)
		lines := []uint64{}
		for i, row := range rows {
			lines = append(lines, row.Line)
			want := *fromCSV[i]
			want.JobID, want.Line = row.JobID, row.Line
			enabled, _ := events.ColumnIndex("license__enabled")
			want.Values[enabled] = strings.NewReplacer("TRUE", "true", "FALSE", "false").Replace(want.Values[enabled])
			if !reflect.DeepEqual(row, &want) {
				t.Errorf("%s: row %d is %+v, that of the CSV %+v", name, i+1, row, want)
			}
		}
		if !reflect.DeepEqual(lines, []uint64{4, 5, 9}) {
			t.Errorf("%s: lines %d", name, lines)
		}
		s := h.state(a.body.JobID)
		sum := sha256.Sum256([]byte(file))
		if s.Sealed.Bytes != uint64(len(file)) || s.Sealed.SHA256 != hex.EncodeToString(sum[:]) || s.Started.Sheet != "Licenses" {
			t.Errorf("%s: sealed %+v, started %+v", name, s.Sealed, s.Started)
		}
	}
	assertNoTempFiles(t, temp)
}

func TestRefusedWorkbooksMakeNoImport(t *testing.T) {
	temp := t.TempDir()
	h := newHarness(t, Config{TempDir: temp, MaxWorkbook: 20_000})
	good := makeWorkbook(t, sheetXML(keyHeader, []string{"K-1", "psc"}))
	for _, c := range []struct {
		name, file, query string
		status            int
		code, detail      string
	}{
		{"old", workbookFile(t, "libreoffice.xls"), "", 415, "not_csv", "an old Excel workbook (.xls)"},
		{"encrypted", workbookFile(t, "encrypted.xlsx"), "", 415, "not_csv", "remove the password"},
		{"OpenDocument", workbookFile(t, "libreoffice.ods"), "", 415, "not_csv", "OpenDocument"},
		{"damaged", good[:len(good)-100], "", 415, "not_csv", "damaged"},
		{"unknown sheet", good, "?sheet=Licences", 400, "invalid_parameter", `"Keys", "Other"`},
		{"sheet of a CSV", "license__license_key,product__short_code\nK,psc\n", "?sheet=Keys", 400, "invalid_parameter", "only a workbook has sheets"},
		{"delimiter", good, "?delimiter=tab", 400, "invalid_parameter", "delimiter=tab"},
		{"encoding", good, "?encoding=windows-1252", 400, "invalid_parameter", "windows-1252"},
		{"empty sheet", good, "?sheet=", 400, "invalid_parameter", "sheet"},
		{"no cells", makeWorkbook(t, sheetXML()), "", 400, "empty_file", ""},
		{"no rows", makeWorkbook(t, sheetXML(keyHeader)), "", 400, "no_rows", ""},
		{"header", makeWorkbook(t, sheetXML([]string{"key", "product__short_code"}, []string{"1", "2"})), "", 400, "invalid_header", "license__license_key"},
		{"packed size", good + strings.Repeat("x", 20_000), "", 413, "too_large", "20000 bytes"},
		{"unpacked size", makeWorkbook(t, sheetXML(keyHeader, []string{strings.Repeat("x", 16*20_000), "psc"})), "", 413, "too_large", "unpacked"},
	} {
		a := h.send(c.file, request{query: c.query})
		if a.status != c.status || a.body.Code != c.code || !strings.Contains(a.body.Detail, c.detail) || a.body.JobID != 0 {
			t.Errorf("%s: %d %s", c.name, a.status, a.text)
		}
	}
	if n := h.stored.Load(); n != 0 {
		t.Errorf("%d rows were stored", n)
	}
	assertNoTempFiles(t, temp)
}

// TestHeaderOfAnotherSheet: where columns are missing, the table may be in another sheet.
func TestHeaderOfAnotherSheet(t *testing.T) {
	h := newHarness(t, Config{})
	a := h.send(makeWorkbook(t, sheetXML([]string{"Read me"})), request{})
	if a.status != 400 || a.body.Code != "invalid_header" || !strings.Contains(a.text, `"code":"other_sheet"`) ||
		!strings.HasSuffix(a.body.Detail, `. It is the sheet "Keys". The workbook has other sheets: "Other". Name one (sheet=NAME).`) {
		t.Errorf("%d %s", a.status, a.text)
	}
	a = h.send(makeWorkbook(t, sheetXML(append(keyHeader, "Price"), []string{"K-1", "psc", "1"})), request{})
	if a.status != 400 || strings.Contains(a.text, "sheet") {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// TestDamageWithinAWorkbookImportsNothing: the checksum at the end of the sheet is wrong, when rows are
// stored already.
func TestDamageWithinAWorkbookImportsNothing(t *testing.T) {
	h := newHarness(t, Config{TempDir: t.TempDir()})
	rows := [][]string{keyHeader}
	for i := range 5000 {
		rows = append(rows, []string{fmt.Sprint("K-", i), "psc"})
	}
	file := []byte(makeWorkbook(t, sheetXML(rows...)))
	file[bytes.LastIndex(file, []byte("xl/sheet.xml"))-46+16] ^= 1
	a := h.send(string(file), request{})
	if a.status != 415 || a.body.Code != "not_csv" || a.body.JobID == 0 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if e := h.aborted(a.body.JobID); e.Code != "not_csv" {
		t.Errorf("%+v", e)
	}
}

func TestCancelWhileAWorkbookIsRead(t *testing.T) {
	temp := t.TempDir()
	h := newHarness(t, Config{TempDir: temp, WatchEvery: 1})
	rows := [][]string{keyHeader}
	for i := range 300_000 {
		rows = append(rows, []string{fmt.Sprint("K-", i), "psc"})
	}
	file := makeWorkbook(t, sheetXML(rows...))
	answers := make(chan answer, 1)
	go func() {
		a, _ := h.trySend(file, request{header: map[string]string{"Idempotency-Key": "once"}})
		answers <- a
	}()
	h.eventually("rows are stored", func() bool { return h.stored.Load() > 0 })
	h.eventually("the import is cancelled", func() bool { return h.cancel(1, "").status == http.StatusAccepted })
	if a := <-answers; a.status != 409 || a.body.Code != "cancelled" || h.stored.Load() == 300_000 {
		t.Errorf("%d %s, %d rows stored", a.status, a.text, h.stored.Load())
	}
	assertNoTempFiles(t, temp)
}

func TestIdempotencyOfWorkbooks(t *testing.T) {
	h := newHarness(t, Config{TempDir: t.TempDir()})
	file := makeWorkbook(t, sheetXML(keyHeader, []string{"K-1", "psc"}))
	key := map[string]string{"Idempotency-Key": "once"}
	first := h.send(file, request{header: key})
	if again := h.send(file, request{header: key}); again.status != 200 || again.body.JobID != first.body.JobID {
		t.Errorf("again: %d %s", again.status, again.text)
	}
	other := makeWorkbook(t, sheetXML(keyHeader, []string{"K-2", "psc"}))
	for name, a := range map[string]answer{
		"another file":  h.send(other, request{header: key}),
		"another sheet": h.send(file, request{header: key, query: "?sheet=Other"}),
	} {
		if a.status != 422 || a.body.Code != "idempotency_key_reused" {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
}

// TestWorkbookNeedsItsClosingBoundary cuts the request after the file.
func TestWorkbookNeedsItsClosingBoundary(t *testing.T) {
	temp := t.TempDir()
	h := newHarness(t, Config{TempDir: temp})
	whole := form("keys.xlsx", makeWorkbook(t, sheetXML(keyHeader, []string{"K-1", "psc"})))
	u := h.dial(len(whole), "")
	u.write(string(whole[:len(whole)-10]))
	if a := u.hangUp(); a.status != 400 || a.body.Code != "upload_incomplete" || a.body.JobID != 0 {
		t.Errorf("%d %s", a.status, a.text)
	}
	assertNoTempFiles(t, temp)
}

func TestFullDiskRefusesAWorkbook(t *testing.T) {
	temp := t.TempDir()
	h := newHarness(t, Config{TempDir: temp, MinFree: 1 << 62})
	a := h.send(makeWorkbook(t, sheetXML(keyHeader, []string{"K-1", "psc"})), request{})
	if a.status != http.StatusInsufficientStorage || a.body.Code != "disk_full" {
		t.Errorf("%d %s", a.status, a.text)
	}
	assertNoTempFiles(t, temp)
	if a := newHarness(t, Config{TempDir: filepath.Join(temp, "missing")}).send(makeWorkbook(t, sheetXML(keyHeader, keyHeader)), request{}); a.status != 500 {
		t.Errorf("no directory: %d %s", a.status, a.text)
	}
}

// TestTemplateWorkbook: the workbook has the rows of the CSV.
func TestTemplateWorkbook(t *testing.T) {
	h := newHarness(t, Config{TempDir: t.TempDir()})
	req, _ := http.NewRequestWithContext(t.Context(), "GET", h.http.URL+prefix+events.Licenses.Template(".xlsx"), nil)
	h.authorize(req, "")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	file := readAnswer(t, res)
	if file.header.Get("Content-Type") != "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" ||
		!strings.Contains(file.header.Get("Content-Disposition"), "license-import-template.xlsx") {
		t.Errorf("%v", file.header)
	}
	fromBook := h.send(file.text, request{})
	fromCSV := h.send(string(Template(events.Licenses)), request{})
	if fromBook.status != 200 {
		t.Fatalf("%d %s", fromBook.status, fromBook.text)
	}
	got, want := h.rows(fromBook.body.JobID), h.rows(fromCSV.body.JobID)
	if len(got) != 1 || got[0].Values != want[0].Values {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestDayNumbersInColumnsOfDates: a pasted date is a plain number. In other columns, and in a CSV, it
// stays one.
func TestDayNumbersInColumnsOfDates(t *testing.T) {
	h := newHarness(t, Config{TempDir: t.TempDir()})
	header := append(slices.Clone(keyHeader), "license__validity_period", "customer__reference")
	row := []string{"K-1", "psc", "46418", "46418"}
	fromBook := h.rows(h.send(makeWorkbook(t, sheetXML(header, row)), request{}).body.JobID)[0]
	if value(fromBook, "license__validity_period") != "2027-01-31" || value(fromBook, "customer__reference") != "46418" {
		t.Errorf("%v", fromBook.Values)
	}
	file := strings.Join(header, ",") + "\n" + strings.Join(row, ",") + "\n"
	fromCSV := h.rows(h.send(file, request{}).body.JobID)[0]
	if value(fromCSV, "license__validity_period") != "46418" {
		t.Errorf("%v", fromCSV.Values)
	}
}

// TestWorkbookIsMapped: a foreign header and dates of a workbook, by the query.
func TestWorkbookIsMapped(t *testing.T) {
	h := newHarness(t, Config{TempDir: t.TempDir()})
	file := makeWorkbook(t, sheetXML([]string{"Serial", "Ends"}, []string{"K-1", "2027-01-31"}))
	a := h.send(file, request{query: "?map=Serial:license__license_key&map=Ends:license__validity_period&set=product__short_code:psc"})
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.text)
	}
	row := h.rows(a.body.JobID)[0]
	if value(row, "license__license_key") != "K-1" || value(row, "license__validity_period") != "2027-01-31" {
		t.Errorf("%v", row.Values)
	}
}
