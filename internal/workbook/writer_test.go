package workbook

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

func written(t testing.TB, columns []Column, rows ...[]Cell) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, "Rows & more", columns)
	for _, row := range rows {
		if err == nil {
			err = w.Write(row)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// parts reads all parts of a workbook, and checks that each is XML.
func partsOf(t *testing.T, file []byte) map[string]string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, f := range archive.File {
		content, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(bytes.NewReader(text))
		for err == nil {
			_, err = d.Token()
		}
		if err != io.EOF {
			t.Errorf("%s: %v", f.Name, err)
		}
		parts[f.Name] = string(text)
	}
	return parts
}

func TestWrittenRowsAreReadAgain(t *testing.T) {
	odd := []string{"00042", "=1+1", "'@x", " space ", "a\r\nb\tc", "\x00\x1f\uFFFE", "_x0041_", "<&>\"'", "漢字🎈", "true", "2027-01-31", "1E5"}
	columns := make([]Column, len(odd))
	cells := make([]Cell, len(odd))
	for i, text := range odd {
		columns[i].Name = fmt.Sprint("column ", i)
		cells[i].Text = text
	}
	rows, lines := table(t, written(t, columns, cells, nil, []Cell{{}, {Text: "x"}}), Options{Sheet: "Rows & more"})
	if !reflect.DeepEqual(rows[1], odd) || rows[2][0] != "" || rows[2][1] != "x" || !reflect.DeepEqual(lines, []uint64{1, 2, 4}) {
		t.Errorf("%q, lines %d", rows, lines)
	}
}

// TestWrittenRowsSurviveASpreadsheet reads a workbook of this package that LibreOffice has opened and saved.
// A line break within a cell is LF there, whatever it was.
func TestWrittenRowsSurviveASpreadsheet(t *testing.T) {
	want := []string{"00042", "=1+1", "'@x", " space ", "a\nb\tc", "a\nb", "_x0041_", "<&>\"'", "漢字🎈", "true", "2027-01-31", "1E5", "+49 30", "#REF!"}
	rows, _ := table(t, testFile(t, "saved-again.xlsx"), Options{})
	if len(rows) != 2 || !reflect.DeepEqual(rows[1], want) {
		t.Errorf("%q", rows)
	}
}

func TestNotesAndLists(t *testing.T) {
	file := written(t, []Column{{Name: "a", Strong: true, Note: "the first"}, {Name: "b", Choices: []string{"true", "false"}}},
		[]Cell{{Text: "x"}, {Wrong: true, Note: "must not be <empty>"}})
	parts := partsOf(t, file)
	for name, want := range map[string]string{
		"xl/comments1.xml":            `<comment ref="B2" authorId="0"><text><t xml:space="preserve">must not be &lt;empty&gt;</t>`,
		"xl/worksheets/sheet1.xml":    `<c r="B2" s="2"/></row></sheetData><dataValidations count="1"><dataValidation type="list" errorStyle="warning" allowBlank="1" showErrorMessage="1" sqref="B2:B1048576"><formula1>"true,false"</formula1>`,
		"xl/drawings/vmlDrawing1.vml": `<x:Row>1</x:Row><x:Column>1</x:Column>`,
	} {
		if !strings.Contains(parts[name], want) {
			t.Errorf("%s lacks %s: %s", name, want, parts[name])
		}
	}
}

func TestWriterStaysWithinTheFormat(t *testing.T) {
	long := strings.Repeat("🎈", maxText)
	file := written(t, []Column{{Name: "a"}}, []Cell{{Text: long, Note: long}})
	rows, _ := table(t, file, Options{})
	if got := rows[1][0]; got != long[:len(got)] || len([]rune(got)) != maxText/2 {
		t.Errorf("%d characters", len([]rune(got)))
	}
	var b bytes.Buffer
	w, err := NewWriter(&b, "a", nil)
	if err != nil {
		t.Fatal(err)
	}
	for range MaxNotes + 10 {
		if err := w.Write([]Cell{{Note: "n"}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.notes) != MaxNotes {
		t.Errorf("%d notes", len(w.notes))
	}
	w.row = maxSheetRows
	if err := w.Write(nil); err == nil {
		t.Error("a row beyond the last one was written")
	}
}
