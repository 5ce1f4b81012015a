package ingest

import (
	"fmt"
	"io"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/httpx"
	"licenseimport/internal/mapping"
)

// rowParser turns a file into RowReceived events, one row at a time. It does not check values: the
// processor does. A row that cannot be read becomes an event with Malformed set.
type rowParser struct {
	table     mapping.Table
	header    []string // the names of the columns in the header, in its order, see [events.ImportStarted]
	columns   []int    // by field: the index of its column; -1: the field is ignored
	delimiter byte
	unguard   bool // the file is an invalid_rows.csv whose cells were guarded: see [csvfile.Guard]
	raw       int  // the field with the text of a row that an earlier import could not read; -1: none

	headers []string        // the file's own headers of header, in the same order
	ignored []string        // the file's headers that are not read
	mapping *events.Mapping // nil: the headers are the columns' names

	mappingField int        // the field that names the mapping; -1: none
	mappingName  []byte     // what it says in the first row
	peeked       *peekedRow // already read, and not returned yet

	serialDate func(value string) (date string, ok bool) // reads the day numbers of a workbook; nil: the file is a CSV

	first *events.RowReceived // already read: the first call of next returns it
	event events.RowReceived  // reused for each row
	buf   []byte
	ends  []int
}

// peekedRow is the result of one read of a table.
type peekedRow struct {
	row csvfile.Row
	err error
}

// openRowParser reads the header and the first row. If the file is at fault the error is the
// answer, otherwise it is the error of the read.
func openRowParser(rows mapping.Table, o options, base baseMapping) (*rowParser, error) {
	p := &rowParser{table: rows}
	if book, ok := rows.(workbookTable); ok {
		p.serialDate = book.SerialDate
	}
	header, err := p.table.Header()
	if err != nil {
		return nil, tableError(err)
	}
	if err := p.useMapping(header, o, base); err != nil {
		return nil, err
	}
	first, err := p.next()
	if err == io.EOF {
		return nil, httpx.BadRequest("no_rows", "The file has a header but no rows.")
	}
	p.first = first
	return p, err
}

// match assigns columns to the header's fields. The error names every mistake in the header.
func (p *rowParser) match(header csvfile.Header, o options) error {
	matched, problems := mapping.Match(o.kind, header.Fields, p.mapping, o.given, o.ignoreUnknown)
	if book, ok := p.table.(workbookTable); ok && len(problems) > 0 {
		return book.headerOfSheet(problems)
	} else if len(problems) > 0 {
		return headerProblems(problems)
	}
	p.columns, p.ignored, p.delimiter, p.raw = matched.Columns, matched.Ignored, header.Delimiter, -1
	for i, column := range p.columns {
		name := header.Fields[i]
		switch {
		case column >= 0:
			p.header = append(p.header, events.Columns[column].Name)
			p.headers = append(p.headers, csvfile.TrimName(name))
		case csvfile.IsRawColumn(name):
			p.header = append(p.header, csvfile.NormalName(name))
			p.headers = append(p.headers, csvfile.NormalName(name))
			if p.raw < 0 {
				p.raw = i
			}
		}
	}
	return nil
}

func headerProblems(problems []csvfile.HeaderProblem) *httpx.Error {
	var texts []string
	var list []httpx.Problem
	for _, p := range problems {
		texts = append(texts, p.Message)
		list = append(list, httpx.Problem{Column: p.Name, Code: string(p.Kind), Message: p.Message, Parameter: p.Parameter})
	}
	return httpx.BadRequest("invalid_header", "%s", findings(texts)).With(list...)
}

// findings is one sentence with all that is wrong.
func findings(texts []string) string {
	s := sentence(strings.Join(texts, "; "))
	if strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// sentence capitalizes a message, but for the name of a column or of a parameter.
func sentence(s string) string {
	if first, _, _ := strings.Cut(s, " "); strings.ContainsAny(first, "_=") {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// read returns the next row of the file.
func (p *rowParser) read() (csvfile.Row, error) {
	if peeked := p.peeked; peeked != nil {
		p.peeked = nil
		return peeked.row, peeked.err
	}
	return p.table.Read()
}

// next returns the next row, without a job id, valid until the next call. After the last row it
// returns [io.EOF].
func (p *rowParser) next() (*events.RowReceived, error) {
	if first := p.first; first != nil {
		p.first = nil
		return first, nil
	}
	row, err := p.read()
	if err == nil {
		err = p.checkMapping(row)
	}
	if err != nil {
		return nil, err
	}
	p.event = events.RowReceived{Row: events.Row(row.Number), Line: row.Line}
	p.fill(row.Fields)
	if row.Err != nil {
		p.event.Malformed = p.malformed(row.Err)
	}
	if row.Err == nil || row.Err.Code == csvfile.InvalidEncoding { // else the fields may stand elsewhere
		p.event.Raw = p.earlierRaw(row.Fields)
	}
	if row.Err == nil && strings.Contains(p.event.Raw, replacement) {
		p.event.Malformed = p.uncorrected()
	}
	return &p.event, nil
}

// replacement stands in a file of rejected rows in place of bytes that could not be read.
const replacement = "\uFFFD"

// uncorrected rejects a row that still has a replacement where an earlier import could not read a letter: it would be
// imported without that letter, and nobody would notice. nil: it has none.
func (p *rowParser) uncorrected() *events.Malformed {
	var m *events.Malformed
	for _, column := range p.columns {
		switch {
		case column < 0 || !strings.Contains(p.event.Values[column], replacement):
		case m != nil:
			m.MoreColumns = append(m.MoreColumns, events.Columns[column].Name)
		default:
			m = &events.Malformed{
				Code: events.InvalidEncoding, Column: events.Columns[column].Name, Raw: p.event.Raw,
				Message: "still has " + replacement + " in place of a letter that could not be read: write that letter",
			}
		}
	}
	return m
}

// fill copies the fields into the event. All values are substrings of one string: one allocation
// per row.
func (p *rowParser) fill(fields [][]byte) {
	p.buf, p.ends = p.buf[:0], p.ends[:0]
	fields = fields[:min(len(fields), len(p.columns))]
	for i, field := range fields {
		if p.columns[i] >= 0 {
			p.buf = append(p.buf, field...)
		}
		p.ends = append(p.ends, len(p.buf))
	}
	text, from := string(p.buf), 0
	for i, end := range p.ends {
		value := text[from:end]
		from = end
		if value == "" {
			continue
		}
		if p.unguard {
			value = csvfile.Unguard(value)
		}
		if p.serialDate != nil && events.Columns[p.columns[i]].Type == events.Date {
			if date, ok := p.serialDate(value); ok {
				value = date
			}
		}
		p.event.Values[p.columns[i]] = value
	}
}

// earlierRaw is the text of the row as an earlier import could not read it.
func (p *rowParser) earlierRaw(fields [][]byte) string {
	if p.raw < 0 || p.raw >= len(fields) || len(fields[p.raw]) == 0 {
		return ""
	}
	text := string(fields[p.raw])
	if p.unguard {
		text = csvfile.Unguard(text)
	}
	return events.Excerpt(text, events.MaxRaw)
}

func (p *rowParser) malformed(d *csvfile.RowError) *events.Malformed {
	m := &events.Malformed{Code: events.Code(d.Code), Message: d.Message, Raw: events.Excerpt(d.Raw, events.MaxRaw)}
	if m.Code != events.InvalidEncoding {
		return m
	}
	for _, field := range append([]int{d.Column}, d.More...) {
		if field < 0 || field >= len(p.columns) || p.columns[field] < 0 { // an ignored column
			continue
		}
		if name := events.Columns[p.columns[field]].Name; m.Column == "" {
			m.Column, m.Message = name, d.OfValue
		} else {
			m.MoreColumns = append(m.MoreColumns, name)
		}
	}
	return m
}

func (p *rowParser) tooLargeRow(row *events.RowReceived) *events.RowReceived {
	return oversized(row, p.record(row))
}

// oversized replaces a row whose event would be larger than [events.MaxBody]. text is the row as a
// CSV record; a text that the row itself holds comes first.
func oversized(row *events.RowReceived, text string) *events.RowReceived {
	m := &events.Malformed{
		Code:    events.RowTooLarge,
		Message: fmt.Sprintf("the row is longer than %d KiB once it is written as an event: shorten it", events.MaxBody>>10),
	}
	switch {
	case row.Raw != "":
		m.Raw = row.Raw
	case row.Malformed != nil:
		m.Raw = row.Malformed.Raw
	default:
		m.Raw = events.Excerpt(text, events.MaxRaw)
	}
	return &events.RowReceived{JobID: row.JobID, Row: row.Row, Line: row.Line, Malformed: m}
}

// record formats a row that could be read as CSV. Ignored fields are empty.
func (p *rowParser) record(row *events.RowReceived) string {
	fields := make([]string, len(p.columns))
	for i, column := range p.columns {
		if column >= 0 {
			fields[i] = row.Values[column]
		}
	}
	return strings.TrimSuffix(string(csvfile.AppendRecord(nil, p.delimiter, fields...)), "\r\n")
}
