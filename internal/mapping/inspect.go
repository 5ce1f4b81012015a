package mapping

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
)

// Limits of an inspection.
const (
	InspectedBytes = 1 << 20 // of a file, and of the cells that are looked at
	maxSamples     = 5       // cells of a column that are shown
	maxSample      = 100     // characters of each
	maxFirstRows   = 5       // rows that are shown
	maxShown       = 256     // characters of each of their cells
)

// A Table is a file as rows: a [*csvfile.Reader], or the reader of a workbook.
type Table interface {
	// Header gives the names of the columns. Its errors are [csvfile.ErrEmpty], a
	// [*csvfile.NotCSVError], a [*csvfile.HeaderError], or those of reading the file.
	Header() (csvfile.Header, error)
	// Read returns the next row that is not blank, valid until the next call; [io.EOF] after the last.
	Read() (csvfile.Row, error)
}

// An Inspection is what a file seems to be, as the API shows it.
type Inspection struct {
	Format     string      `json:"format"`      // csv or xlsx
	Encoding   *string     `json:"encoding"`    // of a CSV
	Delimiter  *string     `json:"delimiter"`   // of a CSV: comma, semicolon, tab or pipe
	Sheets     []string    `json:"sheets"`      // of a workbook
	Sheet      *string     `json:"sheet"`       // of a workbook: the one that was inspected
	Vendor     *string     `json:"vendor"`      // the program whose export it is; nil: none is known
	Columns    []Inspected `json:"columns"`     // in the file's order
	Missing    []string    `json:"missing"`     // required columns that none of the file's seems to be
	DateFormat string      `json:"date_format"` // of DateFormats, or Ambiguous
	Formats    []string    `json:"-"`           // those that Ambiguous stands for
	FirstRows  [][]string  `json:"first_rows"`  // at most 5 rows as they are, but for day numbers; cells in the file's order
}

// Inspected is what one column of a file seems to be.
type Inspected struct {
	Header     string   `json:"header"`
	Samples    []string `json:"samples"` // different cells
	Column     *string  `json:"column"`  // nil: none is suggested
	Confidence float64  `json:"confidence"`
	Why        string   `json:"why"`
	Unlike     string   `json:"-"` // see [Suggestion]

	// Values are the different cells: all where there are few, else those that the suggested column cannot
	// read, and none if these are many, too.
	Values []string `json:"values"`
	// Translations are, by column that this one is or may be, what the Values mean there, where a column's
	// rule would reject a cell, or would read something else.
	Translations map[string]map[string]string `json:"translations"`
}

// InspectCSV inspects the beginning of a kind's CSV, at most InspectedBytes of it; cut: the file goes on. A
// file that is not UTF-8 and has no byte order mark is read as windows-1252. Errors are those of
// [csvfile.Reader.Header].
func InspectCSV(kind *events.Kind, beginning []byte, cut bool, o csvfile.Options,
	m *events.Mapping) (Inspection, error) {
	encoding := csvfile.BOMEncoding(beginning)
	if encoding == "" {
		encoding = encodingOf(beginning, cut, o.Encoding)
	}
	if encoding == csvfile.NameWindows1252 {
		o.Encoding = csvfile.Windows1252
	}
	o.Known = known(kind, o.Known, m)
	rows := csvfile.NewReader(bytes.NewReader(beginning), o)
	found, err := Inspect(kind, rows, cut, m, nil)
	if err != nil {
		return Inspection{}, err
	}
	header, _ := rows.Header()
	delimiter := csvfile.DelimiterName(header.Delimiter)
	found.Format, found.Encoding, found.Delimiter = "csv", &encoding, &delimiter
	return found, nil
}

func encodingOf(beginning []byte, cut bool, given csvfile.Encoding) string {
	if cut { // perhaps within a character
		beginning = beginning[:max(len(beginning)-utf8.UTFMax, 0)]
		for len(beginning) > 0 && beginning[len(beginning)-1] >= utf8.RuneSelf {
			beginning = beginning[:len(beginning)-1]
		}
	}
	if given == csvfile.Windows1252 || !utf8.Valid(beginning) {
		return csvfile.NameWindows1252
	}
	return csvfile.NameUTF8
}

// known adds what a header may be to the names by which a delimiter is detected.
func known(kind *events.Kind, also func(string) bool, m *events.Mapping) func(string) bool {
	return func(name string) bool {
		_, mapped := mappedTo(kind, m, name)
		if mapped || also != nil && also(name) || csvfile.IsErrorColumn(name) {
			return true
		}
		if _, column := kind.ColumnIndex(name); column {
			return true
		}
		_, listed := vocabularyOf(kind).synonyms[compact(name)]
		return listed
	}
}

// Inspect inspects the first rows of a kind's file; cut: the last row may be damaged. What a mapping says of a
// column is not guessed; m may be nil. serialDate reads the day numbers of a workbook in columns that hold dates,
// as its import does; nil: the file is a CSV. The caller sets the file's format.
func Inspect(kind *events.Kind, rows Table, cut bool, m *events.Mapping,
	serialDate func(value string) (date string, ok bool)) (Inspection, error) {
	header, err := rows.Header()
	if err != nil {
		return Inspection{}, err
	}
	header = header.Unguarded()
	sources := make([]Source, len(header.Fields))
	for i, field := range header.Fields {
		sources[i].Header = csvfile.TrimName(field)
	}
	first, err := readCells(rows, cut, sources)
	if err != nil {
		return Inspection{}, err
	}
	if serialDate != nil {
		readDayNumbers(kind, sources, first, m, serialDate)
	}
	found := inspection(kind, sources, m)
	found.FirstRows = first
	return found, nil
}

// readDayNumbers writes day numbers as dates in the columns whose header, or the mapping, says that they hold dates.
func readDayNumbers(kind *events.Kind, sources []Source, first [][]string, m *events.Mapping,
	serialDate func(string) (string, bool)) {
	headers := make([]Source, len(sources))
	for i := range sources {
		headers[i].Header = sources[i].Header
	}
	for i, s := range Suggest(kind, unmapped(kind, headers, m)) {
		if column, listed := mappedTo(kind, m, sources[i].Header); listed {
			s.Column = column
		}
		if column, known := kind.ColumnIndex(s.Column); !known || events.Columns[column].Type != events.Date {
			continue
		}
		for c, cell := range sources[i].Cells {
			if date, ok := serialDate(cell); ok {
				sources[i].Cells[c] = date
			}
		}
		for _, row := range first {
			if i >= len(row) {
				continue
			}
			if date, ok := serialDate(row[i]); ok {
				row[i] = date
			}
		}
	}
}

// readCells collects the cells of the rows that can be read, and the first rows.
func readCells(rows Table, cut bool, sources []Source) (first [][]string, err error) {
	first = [][]string{}
	add := func(cells []string) {
		if len(first) < maxFirstRows &&
			slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			first = append(first, shownRow(cells))
		}
		addCells(sources, cells)
	}
	var last []string
	for size := 0; size < InspectedBytes; {
		row, err := rows.Read()
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if row.Err != nil {
			continue
		}
		if cut {
			add(last)
			last = last[:0]
		}
		for _, field := range row.Fields {
			last = append(last, string(field))
			size += len(field) + 1
		}
		if !cut {
			add(last)
			last = last[:0]
		}
	}
	return first, nil
}

// shownRow is a row with cells of the length that is shown.
func shownRow(cells []string) []string {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = events.Excerpt(strings.ToValidUTF8(cell, "\uFFFD"), maxShown)
	}
	return row
}

func addCells(sources []Source, cells []string) {
	for i, cell := range cells {
		if i < len(sources) && cell != "" {
			sources[i].Cells = append(sources[i].Cells, cell)
		}
	}
}

func inspection(kind *events.Kind, sources []Source, m *events.Mapping) Inspection {
	found := Inspection{Sheets: []string{}, Columns: make([]Inspected, len(sources)), Missing: []string{}, DateFormat: ISO}
	suggested := Suggest(kind, unmapped(kind, sources, m))
	vendor := vendorOfSources(kind, sources)
	if vendor != nil {
		found.Vendor = &vendor.Title
	}
	twins := twinHeaders(sources)
	var dates, named []string
	for i, source := range sources {
		s := suggested[i]
		column, listed := mappedTo(kind, m, source.Header)
		if listed {
			s = Suggestion{Column: column, Confidence: exact, Why: "the mapping says so"}
		}
		// A mapping names headers: it cannot say which of several columns with one name is meant.
		if ignored := listed && column == ""; !ignored && twins[csvfile.NormalName(source.Header)] {
			s = Suggestion{Why: "another column of the file has the same name: rename one of them in the file to import it"}
		}
		found.Columns[i] = Inspected{
			Header: shownHeader(source.Header), Samples: samples(source.Cells), Confidence: s.Confidence, Why: s.Why,
			Unlike: s.Unlike,
		}
		if s.Column != "" {
			found.Columns[i].Column = &s.Column
		}
		found.Columns[i].judgeValues(kind, source.Cells, meaning(vendor, source.Header, s.Column))
		if s.Column == "" {
			continue
		}
		named = append(named, s.Column)
		if column, known := kind.ColumnIndex(s.Column); known && events.Columns[column].Type == events.Date {
			dates = append(dates, source.Cells...)
		}
	}
	for _, column := range kind.Required() {
		name := events.Columns[column].Name
		if _, set := setValue(kind, m, column); !set && !slices.Contains(named, name) {
			found.Missing = append(found.Missing, name)
		}
	}
	if m != nil && m.DateFormat != "" {
		found.DateFormat = m.DateFormat
	} else if formats := DetectDates(dates); len(formats) > 1 {
		found.DateFormat, found.Formats = Ambiguous, formats
	} else if len(formats) == 1 {
		found.DateFormat = formats[0]
	}
	return found
}

// twinHeaders are the headers, in normal form, that several columns of the file have.
func twinHeaders(sources []Source) map[string]bool {
	seen, twins := map[string]bool{}, map[string]bool{}
	for _, source := range sources {
		name := csvfile.NormalName(source.Header)
		twins[name] = seen[name] && name != ""
		seen[name] = true
	}
	return twins
}

// shownHeader is a header as a mapping may name it.
func shownHeader(header string) string {
	return events.Excerpt(strings.ToValidUTF8(header, "\uFFFD"), MaxHeader)
}

// unmapped are the sources, without those that a mapping names and the columns that it gives.
func unmapped(kind *events.Kind, sources []Source, m *events.Mapping) []Source {
	left := slices.Clone(sources)
	for i := range left {
		if _, listed := mappedTo(kind, m, left[i].Header); listed {
			left[i] = Source{}
		}
	}
	return left
}

// mappedTo returns the column of a header under a mapping, which may be nil; empty: it is ignored.
func mappedTo(kind *events.Kind, m *events.Mapping, header string) (column string, listed bool) {
	if m == nil {
		return "", false
	}
	for of, to := range m.Columns {
		if csvfile.NormalName(of) != csvfile.NormalName(header) {
			continue
		}
		if to == nil {
			return "", true
		}
		return columnName(kind, *to), true
	}
	return "", false
}

// samples are the first different cells.
func samples(cells []string) []string {
	shown := []string{}
	for _, cell := range cells {
		cell = events.Excerpt(strings.ToValidUTF8(strings.TrimSpace(cell), "\uFFFD"), maxSample)
		if cell != "" && !slices.Contains(shown, cell) {
			shown = append(shown, cell)
		}
		if len(shown) == maxSamples {
			break
		}
	}
	return shown
}
