package mapping

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
)

// Limits of a mapping.
const (
	MaxHeaders = 500      // of Mapping.Columns
	MaxHeader  = 1024     // characters of a header
	MaxCells   = 5000     // translations, of all columns together
	MaxBytes   = 64 << 10 // as JSON
)

// A Code says in a word what is wrong with a mapping.
type Code string

// The codes of a mapping that is not valid.
const (
	UnknownKind       Code = "unknown_kind"
	OtherKind         Code = "other_kind"
	UnknownColumn     Code = "unknown_column"
	DuplicateColumn   Code = "duplicate_column"
	DuplicateHeader   Code = "duplicate_header"
	SetAndMapped      Code = "set_and_mapped"
	InvalidValue      Code = "invalid_value"
	InvalidDateFormat Code = "invalid_date_format"
	MappingTooLarge   Code = "mapping_too_large"
)

// A Problem is one reason to refuse a mapping.
type Problem struct {
	Code    Code
	Column  string // the column or header that it is about; may be empty
	Message string // what was found, and what to do; without a full stop
}

// Check returns all that is wrong with a mapping by itself; none: it is valid. A nil mapping is valid.
func Check(m *events.Mapping) []Problem {
	if m == nil {
		return nil
	}
	c := checker{mapping: m, kind: events.KindNamed(m.Kind)}
	c.checkSize()
	if c.kind == nil {
		c.add(UnknownKind, "", "the kind %q is not known: it is one of %s", shorten(m.Kind),
			strings.Join(events.KindNames(), ", "))
		return c.problems
	}
	c.checkColumns()
	c.checkDateFormat()
	c.checkSet()
	c.checkValues()
	return c.problems
}

type checker struct {
	mapping  *events.Mapping
	kind     *events.Kind
	problems []Problem
}

func (c *checker) add(code Code, column, format string, args ...any) {
	c.problems = append(c.problems, Problem{Code: code, Column: shorten(column), Message: fmt.Sprintf(format, args...)})
}

func (c *checker) checkSize() {
	cells := 0
	for _, of := range c.mapping.Values {
		cells += len(of)
	}
	switch encoded, err := json.Marshal(c.mapping); {
	case len(c.mapping.Columns) > MaxHeaders:
		c.add(MappingTooLarge, "", "the mapping has %d headers, and %d is the limit", len(c.mapping.Columns), MaxHeaders)
	case cells > MaxCells:
		c.add(MappingTooLarge, "", "the mapping translates %d cells, and %d is the limit", cells, MaxCells)
	case err != nil || len(encoded) > MaxBytes:
		c.add(MappingTooLarge, "", "the mapping is longer than %d KiB as JSON", MaxBytes>>10)
	}
}

func (c *checker) checkColumns() {
	headers, targets := map[string]string{}, map[int]string{}
	for _, header := range slices.Sorted(maps.Keys(c.mapping.Columns)) {
		name := csvfile.NormalName(header)
		switch other, twice := headers[name]; {
		case name == "" || utf8.RuneCountInString(header) > MaxHeader || !utf8.ValidString(header):
			c.add(UnknownColumn, header, "a header of the mapping must be text of 1 to %d characters", MaxHeader)
			continue
		case twice:
			c.add(DuplicateHeader, header, "the headers %q and %q are the same but for case and space: take one of them out",
				shorten(other), shorten(header))
			continue
		}
		headers[name] = header
		if target := c.mapping.Columns[header]; target != nil {
			c.checkTarget(header, *target, targets)
		}
	}
}

func (c *checker) checkTarget(header, target string, targets map[int]string) {
	column, known := c.kind.ColumnIndex(target)
	if !known {
		c.unknownColumn(target, fmt.Sprintf("%q is mapped to %q, which is no column", shorten(header), shorten(target)))
		return
	}
	if csvfile.IsErrorColumn(header) {
		c.add(UnknownColumn, header, "%q is mapped to %s, and columns whose names begin with %s are never read: ignore it",
			shorten(header), events.Columns[column].Name, csvfile.ErrorPrefix)
		return
	}
	if other, twice := targets[column]; twice {
		c.add(DuplicateColumn, target, "%q and %q are both mapped to %s: ignore one of them, or map it to another column",
			shorten(other), shorten(header), events.Columns[column].Name)
		return
	}
	targets[column] = header
	if _, set := setValue(c.kind, c.mapping, column); set {
		c.add(SetAndMapped, target, "%s has one value for all rows and %q is mapped to it as well: take one of the two out",
			events.Columns[column].Name, shorten(header))
	}
}

// setValue returns the value that a mapping of a kind, which may be nil, sets in a column. A mapping may give a column
// other names than the table has.
func setValue(kind *events.Kind, m *events.Mapping, column int) (value string, set bool) {
	if m == nil {
		return "", false
	}
	for name, value := range m.Set {
		if i, known := kind.ColumnIndex(name); known && i == column {
			return value, true
		}
	}
	return "", false
}

func (c *checker) unknownColumn(name, found string) {
	advice := "see docs/columns.md for the columns of " + c.kind.Many
	if nearest := csvfile.Nearest(name, c.kind.ColumnNames(), nil); nearest != "" {
		advice = "did you mean " + nearest + "?"
	}
	for _, other := range events.Kinds {
		if _, known := other.ColumnIndex(name); known {
			advice = fmt.Sprintf("it is one of %s, and this mapping is for %s", other.Many, c.kind.Many)
		}
	}
	c.add(UnknownColumn, name, "%s: %s", found, advice)
}

func (c *checker) checkDateFormat() {
	if format := c.mapping.DateFormat; format != "" && formatOf(format) == nil {
		c.add(InvalidDateFormat, "", "the date format %q is not known: it is one of %s", shorten(format), strings.Join(DateFormats(), ", "))
	}
}

func (c *checker) checkSet() {
	seen := map[int]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.mapping.Set)) {
		column, known := c.kind.ColumnIndex(name)
		if !known {
			c.unknownColumn(name, fmt.Sprintf("a value is set in %q, which is no column", shorten(name)))
			continue
		}
		if seen[column] {
			c.add(DuplicateColumn, name, "%s is set twice: set it once", events.Columns[column].Name)
		}
		seen[column] = true
		c.checkValue(column, c.mapping.Set[name], "the value set for all rows")
	}
}

func (c *checker) checkValues() {
	seen := map[int]map[string]string{} // column index → normal cell → cell: a column may have two names
	for _, name := range slices.Sorted(maps.Keys(c.mapping.Values)) {
		column, known := c.kind.ColumnIndex(name)
		if !known {
			c.unknownColumn(name, fmt.Sprintf("cells are translated in %q, which is no column", shorten(name)))
			continue
		}
		if seen[column] == nil {
			seen[column] = map[string]string{}
		}
		c.checkCells(column, name, seen[column])
	}
}

// checkCells checks the translations for a column under one of its names. seen has the cells of the others.
func (c *checker) checkCells(column int, name string, seen map[string]string) {
	for _, cell := range slices.Sorted(maps.Keys(c.mapping.Values[name])) {
		normal := normalCell(cell)
		if other, twice := seen[normal]; twice {
			c.add(InvalidValue, name, "the cells %q and %q of %s are the same but for case and space: translate one of them",
				shorten(other), shorten(cell), events.Columns[column].Name)
		}
		seen[normal] = cell
		if normal == "" {
			c.add(InvalidValue, name, "an empty cell cannot be translated: it means that no value is given")
		} else if !utf8.ValidString(cell) {
			c.add(InvalidValue, name, "the cell %q cannot be translated: it is not UTF-8", shorten(cell))
		} else if to := c.mapping.Values[name][cell]; to != "" {
			c.checkValue(column, to, fmt.Sprintf("the translation of %q", shorten(cell)))
		}
	}
}

// clearing is what a cell holds to clear a column of an existing license. A mapping may give it.
const clearing = "#N/A"

// checkValue applies the column's rules to a value that the mapping gives.
func (c *checker) checkValue(column int, value, what string) {
	of := &events.Columns[column]
	if cleaned := of.Clean(value); cleaned == "" {
		c.add(InvalidValue, of.Name, "%s is empty: leave it out", what)
		return
	} else if cleaned == clearing {
		return
	}
	if of.Type == events.Date {
		format := formatOf(c.mapping.DateFormat)
		if format == nil {
			return // checkDateFormat says so, and what the value means is not known
		}
		value = format.iso(value)
	}
	if code := of.Set(new(events.Record), of.Clean(value)); code != "" || !utf8.ValidString(value) {
		c.add(InvalidValue, of.Name, "%s, %q, does not match: %s %s", what, shorten(value), of.Name,
			of.Error(code, value).Message)
	}
}

// shorten cuts what a message repeats to what a person reads.
func shorten(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if cut := events.Excerpt(s, 80); cut != s {
		return cut + "…"
	}
	return s
}
