package csvfile

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// The default limits.
const (
	DefaultMaxRow     = 256 << 10
	DefaultMaxColumns = 200
)

// Options configure a Reader. The zero value reads UTF-8 with the default limits and detects the
// delimiter.
type Options struct {
	Delimiter  byte     // comma, semicolon, tab or pipe. 0: that of a sep= line, else detected
	Encoding   Encoding // of a file without byte order mark
	MaxRow     int      // bytes of a row as UTF-8 without its line end; above: row_too_large. 0: DefaultMaxRow
	MaxColumns int      // of the header. 0: DefaultMaxColumns

	// Known helps to detect the delimiter: it reports whether a header, trimmed and in lower case, is the
	// name of a column. May be nil.
	Known func(name string) bool
}

// Row is one data row. Fields point into the reader's buffer and are valid until the next Read.
type Row struct {
	Number uint64    // of the data row, from 1; rows with errors count
	Line   uint64    // physical line where the row begins, from 1
	Fields [][]byte  // as sent, without quotes; one for each column, or with Err as far as known
	Err    *RowError // nil: the row is valid
}

// Reader reads one CSV stream. It is not safe for concurrent use.
type Reader struct {
	in   buffer
	opts Options

	header    Header
	headerErr error
	started   bool
	delim     byte
	unnamed   []int // columns with an empty header

	line uint64 // physical line where the next row begins
	rows uint64 // data rows handed out
	skip bool   // the rest of a line beyond the limit is still to be skipped

	// The result of the last scan.
	row     scanned
	spans   []span
	scratch []byte
}

// scanned is the row at the buffer's start.
type scanned struct {
	fields    [][]byte // the first keep fields
	maxFields int
	count     int  // all fields
	value     bool // a field beyond keep holds a value
	text      int  // bytes of the row without its line end
	next      int  // where the next row begins
	first     firstLine
}

// NewReader returns a Reader of r. It reads nothing before the first call of Header or Read.
func NewReader(r io.Reader, o Options) *Reader {
	return newReader(r, o, 64<<10)
}

func newReader(r io.Reader, o Options, readAhead int) *Reader {
	if o.MaxRow <= 0 {
		o.MaxRow = DefaultMaxRow
	}
	if o.MaxColumns <= 0 {
		o.MaxColumns = DefaultMaxColumns
	}
	return &Reader{in: newBuffer(r, o.MaxRow, readAhead), opts: o, line: 1}
}

// Read returns the next row that is not empty. Its errors are io.EOF at the end of the file, an error
// of the underlying reader, or one of Header. Every later call returns the same error.
func (r *Reader) Read() (Row, error) {
	if _, err := r.Header(); err != nil {
		return Row{}, err
	}
	for {
		if err := r.skipRest(); err != nil {
			return Row{}, err
		}
		if !r.in.has(1) {
			return Row{}, r.in.err
		}
		f := r.scan()
		if f.kind == failed {
			return Row{}, r.in.err
		}
		if f.kind == sound && r.blank() {
			r.advance()
			continue
		}
		r.rows++
		row := Row{Number: r.rows, Line: r.line, Fields: r.row.fields}
		if row.Err = r.rowError(f); row.Err != nil {
			makeValid(row.Fields)
		}
		r.advance()
		return row, nil
	}
}

// blank reports whether every field is empty or white space.
func (r *Reader) blank() bool {
	for _, f := range r.row.fields {
		if !IsBlank(f) {
			return false
		}
	}
	return !r.row.value
}

// IsBlank reports whether a field is empty or white space.
func IsBlank(field []byte) bool {
	if len(field) > 0 && field[0] > ' ' && field[0] < utf8.RuneSelf {
		return false
	}
	return len(bytes.TrimSpace(field)) == 0
}

// advance moves to the next row. The fields stay valid: the buffer's bytes move at the next Read only.
func (r *Reader) advance() {
	r.line += r.in.countLines(r.row.next)
	r.in.start += r.row.next
}

// skipRest skips the rest of a line that was longer than the buffer.
func (r *Reader) skipRest() error {
	if !r.skip {
		return nil
	}
	if err := r.in.discardLine(); err != nil {
		return err
	}
	r.line++
	r.skip = false
	return nil
}
