package workbook

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"licenseimport/internal/csvfile"
)

// FuzzScanner compares the scanner with encoding/xml. It may refuse more (a DTD, long tags), but what both
// read is the same.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		`<?xml version="1.0"?><a b="c&lt;" x:d='"'>text &#65;<b/><!-- c --><![CDATA[<&]]>` + "\r\n</a>",
		`<a>]]></a>`, `<a><b></a></b>`, `<a/>x`, `<a b=c/>`, "<a>\xff</a>", `<a>&x;</a>`, `<a b="1"c="2"/>`, rootRels, bookRels,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		got, err := scanAll(bytes.NewReader(document))
		slowly, again := scanAll(iotest.OneByteReader(bytes.NewReader(document)))
		if got != slowly || (err == nil) != (again == nil) {
			t.Fatalf("at once %q, %v; byte by byte %q, %v", got, err, slowly, again)
		}
		if err != nil {
			return
		}
		want, err := decodeAll(document)
		if err != nil {
			t.Skipf("encoding/xml refuses more: %v", err)
		}
		if got != want {
			t.Errorf("the scanner reads %q, encoding/xml %q", got, want)
		}
	})
}

func scanAll(r io.Reader) (string, error) {
	s, err := newScanner(r)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	for {
		kind, err := s.next()
		switch {
		case err == io.EOF:
			return b.String(), nil
		case err != nil:
			return b.String(), err
		case kind == startElement:
			fmt.Fprintf(&b, "<%s", s.name)
			for _, a := range s.attrs {
				fmt.Fprintf(&b, " %s=%q", a.name, a.value)
			}
			b.WriteString(">")
		case kind == endElement:
			fmt.Fprintf(&b, "</%s>", s.name)
		default:
			b.Write(s.text)
		}
	}
}

func decodeAll(document []byte) (string, error) {
	var b bytes.Buffer
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(document, []byte("\uFEFF"))))
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("another encoding") }
	depth := 0
	for {
		token, err := d.RawToken()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			fmt.Fprintf(&b, "<%s", token.Name.Local)
			for _, a := range token.Attr {
				fmt.Fprintf(&b, " %s=%q", a.Name.Local, a.Value)
			}
			b.WriteString(">")
		case xml.EndElement:
			depth--
			fmt.Fprintf(&b, "</%s>", token.Name.Local)
		case xml.CharData:
			if depth > 0 {
				b.Write(token)
			}
		}
	}
}

// FuzzSheet reads any text as a sheet: rows in order, values that are UTF-8, and no panic.
func FuzzSheet(f *testing.F) {
	for _, seed := range []string{
		`<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c t="b"><v>1</v></c><c s="1"><v>46418.5</v></c></row></sheetData></worksheet>`,
		`<sheetData><row><c t="inlineStr"><is><r><t>a_x000D_</t></r><rPh><t>b</t></rPh></is></c><c t="e"><v>#REF!</v></c></row><row r="9"/></sheetData>`,
		`<sheetData><row><c t="str"><f>A1</f></c></row><row><c r="B2" t="d"><v>2027-01-31T00:00:00</v></c></row></sheetData>`,
	} {
		f.Add([]byte(seed))
	}
	more := map[string]string{
		"xl/sharedStrings.xml": `<sst><si><t>shared</t></si><si/></sst>`,
		"xl/styles.xml":        `<s><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/><xf numFmtId="164"/></cellXfs></s>`,
	}
	f.Fuzz(func(t *testing.T, sheet []byte) {
		more["xl/worksheets/sheet1.xml"] = string(sheet)
		readAll(t, bookWith(t, "", more))
	})
}

// FuzzFile reads any bytes as a workbook.
func FuzzFile(f *testing.F) {
	for _, name := range []string{"libreoffice.xlsx", "formats.xlsx", "excelize.xlsx", "1904.xlsx", "encrypted.xlsx", "libreoffice.ods"} {
		f.Add(testFile(f, name))
	}
	f.Fuzz(func(t *testing.T, file []byte) { readAll(t, file) })
}

func readAll(t *testing.T, file []byte) {
	r, err := openTest(t, file, Options{MaxRow: 1 << 10, MaxColumns: 10, MaxUnpacked: 1 << 20})
	if err != nil {
		return
	}
	defer r.Close()
	header, _ := r.Header()
	last := csvfile.Row{Line: uint64(header.Line)}
	for {
		row, err := r.Read()
		if err != nil {
			return
		}
		if row.Number != last.Number+1 || row.Line <= last.Line || row.Err == nil && len(row.Fields) != len(header.Fields) {
			t.Fatalf("row %+v after %+v", row, last)
		}
		for _, value := range row.Fields {
			if row.Err == nil && !utf8.Valid(value) {
				t.Fatalf("a value is %q", value)
			}
		}
		last = row
	}
}

// FuzzText writes a text into a cell and reads it again.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "a\r\n\tb", "_x000D_", "__x005F_x", "\x00\uFFFE&<>\"'", "漢字🎈"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || text == "" {
			t.Skip("the rows of an import are UTF-8")
		}
		document := "<is><t>" + string(appendText(nil, text)) + "</t></is>"
		s, err := newScanner(bytes.NewReader([]byte(document)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.next(); err != nil {
			t.Fatal(err)
		}
		got, err := readRichText(s, nil, len(text)+1)
		if err != nil || string(got) != text {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	})
}
