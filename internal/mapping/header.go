package mapping

import (
	"fmt"
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
)

// The kinds of header problems that only a mapping has; see [csvfile.ProblemKind].
const (
	HeaderNotInFile csvfile.ProblemKind = "unknown_header"
	HeaderIsSet     csvfile.ProblemKind = "set_and_mapped"
)

// Required lists the columns that every row of a kind must give.
func Required(kind *events.Kind) (names []string) {
	for _, i := range kind.Required() {
		names = append(names, events.Columns[i].Name)
	}
	return names
}

// A Header says which column each field of a file fills.
type Header struct {
	Columns []int    // by field: the column index; -1: the field is not read
	Ignored []string // the headers that are not read, in the file's order; those of ErrorPrefix and empty ones are left out
}

// Match finds the column of each field of the header of a kind's file under a mapping of the kind that
// [Check] accepts; nil: headers are the columns' names. It returns every reason to refuse the header, with what
// [Suggest] knows of a column that is missing. Known adds headers of the request that the file must have: see
// [Given].
func Match(kind *events.Kind, fields []string, m *events.Mapping, given Given,
	ignoreUnknown bool) (Header, []csvfile.HeaderProblem) {
	var columns []int
	var problems []csvfile.HeaderProblem
	if m == nil {
		columns, problems = matchNames(kind, fields, ignoreUnknown)
	} else {
		h := matcher{kind: kind, fields: fields, mapping: m, ignoreUnknown: ignoreUnknown, first: map[int]int{}}
		h.mapped()
		h.checkGiven(given)
		h.checkRequired()
		columns, problems = h.columns, h.problems
	}
	advise(kind, fields, columns, given, problems)
	adviseKind(kind, fields, problems)
	adviseNoHeader(fields, columns, problems)
	return Header{Columns: columns, Ignored: ignored(fields, columns)}, problems
}

// matchNames matches a header whose fields are the columns' names, in any form that the kind has for them.
func matchNames(kind *events.Kind, fields []string, ignoreUnknown bool) ([]int, []csvfile.HeaderProblem) {
	named := slices.Clone(fields)
	for i, field := range fields {
		if column, known := kind.ColumnIndex(csvfile.NormalName(field)); known {
			named[i] = events.Columns[column].Name
		}
	}
	columns, problems := csvfile.MatchHeader(named, kind.ColumnNames(), Required(kind), ignoreUnknown)
	for i, at := range columns {
		if at >= 0 {
			columns[i] = kind.Columns()[at]
		}
	}
	for i := range problems {
		if at := problems[i].Position; at >= 0 {
			problems[i].Name = csvfile.ShortName(csvfile.TrimName(fields[at]))
		}
	}
	return columns, problems
}

// adviseKind adds to the first problem of a header, or to the first column that is missing, which kind of import
// has all its columns, if there is one.
func adviseKind(kind *events.Kind, fields []string, problems []csvfile.HeaderProblem) {
	if len(problems) == 0 {
		return
	}
	at := max(slices.IndexFunc(problems, func(p csvfile.HeaderProblem) bool { return p.Kind == csvfile.MissingColumn }), 0)
	if other := KindOfColumns(kind, fields); other != nil {
		problems[at].Message += fmt.Sprintf("; the file's columns are those of %s: import it as %s, if that is what it holds",
			other.Many, other.Many)
	}
}

// NoHeader is the advice where no column of a file has a name that is like one of an import.
const NoHeader = "nothing in the header is like the name of a column: if it is a title, remove it; " +
	"if the file does not name its columns, add a first line with the names"

// NoHeaderOf is that advice for a header.
func NoHeaderOf(fields []string) string {
	switch {
	case len(fields) != 1:
		return NoHeader
	case strings.ContainsAny(fields[0], ",;\t|"):
		return NoHeader + "; if quotes stand around whole lines, take those out"
	}
	return NoHeader + "; if the delimiter is none of comma, semicolon, tab and pipe, save the file with one of these"
}

// adviseNoHeader says first, where a column is missing, that the header may be none: no field of it is read, or is
// like a column of any kind.
func adviseNoHeader(fields []string, columns []int, problems []csvfile.HeaderProblem) {
	missing := slices.ContainsFunc(problems, func(p csvfile.HeaderProblem) bool { return p.Kind == csvfile.MissingColumn })
	if !missing || slices.ContainsFunc(columns, func(column int) bool { return column >= 0 }) ||
		slices.ContainsFunc(problems, func(p csvfile.HeaderProblem) bool { return p.Suggestion != "" }) {
		return
	}
	sources := make([]Source, len(fields))
	for i, field := range fields {
		sources[i].Header = field
	}
	for _, k := range events.Kinds {
		if slices.ContainsFunc(Suggest(k, sources), func(s Suggestion) bool {
			return s.Column != "" && s.Confidence != misspelt // License export is nearly License expiry
		}) {
			return
		}
	}
	problems[0].Message = NoHeaderOf(fields) + "; " + problems[0].Message
}

// KindOfColumns returns the kind, other than the given one, that has all columns of a header; nil: none, or the
// given one has them, too.
func KindOfColumns(kind *events.Kind, fields []string) *events.Kind {
	of := func(k *events.Kind) bool {
		_, problems := matchNames(k, fields, false)
		return len(problems) == 0
	}
	if of(kind) {
		return nil
	}
	for _, other := range events.Kinds {
		if other != kind && of(other) {
			return other
		}
	}
	return nil
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
	kind          *events.Kind
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
		column, known := h.kind.ColumnIndex(name)
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
	if _, set := setValue(h.kind, h.mapping, column); set {
		h.add(HeaderIsSet, position, h.fields[position],
			"column %d, %q, gives %s, which has one value for all rows as well: take that value out, or leave the column out (ignore=%s)",
			position+1, h.name(position), name, h.name(position))
		return
	}
	first, taken := h.first[column]
	if taken && csvfile.NormalName(h.fields[first]) == csvfile.NormalName(h.fields[position]) {
		h.add(csvfile.DuplicateColumn, position, h.fields[position],
			"columns %d and %d are both named %q: rename one of them in the file, or leave them out (ignore=%s)",
			first+1, position+1, h.name(position), h.name(position))
		return
	} else if taken {
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
	for _, header := range given.mapped() {
		same := func(field string) bool { return csvfile.NormalName(field) == csvfile.NormalName(header) }
		if !slices.ContainsFunc(h.fields, same) {
			h.add(HeaderNotInFile, -1, header, "the file has no column %q, which map= names: look at its header", shorten(header))
		}
	}
}

func (h *matcher) checkRequired() {
	for _, name := range Required(h.kind) {
		column, _ := h.kind.ColumnIndex(name)
		_, found := h.first[column]
		if _, set := setValue(h.kind, h.mapping, column); found || set {
			continue
		}
		h.add(csvfile.MissingColumn, -1, name,
			"the required column %s is missing: map a column of the file to it", name)
	}
}

// advise adds to each missing column what the header says of it, as parameters to copy. Parameters are
// not escaped for an address: clients do that.
func advise(kind *events.Kind, fields []string, columns []int, given Given, problems []csvfile.HeaderProblem) {
	for i := range problems {
		p := &problems[i]
		if p.Kind != csvfile.MissingColumn {
			continue
		}
		p.Parameter = "set=" + p.Name + ":VALUE"
		if header := suggested(kind, fields, columns, p.Name); header != "" {
			p.Parameter = "map=" + header + ":" + p.Name
			if short := csvfile.ShortName(header); p.Suggestion == "" {
				p.Message += fmt.Sprintf("; %q seems to be it", short)
			} else { // the one of MatchHeader goes by letters only
				p.Message = csvfile.Missing(p.Name, short).Message
			}
			p.Suggestion = header
			if given.ignores(header) {
				p.Parameter = ""
				p.Message += "; it is not read because of ignore=" + header
				continue
			}
			p.Message += "; or upload with " + p.Parameter
		} else if column, _ := kind.ColumnIndex(p.Name); !Identifies(column) {
			p.Message += "; where all rows have the same, upload with " + p.Parameter
		} else {
			p.Parameter = ""
		}
	}
}

// suggested returns the header among those that are not read that seems to be a column, or "".
func suggested(kind *events.Kind, fields []string, columns []int, column string) string {
	var sources []Source
	for i, field := range fields {
		if columns[i] < 0 && !csvfile.IsErrorColumn(field) {
			sources = append(sources, Source{Header: field})
		}
	}
	for i, s := range Suggest(kind, sources) {
		if s.Column == column {
			return csvfile.TrimName(sources[i].Header)
		}
	}
	return ""
}
