package workbook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"licenseimport/internal/csvfile"
)

// TestWorkbookGivesTheRowsOfItsCSV compares a workbook with the CSV that LibreOffice saved from it. The
// CSV writes truth values in capitals, and a line break as LF.
func TestWorkbookGivesTheRowsOfItsCSV(t *testing.T) {
	in := csvfile.NewReader(bytes.NewReader(testFile(t, "libreoffice.csv")), csvfile.Options{})
	header, err := in.Header()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{header.Fields}
	for {
		row, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil || row.Err != nil {
			t.Fatal(err, row.Err)
		}
		fields := texts(row)
		for i, f := range fields {
			if f == "TRUE" || f == "FALSE" {
				fields[i] = strings.ToLower(f)
			}
		}
		want = append(want, fields)
	}
	rows, lines := table(t, testFile(t, "libreoffice.xlsx"), Options{})
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("the workbook has\n%q\nthe CSV\n%q", rows, want)
	}
	if want := []uint64{3, 4, 5, 9}; !reflect.DeepEqual(lines, want) {
		t.Errorf("lines %d, want %d", lines, want)
	}
}

func TestCellsOfRealPrograms(t *testing.T) {
	for _, c := range []struct {
		file string
		row  int
		want string
	}{
		{"formats.xlsx", 1, `["K-0001" "psc" "ada@example.com" "01234" "00042" "2027-01-31" "5" "false" " two  lines\nand bold “text” & 漢字 🎈"]`},
		{"formats.xlsx", 2, `["K-0002" "psc" "" "SW1Y 4JH" "0.1" "2028-02-29" "10" "true" "K-0001-copy"]`},
		{"formats.xlsx", 3, `["123456789012" "psc" "merged@example.com" "" "'=1+1" "2027-06-30 13:45:00" "#DIV/0!" "yes" "=SUM(A1) as text"]`},
		{"excelize.xlsx", 1, `["X-1" "psc" "2027-01-31" "7" "true" "rich text" "007"]`},
		{"excelize.xlsx", 2, `["X-2" "psc" "2028-02-29" "#VALUE!" "false" "a\r\nb�c A" "0.3"]`},
		{"1904.xlsx", 1, `["X-1" "psc" "2031-02-01" "7" "true" "rich text" "007"]`},
	} {
		rows, _ := table(t, testFile(t, c.file), Options{})
		if got := fmt.Sprintf("%q", rows[c.row]); got != c.want {
			t.Errorf("%s, row %d: %s\nwant %s", c.file, c.row, got, c.want)
		}
	}
}

// TestDialects has the same two rows as different producers write them.
func TestDialects(t *testing.T) {
	inline := func(text string) string { return `<c t="inlineStr"><is><t>` + text + `</t></is></c>` }
	for name, c := range map[string]struct {
		cells string
		more  map[string]string
	}{
		"no references": {`<row>` + inline("a") + inline("b") + `</row><row>` + inline("1") + inline("x y") + `</row>`, nil},
		"references": {`<row r="1"><c r="A1" t="str"><v>a</v></c><c r="B1" t="str"><v>b</v></c></row>` +
			`<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="str"><f>"x"&amp;" y"</f><v>x y</v></c></row>`, nil},
		"empty cells": {`<row r="1" spans="1:3"><c r="A1" t="str"><v>a</v></c><c r="B1" t="str"><v>b</v></c><c r="C1" s="3"/></row>` +
			`<row r="2"><c r="A2" t="n"><v> 1 </v></c><c r="B2" t="str"><v>x y</v></c><c r="XFD2" t="str"><v></v></c></row><row r="7"/>`, nil},
		"a prefix": {"", map[string]string{"xl/worksheets/sheet1.xml": `<x:worksheet xmlns:x="m"><x:sheetData><x:row><x:c t="str"><x:v>a</x:v></x:c>` +
			`<x:c t="str"><x:v>b</x:v></x:c></x:row><x:row><x:c><x:v>1</x:v></x:c><x:c t="str"><x:v>x y</x:v></x:c></x:row></x:sheetData></x:worksheet>`}},
		"shared strings": {`<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row><row><c t="s"><v>2</v></c><c t="s"><v>3</v></c></row>`,
			map[string]string{"xl/sharedStrings.xml": `<sst count="9" uniqueCount="9"><si><t>a</t></si><si><r><rPr><b/></rPr><t>b</t></r></si>` +
				`<si><t xml:space="preserve">1</t><phoneticPr fontId="1"/></si><si><r><t xml:space="preserve">x </t></r><r><t>y</t></r><rPh sb="0" eb="1"><t>ecks</t></rPh></si></sst>`}},
		"escapes, CDATA and comments": {`<row><c t="str"><v><![CDATA[a]]></v></c><!-- - --><c t="str"><v>&#98;</v></c></row>` +
			`<?p i?><row><c><v>1.0</v></c><c t="str"><v>x_x0020_y</v></c></row>`, nil},
		"numbers with exponents": {`<row>` + inline("a") + inline("b") + `</row><row><c><v>1E0</v></c>` + inline("x y") + `</row>`, nil},
		"backslashes and other names": {"", map[string]string{
			"xl/_rels/workbook.xml.rels": "", "_rels/.rels": "", "XL/_rels/Workbook.xml.rels": `<R><Relationship Id="s1" Type="/worksheet" Target="Tabelle.xml"/></R>`,
			`xl\Tabelle.xml`: `<worksheet><sheetData><row>` + inline("a") + inline("b") + `</row><row><c><v>1</v></c>` + inline("x y") + `</row></sheetData></worksheet>`}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.more["_rels/.rels"] == "" && c.more["XL/_rels/Workbook.xml.rels"] != "" {
				files := map[string]string{"xl/workbook.xml": bookXML}
				for name, text := range c.more {
					if text != "" {
						files[name] = text
					}
				}
				assertTwoRows(t, archive(t, files))
				return
			}
			assertTwoRows(t, bookWith(t, c.cells, c.more))
		})
	}
}

func assertTwoRows(t *testing.T, file []byte) {
	t.Helper()
	rows, _ := table(t, file, Options{})
	if want := [][]string{{"a", "b"}, {"1", "x y"}}; !reflect.DeepEqual(rows, want) {
		t.Errorf("%q", rows)
	}
}

func TestSheets(t *testing.T) {
	book := bookStart + `<sheets><sheet name="Hidden" state="veryHidden" r:id="s2"/><sheet name="Chart" r:id="c"/><sheet name="Übersicht &amp; Rest" r:id="s1"/></sheets></workbook>`
	file := bookWith(t, `<row><c t="str"><v>first</v></c></row>`, map[string]string{"xl/workbook.xml": book})
	for name, want := range map[string]string{"": "first", "Übersicht & Rest": "first", " übersicht & rest ": "first", "Hidden": "second"} {
		rows, _ := table(t, file, Options{Sheet: name})
		if rows[0][0] != want {
			t.Errorf("sheet %q has %q, want %q", name, rows[0][0], want)
		}
	}
	_, err := openTest(t, file, Options{Sheet: "Chart"})
	if sheet, ok := errors.AsType[*SheetError](err); !ok || !reflect.DeepEqual(sheet.Sheets, []string{"Hidden", "Übersicht & Rest"}) {
		t.Errorf("%v", err)
	}
}

func TestFaultsOfOneRow(t *testing.T) {
	long := strings.Repeat("x", 100)
	rows, lines := table(t, bookWith(t, `<row><c t="str"><v> </v></c></row><row r="3"><c t="str"><v>a</v></c><c r="C3" t="str"><v>b</v></c></row>`+
		`<row r="5"><c r="B5"><v>7</v></c></row><row><c t="str"><v>`+long+`</v></c></row><row><c r="D7"><v>8</v></c></row>`+
		`<row><c r="B8" t="str"><v> </v></c></row><row><c t="str"><v>fine</v></c></row>`, nil), Options{MaxRow: 64})
	want := [][]string{{"a", "", "b"},
		{"field_count", `cell B5 holds "7", but its column has no name in the header: name the column, or empty the cell`, "\t7"},
		{"row_too_large", "the row is longer than 0 KiB, the limit for one row: shorten it", ""},
		{"field_count", `cell D7 holds "8", but its column has no name in the header: name the column, or empty the cell`, "\t\t\t8"},
		{"fine", "", ""}}
	if !reflect.DeepEqual(rows, want) || !reflect.DeepEqual(lines, []uint64{3, 5, 6, 7, 9}) {
		t.Errorf("%q, lines %d", rows, lines)
	}
}

func TestHeaderErrors(t *testing.T) {
	for name, c := range map[string]struct {
		cells string
		want  error
	}{
		"no cells":  {"", csvfile.ErrEmpty},
		"no values": {`<row><c t="str"><v> </v></c></row>`, csvfile.ErrEmpty},
		"wide":      {`<row><c r="C1" t="str"><v>a</v></c></row>`, &csvfile.HeaderError{Code: csvfile.HeaderColumns}},
	} {
		_, err := openTest(t, bookWith(t, c.cells, nil), Options{MaxColumns: 2})
		var header *csvfile.HeaderError
		if wanted, ok := c.want.(*csvfile.HeaderError); ok {
			if !errors.As(err, &header) || header.Code != wanted.Code {
				t.Errorf("%s: %v", name, err)
			}
		} else if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
