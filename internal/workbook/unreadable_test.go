package workbook

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"licenseimport/internal/csvfile"
)

func TestUnreadableFilesSayWhatTheyAre(t *testing.T) {
	whole := testFile(t, "libreoffice.xlsx")
	broken := bytes.Clone(whole)
	packed := bytes.Index(broken, []byte("xl/worksheets/sheet1.xml")) + 40
	for i := range broken[packed : packed+200] {
		broken[packed+i] ^= 0x55
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"old Excel":        {testFile(t, "libreoffice.xls"), "an old Excel workbook (.xls)"},
		"encrypted":        {testFile(t, "encrypted.xlsx"), "remove the password"},
		"OpenDocument":     {testFile(t, "libreoffice.ods"), "an OpenDocument file (.ods)"},
		"cut":              {whole[:len(whole)/2], "damaged"},
		"broken":           {broken, "damaged"},
		"only a beginning": {[]byte("PK\x03\x04rest"), "damaged"},
		"empty archive":    {archive(t, nil), "a ZIP archive and no workbook"},
		"another archive":  {archive(t, map[string]string{"licenses.csv": "a,b"}), "a ZIP archive and no workbook"},
		"binary workbook":  {archive(t, map[string]string{"xl/workbook.bin": ""}), ".xlsb"},
		"document": {archive(t, map[string]string{"word/document.xml": "<d/>",
			"_rels/.rels": strings.ReplaceAll(rootRels, "xl/workbook.xml", "word/document.xml")}), "no workbook"},
		"no sheets": {bookWith(t, "", map[string]string{"xl/workbook.xml": "<workbook/>"}), "without a sheet of cells"},
		"DTD": {bookWith(t, "", map[string]string{"xl/worksheets/sheet1.xml": `<!DOCTYPE x [<!ENTITY a "` + strings.Repeat("x", 1000) +
			`"><!ENTITY b "&a;&a;&a;">]><worksheet><sheetData><row><c t="str"><v>&b;</v></c></row></sheetData></worksheet>`}), "damaged"},
		"external entity":  {bookWith(t, `<row><c t="str"><v>&file;</v></c></row>`, nil), "damaged"},
		"no shared string": {bookWith(t, `<row><c t="s"><v>0</v></c></row>`, nil), "damaged"},
		"negative string":  {bookWith(t, `<row><c t="s"><v>-1</v></c></row>`, nil), "damaged"},
		"cut sheet":        {bookWith(t, "", map[string]string{"xl/worksheets/sheet1.xml": `<worksheet><sheetData><row><c>`}), "damaged"},
		"rows back":        {bookWith(t, `<row r="2"></row><row r="1"/>`, nil), "damaged"},
		"row too far":      {bookWith(t, `<row r="1048577"/>`, nil), "damaged"},
		"cells back":       {bookWith(t, `<row><c r="B1"/><c r="A1"/></row>`, nil), "damaged"},
		"column too far":   {bookWith(t, `<row><c r="XFE1"/></row>`, nil), "damaged"},
		"deep": {bookWith(t, "", map[string]string{"xl/worksheets/sheet1.xml": `<worksheet>` +
			strings.Repeat("<a>", 10_000)}), "damaged"},
		"long tag": {bookWith(t, "", map[string]string{"xl/worksheets/sheet1.xml": `<worksheet a="` +
			strings.Repeat("a", 1<<20) + `">`}), "damaged"},
		"no characters": {bookWith(t, "<row><c><v>\x00</v></c></row>", nil), "damaged"},
		"no UTF-8":      {bookWith(t, "<row><c t=\"str\"><v>\xff</v></c></row>", nil), "damaged"},
	} {
		_, err := openTest(t, c.file, Options{})
		unreadable, ok := errors.AsType[*UnreadableError](err)
		if !ok || !strings.Contains(err.Error(), c.want) || unreadable.Advice == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDamageAfterTheHeaderEndsTheRows changes a byte of the last row: the checksum tells at the end.
func TestDamageAfterTheHeaderEndsTheRows(t *testing.T) {
	file := bookWith(t, strings.Repeat(`<row><c t="str"><v>a</v></c></row>`, 10), nil)
	at := bytes.LastIndex(file, []byte("PK\x01\x02"))
	for i := bytes.Index(file, []byte("xl/worksheets/sheet1.xml")); i >= 0 && i < at; i++ {
		if binary.LittleEndian.Uint32(file[i:]) == 0x08074b50 { // the data descriptor
			file[i+4] ^= 1 // of the checksum
			break
		}
	}
	// The directory has the checksum, too: that one counts.
	dir := bytes.LastIndex(file, []byte("xl/worksheets/sheet1.xml")) - 46
	file[dir+16] ^= 1
	r, err := openTest(t, file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = r.Read()
	}
	if _, ok := errors.AsType[*UnreadableError](err); !ok {
		t.Errorf("%v", err)
	}
	if _, again := r.Read(); again != err {
		t.Errorf("the next call: %v", again)
	}
}

func TestBombsAreRefused(t *testing.T) {
	rows := strings.Repeat(`<row><c t="str"><v>a</v></c></row>`, 100_000)
	tooLarge := func(err error) bool { _, ok := errors.AsType[*TooLargeError](err); return ok }

	// The archive itself says how large the sheet is.
	if _, err := openTest(t, bookWith(t, rows, nil), Options{MaxUnpacked: 1 << 20}); !tooLarge(err) {
		t.Errorf("a large sheet: %v", err)
	}
	texts := bookWith(t, `<row><c t="s"><v>0</v></c></row>`,
		map[string]string{"xl/sharedStrings.xml": "<sst>" + strings.Repeat("<si/>", 1<<20) + "</sst>"})
	if _, err := openTest(t, texts, Options{MaxUnpacked: 1 << 20}); !tooLarge(err) {
		t.Errorf("many strings: %v", err)
	}
	if _, err := openTest(t, texts, Options{}); !errors.Is(err, csvfile.ErrEmpty) {
		t.Errorf("a header of an empty string: %v", err)
	}
}

// TestLyingSizesAreCounted lets the directory say that a part is small.
func TestLyingSizesAreCounted(t *testing.T) {
	file := bookWith(t, strings.Repeat(`<row><c t="str"><v>a</v></c></row>`, 100_000), nil)
	dir := bytes.LastIndex(file, []byte("xl/worksheets/sheet1.xml")) - 46
	binary.LittleEndian.PutUint32(file[dir+24:], 1000)
	r, err := openTest(t, file, Options{})
	for err == nil {
		_, err = r.Read()
	}
	if err == io.EOF {
		t.Error("the sheet was read to its end")
	}
}

func TestManyPartsAreRefused(t *testing.T) {
	files := map[string]string{}
	for i := range 50_000 {
		files[columnName(i)+"/a-long-name-of-a-part"] = ""
	}
	_, err := openTest(t, archive(t, files), Options{})
	if !errors.Is(err, errDirectory) {
		t.Errorf("%v", err)
	}
}

// failingFile is a file whose disk fails.
type failingFile struct {
	io.ReaderAt
	after int64
}

var errDisk = errors.New("the disk failed")

func (f failingFile) ReadAt(p []byte, at int64) (int, error) {
	if at < f.after {
		return 0, errDisk
	}
	return f.ReaderAt.ReadAt(p, at)
}

func TestErrorsOfTheFileAreNotTheWorkbooks(t *testing.T) {
	file := bookWith(t, `<row><c t="str"><v>a</v></c></row>`, nil)
	_, err := Open(failingFile{bytes.NewReader(file), int64(len(file)) / 2}, int64(len(file)), Options{})
	if !errors.Is(err, errDisk) {
		t.Errorf("%v", err)
	}
	if _, ok := errors.AsType[*UnreadableError](err); ok {
		t.Errorf("the workbook is blamed: %v", err)
	}
}
