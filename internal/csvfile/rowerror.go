package csvfile

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Code says in one word why a row cannot be read.
type Code string

// The codes of a RowError.
const (
	FieldCount      Code = "field_count"
	MalformedRow    Code = "malformed_row"
	RowTooLarge     Code = "row_too_large"
	InvalidEncoding Code = "invalid_encoding"
)

// MaxRawRunes bounds RowError.Raw, in code points.
const MaxRawRunes = 4096

// RowError says why a row cannot be read: a code for programs, a sentence for the user, and the row's
// text for the correction.
type RowError struct {
	Code    Code
	Message string // what was found, and what to do
	Column  int    // from 0; -1 where no single column is the cause
	More    []int  // the other columns with the same cause, in order
	OfValue string // Message without the column, for a reader who sees its name; "": Message is about more than one value
	Raw     string // the first MaxRawRunes code points of the row as sent; U+FFFD for invalid UTF-8
}

// rowError returns the error of the row just scanned, or nil.
func (r *Reader) rowError(f fault) *RowError {
	text := r.in.window()[:r.row.text]
	if f.kind == sound && r.row.count == len(r.header.Fields) && r.strayValue() < 0 && utf8.Valid(text) {
		return nil
	}
	return r.describe(f, text)
}

func (r *Reader) describe(f fault, text []byte) *RowError {
	var e RowError
	switch {
	case f.kind == tooLong:
		e = RowError{Code: RowTooLarge, Column: -1, Message: fmt.Sprintf(
			"the row is longer than %s, the limit for one row: shorten it, or look whether a line break is missing", size(r.opts.MaxRow))}
	case f.kind != sound:
		e = RowError{Code: MalformedRow, Column: f.field, Message: r.quoteMessage(f)}
	case r.row.count != len(r.header.Fields):
		e = RowError{Code: FieldCount, Column: -1, Message: r.countMessage()}
	default:
		e = r.describeField()
	}
	e.Raw = raw(text)
	return &e
}

// strayValue returns the first column with a value but no name, or -1.
func (r *Reader) strayValue() int {
	for _, i := range r.unnamed {
		if !IsBlank(r.row.fields[i]) {
			return i
		}
	}
	return -1
}

// describeField returns the error of a row with as many fields as the header, some of them invalid.
func (r *Reader) describeField() RowError {
	if i := r.strayValue(); i >= 0 {
		value := r.row.fields[i]
		return RowError{Code: FieldCount, Column: i, Message: fmt.Sprintf(
			"column %d has no name in the header, but this row has %q in it: name the column, or empty it",
			i+1, raw(value[:min(40, len(value))]))}
	}
	var invalid []int
	for i, field := range r.row.fields {
		if !utf8.Valid(field) {
			invalid = append(invalid, i)
		}
	}
	advice := r.encodingAdvice()
	if len(invalid) == 0 { // only a delimiter outside ASCII leads here
		return RowError{Code: InvalidEncoding, Column: -1, Message: "the row " + advice}
	}
	first, more := invalid[0], invalid[1:]
	return RowError{Code: InvalidEncoding, Column: first, More: more, Message: r.column(first) + " " + advice, OfValue: advice}
}

func (r *Reader) quoteMessage(f fault) string {
	where := r.column(f.field)
	switch f.kind {
	case quoteOpenAtEnd:
		return where + ` begins with a quote (") that is still open at the end of the file: close it where the value ends`
	case quoteOpenTooFar:
		return where + ` begins with a quote (") that is still open after ` + size(r.opts.MaxRow) +
			": close it where the value ends, or shorten the value"
	}
	found, advice := ` has a quote (") inside a value that does not begin with one: `, "put the whole value in quotes and double those inside it"
	if f.kind == textAfterQuote {
		found, advice = ` has text after its closing quote ("): `, "put a delimiter there, or double the quotes that belong to the value"
	}
	message := where + found + advice + `, as in "a ""b"" c"`
	before := bytes.TrimRight(r.in.window()[:f.at], " ")
	if f.kind == strayQuote && (len(before) == 0 || before[len(before)-1] == r.delim) {
		message = where + ` has a space before its opening quote ("): take out the spaces after the delimiters`
	}
	if lines := r.in.countLines(f.at); lines > 0 {
		message = fmt.Sprintf("quotes make the row run on to line %d, where %s; if a closing quote is missing in line %d, add it there",
			r.line+lines, message, r.line)
	}
	return message
}

func (r *Reader) countMessage() string {
	have, want := r.row.count, len(r.header.Fields)
	found := fmt.Sprintf("the row has %s, the header %s: ", plural(have, "field"), plural(want, "column"))
	if have > want {
		return found + fmt.Sprintf("take out what is too much, or put a value that contains a delimiter (%s) in quotes", DelimiterName(r.delim))
	}
	return found + "add what is missing, or put a value that contains a line break in quotes"
}

// column names column i for a user, who counts from 1.
func (r *Reader) column(i int) string {
	if i < len(r.header.Fields) && !IsBlank([]byte(r.header.Fields[i])) {
		return fmt.Sprintf("column %d (%s)", i+1, r.header.Fields[i])
	}
	return fmt.Sprintf("column %d", i+1)
}

func (r *Reader) encodingAdvice() string {
	switch r.in.encoding {
	case Windows1252:
		return "has a byte that windows-1252 does not define: save the file as CSV UTF-8"
	case utf16LE, utf16BE:
		return "has half a character (an unpaired surrogate) in its UTF-16: write the value again, or save the file as CSV UTF-8"
	}
	return "has bytes that are not valid UTF-8: save the file as CSV UTF-8, or, if an older Excel on Windows wrote it in " +
		"a western European language, upload it with encoding=windows-1252"
}

// raw returns the first MaxRawRunes code points of text as valid UTF-8.
func raw(text []byte) string {
	from := 0
	for n := 0; n < MaxRawRunes && from < len(text); n++ {
		_, size := utf8.DecodeRune(text[from:])
		from += size
	}
	return string([]rune(string(text[:from])))
}

// makeValid replaces fields that are not UTF-8 by valid copies.
func makeValid(fields [][]byte) {
	for i, f := range fields {
		if !utf8.Valid(f) {
			fields[i] = bytes.ToValidUTF8(f, []byte("\uFFFD"))
		}
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func size(n int) string {
	if n%1024 == 0 {
		return fmt.Sprintf("%d KiB", n/1024)
	}
	return plural(n, "byte")
}
