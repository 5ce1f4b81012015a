package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
)

// Given is what a request says of the mapping of one file, beside or over a saved one. Each entry is in
// the form of its query parameter.
type Given struct {
	Map    []string // Header:column
	Set    []string // column:value
	Ignore []string // Header
	Value  []string // column:cell:value
	// DateFormat is one of DateFormats, or empty.
	DateFormat string
}

// ignores reports whether the request leaves a header out.
func (g Given) ignores(header string) bool {
	return slices.ContainsFunc(g.Ignore, func(other string) bool {
		return csvfile.NormalName(other) == csvfile.NormalName(header)
	})
}

// mapped returns the headers that the request maps to a column. The column is behind the last colon: headers may
// have colons.
func (g Given) mapped() (headers []string) {
	for _, entry := range g.Map {
		headers = append(headers, entry[:max(strings.LastIndexByte(entry, ':'), 0)])
	}
	return headers
}

// Headers returns the headers that the request names: those that it maps and those that it leaves out.
func (g Given) Headers() []string { return append(g.mapped(), g.Ignore...) }

// Empty reports whether the request says nothing.
func (g Given) Empty() bool {
	return len(g.Map)+len(g.Set)+len(g.Ignore)+len(g.Value) == 0 && g.DateFormat == ""
}

// Resolve lays what a request says over a saved mapping of the same kind; base may be nil. What it maps or
// sets takes the place of what base says of the same header or column. The result has been checked, and is nil
// if there is neither.
func Resolve(kind *events.Kind, base *events.Mapping, given Given) (*events.Mapping, []Problem) {
	if base != nil && events.KindNamed(base.Kind) != kind {
		return nil, []Problem{otherKind(kind, base)}
	}
	if given.Empty() {
		return base, Check(base)
	}
	r := resolver{kind: kind, m: clone(base)}
	r.m.Kind = kind.Name
	r.readMap(given.Map)
	r.readIgnore(given.Ignore)
	r.readSet(given.Set)
	r.readValues(given.Value)
	if given.DateFormat != "" {
		r.m.DateFormat = DateFormatName(given.DateFormat)
	}
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return r.m, Check(r.m)
}

// otherKind refuses a mapping that is for another kind of import.
func otherKind(kind *events.Kind, m *events.Mapping) Problem {
	name := "the mapping"
	if m.Name != "" {
		name = fmt.Sprintf("the mapping %q", shorten(m.Name))
	}
	return Problem{Code: OtherKind,
		Message: fmt.Sprintf("%s is for %s, and this is an import of %s: use one for %s, or upload the file as %s",
			name, shorten(m.Kind), kind.Many, kind.Many, shorten(m.Kind))}
}

func clone(m *events.Mapping) *events.Mapping {
	c := new(events.Mapping)
	if m != nil {
		*c = *m
	}
	c.Columns, c.Set = maps.Clone(c.Columns), maps.Clone(c.Set)
	if c.Columns == nil {
		c.Columns = map[string]*string{}
	}
	if c.Set == nil {
		c.Set = map[string]string{}
	}
	values := make(map[string]map[string]string, len(c.Values))
	for column, cells := range c.Values {
		values[column] = maps.Clone(cells)
	}
	c.Values = values
	return c
}

type resolver struct {
	kind     *events.Kind
	m        *events.Mapping
	headers  []string // that the request mentions, in normal form
	columns  []string // that the request maps to or sets, as columnName has them
	problems []Problem
}

func (r *resolver) add(code Code, column, format string, args ...any) {
	r.problems = append(r.problems, Problem{Code: code, Column: shorten(column), Message: fmt.Sprintf(format, args...)})
}

// readMap reads map=Header:column. The column is behind the last colon: headers may have colons.
func (r *resolver) readMap(entries []string) {
	for _, entry := range entries {
		at := strings.LastIndexByte(entry, ':')
		if at < 1 {
			r.add(UnknownColumn, entry, "map=%s has no colon between the file's header and the column: write map=Header:column", shorten(entry))
			continue
		}
		header, column := entry[:at], columnName(r.kind, entry[at+1:])
		if r.mentionHeader(header) && r.mentionColumn(column) {
			r.forget(column)
			r.m.Columns[header] = &column
		}
	}
}

func (r *resolver) readIgnore(headers []string) {
	for _, header := range headers {
		if r.mentionHeader(header) {
			r.m.Columns[header] = nil
		}
	}
}

// readSet reads set=column:value. The value is behind the first colon: no column has one.
func (r *resolver) readSet(entries []string) {
	for _, entry := range entries {
		name, value, found := strings.Cut(entry, ":")
		if !found {
			r.add(UnknownColumn, entry, "set=%s has no colon between the column and the value: write set=column:value", shorten(entry))
			continue
		}
		if column := columnName(r.kind, name); r.mentionColumn(column) {
			r.forget(column)
			r.m.Set[column] = value
		}
	}
}

// readValues reads value=column:cell:value. No column has a colon, and the value is behind the last one:
// cells may have colons.
func (r *resolver) readValues(entries []string) {
	seen := map[string]bool{}
	for _, entry := range entries {
		name, rest, _ := strings.Cut(entry, ":")
		at := strings.LastIndexByte(rest, ':')
		if at < 0 {
			r.add(InvalidValue, entry, "value=%s has no two colons: write value=column:cell:what the cell becomes",
				shorten(entry))
			continue
		}
		column, cell, value := columnName(r.kind, name), rest[:at], rest[at+1:]
		if seen[column+":"+normalCell(cell)] {
			r.add(InvalidValue, column, "the cell %q of %s is translated twice in value=: give it once", shorten(cell),
				shorten(column))
			continue
		}
		seen[column+":"+normalCell(cell)] = true
		r.translate(column, cell, value)
	}
}

// translate puts a translation in the place of what base says of the same cell.
func (r *resolver) translate(column, cell, value string) {
	for of, cells := range r.m.Values {
		if columnName(r.kind, of) != column {
			continue
		}
		maps.DeleteFunc(cells, func(from, _ string) bool { return normalCell(from) == normalCell(cell) })
		if len(cells) == 0 {
			delete(r.m.Values, of)
		}
	}
	if r.m.Values[column] == nil {
		r.m.Values[column] = map[string]string{}
	}
	r.m.Values[column][cell] = value
}

// mentionHeader removes what base says of a header. It reports false if the request mentions it twice.
func (r *resolver) mentionHeader(header string) bool {
	name := csvfile.NormalName(header)
	if slices.Contains(r.headers, name) {
		r.add(DuplicateHeader, header, "the header %q is given twice in map= and ignore=: give it once", shorten(header))
		return false
	}
	r.headers = append(r.headers, name)
	for of := range r.m.Columns {
		if csvfile.NormalName(of) == name {
			delete(r.m.Columns, of)
		}
	}
	return true
}

func (r *resolver) mentionColumn(column string) bool {
	if slices.Contains(r.columns, column) {
		r.add(DuplicateColumn, column, "%s is given twice in map= and set=: give it once", shorten(column))
		return false
	}
	r.columns = append(r.columns, column)
	return true
}

// forget removes what base says of a column: the header that it maps there is ignored, if the file has
// it as well.
func (r *resolver) forget(column string) {
	for header, to := range r.m.Columns {
		if to != nil && columnName(r.kind, *to) == column && !slices.Contains(r.headers, csvfile.NormalName(header)) {
			r.m.Columns[header] = nil
		}
	}
	for of := range r.m.Set {
		if columnName(r.kind, of) == column {
			delete(r.m.Set, of)
		}
	}
}

// columnName is one name for all those that a mapping of a kind may give a column: that of the table. Another name
// is only in its normal form: [Check] refuses it.
func columnName(kind *events.Kind, name string) string {
	if column, known := kind.ColumnIndex(name); known {
		return events.Columns[column].Name
	}
	return strings.ToLower(strings.TrimSpace(name))
}
