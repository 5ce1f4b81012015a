package mapping

import (
	"maps"
	"slices"
	"strings"

	"licenseimport/events"
)

// Cells maps the cells of rows. A nil *Cells changes nothing. It is safe for concurrent use.
type Cells struct {
	format  *dateFormat
	dates   []int // the columns of dates; none where the format is ISO
	columns []translation
	set     []Cell
}

// A Cell is the value of one column.
type Cell struct {
	Column int // column index
	Value  string
}

// translation is what the cells of one column are translated to. A cell is looked up as it is and in
// its normal form.
type translation struct {
	column int
	to     map[string]string
}

// Compile prepares a mapping that Check accepts for many rows of its kind. It ignores what Check refuses. It
// returns nil for nil.
func Compile(m *events.Mapping) *Cells {
	if m == nil {
		return nil
	}
	c := &Cells{format: formatOf(m.DateFormat)}
	if c.format == nil {
		c.format = &dateFormats[0]
	}
	kind := events.KindNamed(m.Kind)
	if kind == nil {
		return c
	}
	for _, i := range kind.Columns() {
		if events.Columns[i].Type == events.Date {
			c.dates = append(c.dates, i)
		}
		if to := translationOf(kind, m.Values, i); len(to) > 0 {
			c.columns = append(c.columns, translation{i, to})
		}
		if value, set := setValue(kind, m, i); set {
			c.set = append(c.set, Cell{i, c.mapped(i, value)})
		}
	}
	return c
}

// translationOf collects the cells of a column from all its names, in their order: a mapping that an earlier
// version accepted may have one cell under two of them.
func translationOf(kind *events.Kind, values map[string]map[string]string, column int) map[string]string {
	to := map[string]string{}
	for _, of := range slices.Sorted(maps.Keys(values)) {
		if i, known := kind.ColumnIndex(of); !known || i != column {
			continue
		}
		for from, value := range values[of] {
			to[from] = value
			to[normalCell(from)] = value
		}
	}
	return to
}

// normalCell is the form in which cells are compared.
func normalCell(cell string) string { return strings.ToLower(strings.TrimSpace(cell)) }

// mapped returns a value that the mapping itself gives with its date in the form of the column's rule.
func (c *Cells) mapped(column int, value string) string {
	if events.Columns[column].Type == events.Date {
		return c.format.iso(value)
	}
	return value
}

// Apply maps a row's values in place. It returns the cells that it changed, as they were; nil: none.
func (c *Cells) Apply(values *events.Values) (sent []Cell) {
	if c == nil {
		return nil
	}
	for i := range c.columns {
		column := c.columns[i].column
		if cell := values[column]; cell != "" {
			if to, ok := c.columns[i].lookUp(cell); ok {
				sent = c.replace(sent, values, column, to)
			}
		}
	}
	for _, column := range c.dates {
		cell := values[column]
		if cell == "" {
			continue
		}
		if date := c.format.iso(cell); date != cell {
			sent = c.replace(sent, values, column, date)
		}
	}
	for _, cell := range c.set {
		sent = c.replace(sent, values, cell.Column, cell.Value)
	}
	return sent
}

// Product returns the short code of the product that a row names. Who may see the row follows from it.
func (c *Cells) Product(values *events.Values) string {
	var mapped events.Values
	mapped[events.ColumnProduct] = values[events.ColumnProduct]
	c.Apply(&mapped)
	return events.Columns[events.ColumnProduct].Clean(mapped[events.ColumnProduct])
}

func (t *translation) lookUp(cell string) (string, bool) {
	if to, ok := t.to[cell]; ok {
		return to, true
	}
	to, ok := t.to[normalCell(cell)]
	return to, ok
}

// replace writes one value and records the one before it. A cell that is replaced twice, translated and
// then read as a date, is recorded once.
func (c *Cells) replace(sent []Cell, values *events.Values, column int, to string) []Cell {
	for i := range sent {
		if sent[i].Column == column {
			values[column] = to
			return sent
		}
	}
	if sent == nil {
		sent = make([]Cell, 0, len(c.columns)+len(c.dates)+len(c.set))
	}
	sent = append(sent, Cell{column, values[column]})
	values[column] = to
	return sent
}

// DateFormat is the format that dates are read in.
func (c *Cells) DateFormat() string {
	if c == nil {
		return ISO
	}
	return c.format.name
}
