package mapping

import (
	"fmt"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
)

// The kinds of header problems that only a mapping has; see [csvfile.ProblemKind].
const (
	HeaderNotInFile csvfile.ProblemKind = "unknown_header"
	HeaderIsSet     csvfile.ProblemKind = "set_and_mapped"
)

// Required lists the columns that every row must give.
func Required() (names []string) {
	for _, i := range events.Licenses.Required() {
		names = append(names, events.Columns[i].Name)
	}
	return names
}

// A Header says which column each field of a file fills.
type Header struct {
	Columns []int    // by field: the column index; -1: the field is not read
	Ignored []string // the headers that are not read, in the file's order; those of ErrorPrefix and empty ones are left out
}

// Match finds the column of each field of a header under a mapping that [Check] accepts; nil: headers are
// the columns' names. It returns every reason to refuse the header, with what [Suggest] knows of a
// column that is missing. Known adds headers of the request that the file must have: see [Given].
func Match(fields []string, m *events.Mapping, given Given, ignoreUnknown bool) (Header, []csvfile.HeaderProblem) {
	h := matcher{fields: fields, mapping: m, ignoreUnknown: ignoreUnknown, first: map[int]int{}}
	var columns []int
	if m == nil {
		columns, h.problems = csvfile.MatchHeader(fields, events.Licenses.ColumnNames(), Required(), ignoreUnknown)
	} else {
		h.mapped()
		columns = h.columns
		h.checkGiven(given)
		h.checkRequired()
	}
	advise(fields, columns, h.problems)
	return Header{Columns: columns, Ignored: ignored(fields, columns)}, h.problems
}

func ignored(fields []string, columns []int) (headers []string) {
	for i, field := range fields {
		if columns[i] < 0 && csvfile.NormalName(field) != "" && !csvfile.IsErrorColumn(field) {
			headers = append(headers, csvfile.ShortName(csvfile.TrimName(field)))
		}
	}
	return headers
}

type matcher struct {
	fields        []string
	mapping       *events.Mapping
	ignoreUnknown bool
	columns       []int
	first         map[int]int // column → position of the field that has it
	problems      []csvfile.HeaderProblem
}

func (h *matcher) add(kind csvfile.ProblemKind, position int, name, format string, args ...any) {
	h.problems = append(h.problems, csvfile.HeaderProblem{
		Kind: kind, Name: csvfile.ShortName(csvfile.TrimName(name)), Position: position, Message: fmt.Sprintf(format, args...),
	})
}

// mapped matches the fields under the mapping.
func (h *matcher) mapped() {
	byHeader := make(map[string]*string, len(h.mapping.Columns))
	for header, column := range h.mapping.Columns {
		byHeader[csvfile.NormalName(header)] = column
	}
	h.columns = make([]int, len(h.fields))
	for i, field := range h.fields {
		h.columns[i] = -1
		name := csvfile.NormalName(field)
		target, listed := byHeader[name]
		switch {
		case name == "" || csvfile.IsErrorColumn(name) || listed && target == nil:
			continue
		case listed:
			name = *target
		}
		column, known := events.Licenses.ColumnIndex(name)
		if !known {
			h.unknown(i, field)
			continue
		}
		h.take(i, column)
	}
}

func (h *matcher) unknown(position int, field string) {
	if h.ignoreUnknown {
		return
	}
	name := csvfile.ShortName(csvfile.TrimName(field))
	h.add(csvfile.UnknownColumn, position, field,
		"column %d, %q, is not in the mapping: map it (map=%s:column), leave it out (ignore=%s), or upload with unknown_columns=ignore",
		position+1, name, name, name)
}

// take gives a column to a field, unless another field or a set value has it.
func (h *matcher) take(position, column int) {
	name := events.Columns[column].Name
	for of := range h.mapping.Set {
		if i, known := events.Licenses.ColumnIndex(of); known && i == column {
			h.add(HeaderIsSet, position, h.fields[position],
				"column %d, %q, gives %s, which has one value for all rows as well: take that value out, or leave the column out (ignore=%s)",
				position+1, h.name(position), name, h.name(position))
			return
		}
	}
	if first, taken := h.first[column]; taken {
		h.add(csvfile.DuplicateColumn, position, h.fields[position],
			"columns %d (%q) and %d (%q) both give %s: leave one of them out (ignore=%s), or map it to another column",
			first+1, h.name(first), position+1, h.name(position), name, h.name(position))
		return
	}
	h.first[column] = position
	h.columns[position] = column
}

func (h *matcher) name(position int) string {
	return csvfile.ShortName(csvfile.TrimName(h.fields[position]))
}

// checkGiven refuses a header that the request maps and the file does not have: it may be misspelt. One
// that is ignored may be missing.
func (h *matcher) checkGiven(given Given) {
	for _, entry := range given.Map {
		header := entry[:max(strings.LastIndexByte(entry, ':'), 0)]
		found := false
		for _, field := range h.fields {
			found = found || csvfile.NormalName(field) == csvfile.NormalName(header)
		}
		if !found {
			h.add(HeaderNotInFile, -1, header, "the file has no column %q, which map= names: look at its header", shorten(header))
		}
	}
}

func (h *matcher) checkRequired() {
	for _, name := range Required() {
		column, _ := events.Licenses.ColumnIndex(name)
		if _, found := h.first[column]; found || h.isSet(column) {
			continue
		}
		h.add(csvfile.MissingColumn, -1, name,
			"the required column %s is missing: map a column of the file to it, or set one value for all rows", name)
	}
}

func (h *matcher) isSet(column int) bool {
	for of := range h.mapping.Set {
		if i, known := events.Licenses.ColumnIndex(of); known && i == column {
			return true
		}
	}
	return false
}

// advise adds to each missing column what the header says of it, as parameters to copy. Parameters are
// not escaped for an address: clients do that.
func advise(fields []string, columns []int, problems []csvfile.HeaderProblem) {
	for i := range problems {
		p := &problems[i]
		if p.Kind != csvfile.MissingColumn {
			continue
		}
		p.Parameter = "set=" + p.Name + ":VALUE"
		if header := suggested(fields, columns, p.Name); header != "" {
			p.Parameter = "map=" + header + ":" + p.Name
			if p.Suggestion == "" {
				p.Message += fmt.Sprintf("; %q seems to be it", csvfile.ShortName(header))
			}
			p.Suggestion = header
			p.Message += "; or upload with " + p.Parameter
		} else if p.Name != events.Columns[events.ColumnKey].Name {
			p.Message += "; where all rows have the same, upload with " + p.Parameter
		} else {
			p.Parameter = ""
		}
	}
}

// suggested returns the header among those that are not read that seems to be a column, or "".
func suggested(fields []string, columns []int, column string) string {
	var sources []Source
	for i, field := range fields {
		if columns[i] < 0 && !csvfile.IsErrorColumn(field) {
			sources = append(sources, Source{Header: field})
		}
	}
	for i, s := range Suggest(sources) {
		if s.Column == column {
			return csvfile.TrimName(sources[i].Header)
		}
	}
	return ""
}
