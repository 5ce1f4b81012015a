package csvfile

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// Encoding is how a file without byte order mark is encoded.
type Encoding int

// The encodings that a user may name. UTF-16 is told by its byte order mark.
const (
	UTF8 Encoding = iota
	Windows1252
	utf16LE
	utf16BE
)

// NotCSVError says that the file is something else.
type NotCSVError struct {
	Format string // "ZIP archive", "Excel workbook", …
	Advice string
}

func (e *NotCSVError) Error() string {
	return fmt.Sprintf("the file is not a CSV but %s: %s", e.Format, e.Advice)
}

const (
	saveAsCSV   = `open it in the spreadsheet program and save it as "CSV UTF-8"`
	unpack      = "unpack it first, or pack the file with gzip"
	exportAsCSV = "export the table as CSV UTF-8 from the program that made it"
)

// foreign are the formats that are uploaded in place of a CSV, by the bytes that they begin with.
var foreign = []struct {
	magic string
	err   NotCSVError
}{
	{"PK\x03\x04", NotCSVError{"a ZIP archive or an Excel workbook (.xlsx)", saveAsCSV}},
	{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", NotCSVError{"an old Excel workbook (.xls)", saveAsCSV}},
	{"\x1F\x8B", NotCSVError{"a gzip archive", "unpack it first, or give it a name that ends in .csv.gz"}},
	{"%PDF-", NotCSVError{"a PDF document", exportAsCSV}},
	{"7z\xBC\xAF\x27\x1C", NotCSVError{"a 7-Zip archive", unpack}},
	{"Rar!\x1A\x07", NotCSVError{"a RAR archive", unpack}},
	{"\xFD7zXZ\x00", NotCSVError{"an xz archive", unpack}},
	{"BZh91AY&", NotCSVError{"a bzip2 archive", unpack}},
	{"\x28\xB5\x2F\xFD", NotCSVError{"a Zstandard archive", unpack}},
}

// foreignTexts are the texts that are uploaded in place of a CSV, by what their first line begins with. Many web
// shops write a table in HTML, or XML, and name the file .xls.
var foreignTexts = []struct {
	begins *regexp.Regexp
	err    NotCSVError
}{
	{regexp.MustCompile(`(?i)^<(!doctype|html|meta|table)\b`),
		NotCSVError{"a web page (HTML), which some programs name .xls", saveAsCSV}},
	{regexp.MustCompile(`(?i)^<\?xml\b`), NotCSVError{"XML, which some programs name .xls", saveAsCSV}},
	{regexp.MustCompile(`^(\[\s*\{|\{\s*"|[\[{]\s*$)`), NotCSVError{"JSON", exportAsCSV}},
}

// foreignText says what a file is whose first line that is not blank is no header of a CSV; nil: it may be one.
func foreignText(line []byte) *NotCSVError {
	line, _, _ = bytes.Cut(bytes.TrimLeft(line, "\uFEFF \t\r\n"), []byte("\n"))
	for i := range foreignTexts {
		if foreignTexts[i].begins.Match(line) {
			return &foreignTexts[i].err
		}
	}
	return nil
}

var marks = []struct {
	bytes    string
	encoding Encoding
}{
	{"\xEF\xBB\xBF", UTF8},
	{"\xFF\xFE", utf16LE},
	{"\xFE\xFF", utf16BE},
}

// The names of encodings for people and programs.
const (
	NameUTF8        = "utf-8"
	NameUTF16       = "utf-16"
	NameWindows1252 = "windows-1252"
)

// BOMEncoding is the name of the encoding that a file's byte order mark tells, or "".
func BOMEncoding(head []byte) string {
	for _, m := range marks {
		if bytes.HasPrefix(head, []byte(m.bytes)) {
			if m.encoding == UTF8 {
				return NameUTF8
			}
			return NameUTF16
		}
	}
	return ""
}

// openEncoding looks at the file's first bytes and sees to it that from here on it is UTF-8. What is invalid in the
// file's encoding becomes invalid UTF-8, so that the row it stands in is found out.
func (b *buffer) openEncoding(e Encoding) error {
	head, err := readHead(b.src, 8)
	if err != nil && err != io.EOF {
		return err
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return &f.err
		}
	}
	for _, m := range marks {
		if bytes.HasPrefix(head, []byte(m.bytes)) {
			head, e = head[len(m.bytes):], m.encoding
			head = bytes.TrimPrefix(head, []byte(m.bytes)) // programs write a second mark before a text that has one
			break
		}
	}
	b.encoding = e
	if err == nil {
		b.src = io.MultiReader(bytes.NewReader(head), b.src)
	} else {
		b.src = bytes.NewReader(head)
	}
	switch e {
	case Windows1252:
		b.src = transform.NewReader(b.src, windows1252{})
	case utf16LE, utf16BE:
		b.src = transform.NewReader(b.src, fromUTF16{bigEndian: e == utf16BE})
	}
	return nil
}

// readHead reads n bytes, or as many as there are. The error is the source's own: io.ReadFull would turn the file's end
// into an io.ErrUnexpectedEOF, which must mean an upload that was cut off.
func readHead(r io.Reader, n int) ([]byte, error) {
	head := make([]byte, 0, n)
	for range 100 * n {
		got, err := r.Read(head[len(head):n])
		head = head[:len(head)+got]
		if err != nil || len(head) == n {
			return head, err
		}
	}
	return head, io.ErrNoProgress
}

// invalid is a byte that no UTF-8 text has.
const invalid = 0xFF

// windows1252 decodes windows-1252. The five bytes that it leaves undefined become invalid; x/text would make them
// U+FFFD.
type windows1252 struct{ transform.NopResetter }

func (windows1252) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for _, c := range src {
		if nDst+utf8.UTFMax > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += put(dst[nDst:], charmap.Windows1252.DecodeByte(c))
		nSrc++
	}
	return nDst, nSrc, nil
}

// fromUTF16 decodes UTF-16. Unpaired surrogates, and half a unit at the end, become invalid.
type fromUTF16 struct {
	transform.NopResetter
	bigEndian bool
}

func (d fromUTF16) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if nDst+utf8.UTFMax > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		char, n := d.decode(src[nSrc:], atEOF)
		if n == 0 {
			return nDst, nSrc, transform.ErrShortSrc
		}
		nDst += put(dst[nDst:], char)
		nSrc += n
	}
	return nDst, nSrc, nil
}

// decode gives src's first character and its length in bytes; utf8.RuneError for what is none, length 0 if more bytes
// must be seen.
func (d fromUTF16) decode(src []byte, atEOF bool) (rune, int) {
	if len(src) < 2 {
		return brokenAtEOF(len(src), atEOF)
	}
	first := d.unit(src)
	switch {
	case first == utf8.RuneError:
		return literalFFFD, 2
	case !utf16.IsSurrogate(first):
		return first, 2
	case first >= lowSurrogates:
		return utf8.RuneError, 2
	case len(src) < 4:
		return brokenAtEOF(2, atEOF)
	}
	if pair := utf16.DecodeRune(first, d.unit(src[2:])); pair != utf8.RuneError {
		return pair, 4
	}
	return utf8.RuneError, 2
}

const (
	lowSurrogates = 0xDC00
	literalFFFD   = -1 // a U+FFFD that stands in the file: no error of this file's encoding
)

func brokenAtEOF(n int, atEOF bool) (rune, int) {
	if !atEOF {
		return 0, 0
	}
	return utf8.RuneError, n
}

func (d fromUTF16) unit(src []byte) rune {
	if d.bigEndian {
		return rune(src[0])<<8 | rune(src[1])
	}
	return rune(src[1])<<8 | rune(src[0])
}

// put writes char, or one invalid byte for utf8.RuneError, and says how many bytes.
func put(dst []byte, char rune) int {
	switch char {
	case utf8.RuneError:
		dst[0] = invalid
		return 1
	case literalFFFD:
		return utf8.EncodeRune(dst, utf8.RuneError)
	}
	return utf8.EncodeRune(dst, char)
}
