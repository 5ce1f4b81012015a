package csvfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrEmpty says that the file has no header: it is empty, or holds blank lines only.
var ErrEmpty = errors.New("the file is empty: its first line must name the columns")

// Header is the file's header line.
type Header struct {
	Fields    []string // as sent, not trimmed; see MatchHeader
	Delimiter byte
	Line      int // the physical line where it begins
}

// HeaderError says why the header cannot be read. The file as a whole is then unusable.
type HeaderError struct {
	Code    HeaderCode
	Line    int // physical line
	Message string
}

func (e *HeaderError) Error() string {
	return fmt.Sprintf("line %d, the header: %s", e.Line, e.Message)
}

// HeaderCode says in a word what is wrong with a header.
type HeaderCode string

// The codes of a header that cannot be read.
const (
	HeaderMalformed     HeaderCode = "malformed_header"
	HeaderTooLarge      HeaderCode = "header_too_large"
	HeaderColumns       HeaderCode = "too_many_columns"
	HeaderEncoding      HeaderCode = "invalid_encoding"
	HeaderBadDelimiter  HeaderCode = "unknown_delimiter"
	HeaderPowerShellTag HeaderCode = "type_line"
)

var delimiters = []byte{',', ';', '\t', '|'}

// Header reads up to the end of the header line, once; later calls give the same again. Errors: ErrEmpty, *NotCSVError,
// *HeaderError, or what the underlying reader failed with.
func (r *Reader) Header() (Header, error) {
	if !r.started {
		r.started = true
		r.headerErr = r.readHeader()
	}
	return r.header, r.headerErr
}

func (r *Reader) readHeader() error {
	if err := r.in.openEncoding(r.opts.Encoding); err != nil {
		return err
	}
	r.delim = r.opts.Delimiter
	line, err := r.preamble()
	if err != nil {
		return err
	}
	if r.delim == 0 {
		r.delim = r.detect(line)
	}
	r.row.maxFields = r.opts.MaxColumns
	f := r.scan()
	if f.kind == failed {
		return r.in.err
	}
	if err := r.judgeHeader(f); err != nil {
		return err
	}
	r.keepHeader()
	r.advance()
	return nil
}

// preamble passes over blank lines and a sep= line, and gives the line that must be the header, still unread.
func (r *Reader) preamble() ([]byte, error) {
	for separated := false; ; {
		line, err := r.in.peekLine()
		switch {
		case err != nil:
			return nil, err
		case !r.in.has(1):
			return nil, ErrEmpty
		case len(bytes.Trim(line.text, "\uFEFF \t\r\n\v\f\u0085\u00A0,;|\"")) == 0:
		case !separated && isSepLine(line.text):
			if err := r.useSepLine(line.text); err != nil {
				return nil, err
			}
			separated = true
		case bytes.HasPrefix(line.text, []byte("#TYPE ")):
			return nil, r.headerError(HeaderPowerShellTag,
				"it is PowerShell's #TYPE line: take that line out, or export with Export-Csv -NoTypeInformation")
		default:
			if other := foreignText(line.text); other != nil {
				return nil, other
			}
			return line.text, nil
		}
		r.row.next = line.next
		r.advance()
	}
}

// headLine is a line of the preamble, line ends inside quotes included.
type headLine struct {
	text []byte
	next int
}

// peekLine looks at the next line without reading it, and learns from it whether a lone CR ends the lines of this file.
// A line that is not complete within the limit is given as far as it goes.
func (b *buffer) peekLine() (headLine, error) {
	quoted := false
	for p := 0; ; p++ {
		c, ok := b.at(p)
		if !ok {
			if f := b.edge(sound, tooLong); f == failed {
				return headLine{}, b.err
			}
			w := b.window()
			return headLine{text: w, next: len(w)}, nil
		}
		if c == '"' {
			quoted = !quoted
		}
		if quoted || c != '\n' && c != '\r' {
			continue
		}
		next, _ := b.at(p + 1)
		switch crlf := c == '\r' && next == '\n'; {
		case crlf:
			b.loneCR = false
			return headLine{text: b.window()[:p], next: p + 2}, nil
		default:
			b.loneCR = c == '\r'
			return headLine{text: b.window()[:p], next: p + 1}, nil
		}
	}
}

func isSepLine(line []byte) bool {
	line = bytes.TrimPrefix(line, []byte{'"'})
	return len(line) >= 4 && strings.EqualFold(string(line[:4]), "sep=")
}

// useSepLine takes the delimiter from a sep= line, where none was given. Programs that do not know such a line may have
// put it in quotes, or added the delimiters of empty fields, when they saved the file.
func (r *Reader) useSepLine(line []byte) error {
	rest := bytes.TrimPrefix(line, []byte{'"'})[len("sep="):]
	if len(rest) == 0 || bytes.IndexByte(delimiters, rest[0]) < 0 ||
		len(bytes.Trim(rest[1:], `" `+string(rest[:1]))) > 0 {
		return r.headerError(HeaderBadDelimiter, fmt.Sprintf(
			"%q does not name a delimiter that can be read: use comma, semicolon, tab or pipe, as in sep=;", raw(line[:min(40, len(line))])))
	}
	if r.delim == 0 {
		r.delim = rest[0]
	}
	return nil
}

// detect finds the delimiter of a header line.
func (r *Reader) detect(line []byte) byte {
	best, bestKnown, bestCount := delimiters[0], 0, 0
	for _, d := range delimiters {
		names := splitOutsideQuotes(line, d)
		known := 0
		for _, name := range names {
			if r.opts.Known != nil && r.opts.Known(NormalName(name)) {
				known++
			}
		}
		if known > bestKnown || known == bestKnown && len(names)-1 > bestCount {
			best, bestKnown, bestCount = d, known, len(names)-1
		}
	}
	return best
}

// splitOutsideQuotes splits roughly, well enough to count: the header is read in earnest once its delimiter is known.
func splitOutsideQuotes(line []byte, delim byte) []string {
	var names []string
	from, quoted := 0, false
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == delim && !quoted:
			names = append(names, strings.Trim(string(line[from:i]), `"`))
			from = i + 1
		}
	}
	return append(names, strings.Trim(string(line[from:]), `"`))
}

// judgeHeader gives the error of the header line just scanned, or nil.
func (r *Reader) judgeHeader(f fault) error {
	text := r.in.window()[:r.row.text]
	switch {
	case bytes.IndexByte(text, 0) >= 0:
		return r.headerError(HeaderEncoding,
			"it has NUL bytes, as UTF-16 without a byte order mark has: save the file as CSV UTF-8")
	case f.kind == tooLong:
		return r.headerError(HeaderTooLarge, "it is longer than "+size(r.opts.MaxRow)+": look whether its line break is missing")
	case f.kind != sound:
		return r.headerError(HeaderMalformed, r.quoteMessage(f))
	case r.row.count > r.opts.MaxColumns:
		return r.headerError(HeaderColumns, fmt.Sprintf("it has %d columns, and %d is the limit: take out those that are not needed",
			r.row.count, r.opts.MaxColumns))
	case !utf8.Valid(text):
		return r.headerError(HeaderEncoding, "it "+r.encodingAdvice())
	}
	return nil
}

func (r *Reader) headerError(code HeaderCode, message string) error {
	return &HeaderError{Code: code, Line: int(r.line), Message: message}
}

func (r *Reader) keepHeader() {
	r.header = Header{Delimiter: r.delim, Line: int(r.line), Fields: make([]string, len(r.row.fields))}
	for i, f := range r.row.fields {
		r.header.Fields[i] = string(f)
		if IsBlank(f) {
			r.unnamed = append(r.unnamed, i)
		}
	}
}

// DelimiterNamed is the delimiter of a name that DelimiterName gives; of another name 0.
func DelimiterNamed(name string) byte {
	for _, d := range delimiters {
		if DelimiterName(d) == name {
			return d
		}
	}
	return 0
}

// DelimiterName is the word for a delimiter that a file may have.
func DelimiterName(d byte) string {
	switch d {
	case ',':
		return "comma"
	case ';':
		return "semicolon"
	case '\t':
		return "tab"
	case '|':
		return "pipe"
	}
	return fmt.Sprintf("%q", d)
}
