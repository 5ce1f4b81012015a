package csvfile

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// The limits where Options names none.
const (
	DefaultMaxRow     = 256 << 10
	DefaultMaxColumns = 200
)

// Options say how a file is to be read. The zero value reads UTF-8 with the default limits and finds the delimiter itself.
type Options struct {
	Delimiter  byte     // comma, semicolon, tab or pipe. 0: that of a sep= line, else detected
	Encoding   Encoding // of a file without byte order mark
	MaxRow     int      // bytes of one row as UTF-8, its line end not counted; longer is row_too_large. 0: DefaultMaxRow
	MaxColumns int      // of the header. 0: DefaultMaxColumns

	// Known helps to detect the delimiter: it says whether a header, trimmed and in lower case, is the name of a column. May be nil.
	Known func(name string) bool
}

// Row is one data row. Fields point into the reader's buffer: they hold until the next Read.
type Row struct {
	Number uint64   // of the data row, from 1, damaged ones included
	Line   uint64   // physical line where the row begins; the file's first line is 1
	Fields [][]byte // as sent, quotes undone; one for each column, or of a damaged row as far as known
	Damage *Damage  // nil for a sound row
}

// Reader reads one CSV stream. It is not safe for concurrent use.
type Reader struct {
	in   buffer
	opts Options

	header    Header
	headerErr error
	begun     bool
	delim     byte
	unnamed   []int // columns with an empty header

	line uint64 // physical line where the next row begins
	rows uint64 // data rows handed out
	skip bool   // the rest of a line that was too long is still to be passed over

	// What the last scan found.
	row     scanned
	spans   []span
	scratch []byte
}

// scanned is the row that begins at the buffer's start.
type scanned struct {
	fields [][]byte // the first keep fields
	keep   int
	count  int  // all fields
	value  bool // a field beyond keep holds a value
	text   int  // bytes of the row without its line end
	next   int  // where the next row begins
	first  firstLine
}

// NewReader reads r. Nothing is read before Header or Read is called.
func NewReader(r io.Reader, o Options) *Reader {
	return newReader(r, o, 64<<10)
}

func newReader(r io.Reader, o Options, room int) *Reader {
	if o.MaxRow <= 0 {
		o.MaxRow = DefaultMaxRow
	}
	if o.MaxColumns <= 0 {
		o.MaxColumns = DefaultMaxColumns
	}
	return &Reader{in: newBuffer(r, o.MaxRow, room), opts: o, line: 1}
}

// Read gives the next row that is not empty. At the end of the file the error is io.EOF; a failure of the underlying reader
// comes as it is. Both come again on every later call. A header that cannot be read is an error of Header, and given here too.
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
		if row.Damage = r.judge(f); row.Damage != nil {
			makeValid(row.Fields)
		}
		r.advance()
		return row, nil
	}
}

// blank says whether every field is empty or white.
func (r *Reader) blank() bool {
	for _, f := range r.row.fields {
		if !white(f) {
			return false
		}
	}
	return !r.row.value
}

func white(field []byte) bool {
	if len(field) > 0 && field[0] > ' ' && field[0] < utf8.RuneSelf {
		return false
	}
	return len(bytes.TrimSpace(field)) == 0
}

// advance goes to the next row. The buffer does not move before the next Read, so that the fields stay readable.
func (r *Reader) advance() {
	r.line += r.in.countLines(r.row.next)
	r.in.start += r.row.next
}

// skipRest passes over the rest of a line that was longer than the buffer.
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
