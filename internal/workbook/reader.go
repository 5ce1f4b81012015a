package workbook

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"licenseimport/internal/csvfile"
)

// Reader reads one sheet of a workbook as the rows of a table. It is not safe for concurrent use.
type Reader struct {
	opts  Options
	book  *workbook
	sheet sheet

	cells   *sheetReader
	strings *sharedStrings // nil before the first cell that names one

	header csvfile.Header
	named  []bool // by column: its header is not empty
	err    error  // ends every later Read
	rows   uint64 // handed out

	// The row last read.
	data   []byte
	places []place
	fields [][]byte
	extra  int // a column with a value, but without a name; -1: none
	large  bool
}

// place is where a value stands in the row's data.
type place struct{ column, from, to int }

// Open reads what a workbook says about itself, and the header of a sheet. The caller must call Close.
//
// Errors: an *UnreadableError for a file that is no workbook that can be read, a *SheetError, a
// *TooLargeError, an *EmptySheetError and *csvfile.HeaderError for the sheet's header, and errors of r and
// of the temporary file as they are.
func Open(r io.ReaderAt, size int64, o Options) (*Reader, error) {
	in := &Reader{opts: o.withDefaults()}
	if err := in.open(source{r}, size); err != nil {
		return nil, errors.Join(asSource(err), in.Close())
	}
	return in, nil
}

// Sheets returns the names of the sheets of a workbook, in their order.
func (r *Reader) Sheets() []string {
	names := make([]string, len(r.book.sheets))
	for i := range r.book.sheets {
		names[i] = r.book.sheets[i].name
	}
	return names
}

// Sheet returns the name of the sheet that is read.
func (r *Reader) Sheet() string { return r.sheet.name }

// OtherSheets returns the names of the other sheets that are not hidden, in their order.
func (r *Reader) OtherSheets() (names []string) {
	for i := range r.book.sheets {
		if other := &r.book.sheets[i]; other.name != r.sheet.name && !other.hidden {
			names = append(names, other.name)
		}
	}
	return names
}

// Close closes the temporary file.
func (r *Reader) Close() (err error) {
	if r.cells != nil {
		err = r.cells.close()
	}
	if r.strings != nil {
		err = errors.Join(err, r.strings.close())
	}
	return err
}

// Header returns the names in the first row that has values.
func (r *Reader) Header() (csvfile.Header, error) { return r.header, nil }

// Read returns the next row that has values. Row.Line is its number in the sheet. Its errors are io.EOF
// at the end of the sheet, and those of Open: a part of the workbook may be damaged. Every later call
// returns the same error.
func (r *Reader) Read() (csvfile.Row, error) {
	for r.err == nil {
		line, err := r.nextRow()
		if err != nil {
			r.err = asSource(readErrorOrEOF(err))
			break
		}
		if !r.blank() {
			r.rows++
			return csvfile.Row{Number: r.rows, Line: uint64(line), Fields: r.fields, Err: r.rowError(line)}, nil
		}
	}
	return csvfile.Row{}, r.err
}

func readErrorOrEOF(err error) error {
	if err == io.EOF {
		return err
	}
	return readError(err)
}

// asSource takes the wrapper off an error of the file that the workbook is in.
func asSource(err error) error {
	if wrapped, ok := errors.AsType[*sourceError](err); ok {
		return wrapped.error
	}
	return err
}

func (r *Reader) open(file io.ReaderAt, size int64) (err error) {
	if r.book, err = openWorkbook(file, size, r.opts.MaxUnpacked); err != nil {
		return err
	}
	if r.sheet, err = r.book.find(r.opts.Sheet); err != nil {
		return err
	}
	if r.cells, err = r.book.openSheet(r.sheet, r.opts.MaxRow+1, r.sharedString); err != nil {
		return readError(err)
	}
	return r.readHeader()
}

// sharedString returns a text of the workbook's table, which the first call reads.
func (r *Reader) sharedString(number int) ([]byte, error) {
	if r.strings == nil {
		if r.book.strings == "" {
			return nil, errors.New("the workbook has no shared strings")
		}
		t, err := readSharedStrings(r.book.parts, r.book.strings, r.opts.MaxRow+1, r.opts.Temp)
		if err != nil {
			return nil, err
		}
		r.strings = t
	}
	return r.strings.get(number)
}

func (r *Reader) emptySheet() error {
	return &EmptySheetError{Sheet: r.sheet.name, Others: r.OtherSheets()}
}

// readHeader reads up to the first row that has values.
func (r *Reader) readHeader() error {
	for {
		line, err := r.nextRow()
		if err == io.EOF {
			return r.emptySheet()
		}
		if err != nil {
			return readError(err)
		}
		last := len(r.places) - 1
		for last >= 0 && csvfile.IsBlank(r.value(last)) {
			last--
		}
		if last < 0 {
			continue
		}
		if r.large {
			return headerError(csvfile.HeaderTooLarge, line, fmt.Sprintf("it is longer than %d KiB", r.opts.MaxRow>>10))
		}
		r.header = csvfile.Header{Delimiter: ',', Line: line, Fields: make([]string, r.places[last].column+1)}
		if n := len(r.header.Fields); n > r.opts.MaxColumns {
			return headerError(csvfile.HeaderColumns, line,
				fmt.Sprintf("it has %d columns, and %d is the limit: take out those that are not needed", n, r.opts.MaxColumns))
		}
		r.fields, r.named = make([][]byte, len(r.header.Fields)), make([]bool, len(r.header.Fields))
		for i, p := range r.places[:last+1] {
			r.header.Fields[p.column] = string(r.value(i))
			r.named[p.column] = !csvfile.IsBlank(r.value(i))
		}
		return nil
	}
}

func headerError(code csvfile.HeaderCode, line int, message string) error {
	return &csvfile.HeaderError{Code: code, Line: line, Message: message}
}

func (r *Reader) value(i int) []byte { return r.data[r.places[i].from:r.places[i].to] }

// nextRow reads the next row of the sheet into data, places and fields, and returns its number.
func (r *Reader) nextRow() (int, error) {
	if _, err := r.cells.nextRow(); err != nil {
		return 0, err
	}
	r.data, r.places, r.large, r.extra = r.data[:0], r.places[:0], false, -1
	if err := r.cells.cells(r.addCell); err != nil {
		return 0, err
	}
	clear(r.fields)
	for i, p := range r.places {
		if p.column < len(r.fields) {
			r.fields[p.column] = r.value(i)
		}
		if r.extra < 0 && (p.column >= len(r.named) || !r.named[p.column]) && !csvfile.IsBlank(r.value(i)) {
			r.extra = p.column
		}
	}
	return r.cells.row, nil
}

// addCell appends a cell to the row. Beyond the limit of a row it only notes that there was more.
func (r *Reader) addCell(c cell) error {
	if len(r.data)+len(c.value) > r.opts.MaxRow {
		r.large = true
		return nil
	}
	from := len(r.data)
	r.data = append(r.data, c.value...)
	r.places = append(r.places, place{c.column, from, len(r.data)})
	return nil
}

// blank reports whether the row has no value.
func (r *Reader) blank() bool {
	if r.large || r.extra >= 0 {
		return false
	}
	for _, f := range r.fields {
		if !csvfile.IsBlank(f) {
			return false
		}
	}
	return true
}

// rowError returns why a row is rejected as a whole, or nil.
func (r *Reader) rowError(line int) *csvfile.RowError {
	switch {
	case r.large:
		return &csvfile.RowError{Code: csvfile.RowTooLarge, Column: -1, Raw: r.raw(), Message: fmt.Sprintf(
			"the row is longer than %d KiB, the limit for one row: shorten it", r.opts.MaxRow>>10)}
	case r.extra >= 0:
		return &csvfile.RowError{Code: csvfile.FieldCount, Column: r.extra, Raw: r.raw(), Message: fmt.Sprintf(
			"cell %s%d holds %q, but its column has no name in the header: name the column, or empty the cell",
			columnName(r.extra), line, excerpt(r.fieldAt(r.extra)))}
	}
	return nil
}

func (r *Reader) fieldAt(column int) []byte {
	for i, p := range r.places {
		if p.column == column {
			return r.value(i)
		}
	}
	return nil
}

// raw returns the first characters of the row's values with tabs between them, as a spreadsheet copies
// them.
func (r *Reader) raw() string {
	var text strings.Builder
	column := 0
	for i, p := range r.places {
		for ; column < p.column && text.Len() <= 4*csvfile.MaxRawRunes; column++ {
			text.WriteByte('\t')
		}
		text.Write(r.value(i))
		if text.Len() > 4*csvfile.MaxRawRunes {
			break
		}
	}
	runes := []rune(strings.ToValidUTF8(text.String(), "\uFFFD"))
	return string(runes[:min(len(runes), csvfile.MaxRawRunes)])
}
