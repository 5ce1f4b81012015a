package workbook

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/internal/csvfile"
)

// openTest opens a workbook that is closed at the test's end.
func openTest(t testing.TB, file []byte, o Options) (*Reader, error) {
	t.Helper()
	r, err := Open(bytes.NewReader(file), int64(len(file)), o)
	if err == nil {
		t.Cleanup(func() { _ = r.Close() })
	}
	return r, err
}

func testFile(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// table reads a whole sheet: the header, then each row. A row's error stands in its place.
func table(t testing.TB, file []byte, o Options) (rows [][]string, lines []uint64) {
	t.Helper()
	r, err := openTest(t, file, o)
	if err != nil {
		t.Fatal(err)
	}
	header, err := r.Header()
	if err != nil {
		t.Fatal(err)
	}
	rows, lines = append(rows, header.Fields), append(lines, uint64(header.Line))
	for {
		row, err := r.Read()
		if err == io.EOF {
			return rows, lines
		}
		if err != nil {
			t.Fatal(err)
		}
		rows, lines = append(rows, texts(row)), append(lines, row.Line)
	}
}

func texts(row csvfile.Row) (fields []string) {
	if row.Err != nil {
		return []string{string(row.Err.Code), row.Err.Message, row.Err.Raw}
	}
	for _, f := range row.Fields {
		fields = append(fields, string(f))
	}
	return fields
}

// The parts of a small workbook, as a careful producer writes them.
const (
	rootRels = `<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	bookRels = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="s1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="s2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="/xl/worksheets/sheet2.xml"/>` +
		`<Relationship Id="t" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/>` +
		`<Relationship Id="f" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`
	bookStart = `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">`
	bookXML   = bookStart + `<sheets><sheet name="First" sheetId="1" r:id="s1"/><sheet name="Second" sheetId="2" r:id="s2"/></sheets></workbook>`
)

// bookWith is a workbook with these cells in its first sheet. More parts replace those that it has.
func bookWith(t testing.TB, sheetData string, more map[string]string) []byte {
	t.Helper()
	files := map[string]string{
		"_rels/.rels": rootRels, "xl/workbook.xml": bookXML, "xl/_rels/workbook.xml.rels": bookRels,
		"xl/worksheets/sheet1.xml": "<worksheet><sheetData>" + sheetData + "</sheetData></worksheet>",
		"xl/worksheets/sheet2.xml": `<worksheet><sheetData><row><c t="inlineStr"><is><t>second</t></is></c></row></sheetData></worksheet>`,
	}
	for name, text := range more {
		files[name] = text
	}
	return archive(t, files)
}

func archive(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(f, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
