package events

// Differs lists the columns, in the table's order, in which a row says something else than a license
// that exists: r is what the row says, and values is the row as sent. A column that the row leaves
// empty or clears says nothing, so defaults do not count. E-mail addresses are compared by EmailKey. The
// list is nil if nothing differs.
func (r *Record) Differs(values *Values, license LicenseState) []string {
	return differs(Licenses.columns, values, r.target(), license.target())
}

// differs lists those of the columns in which the row gives another value than there is.
func differs(columns []int, values *Values, row, existing target) (differing []string) {
	for _, i := range columns {
		c := &Columns[i]
		if values[i] != "" && !c.same(row, existing) && c.gives(values[i]) {
			differing = append(differing, c.Name)
		}
	}
	return differing
}

// same reports whether two records say the same in this column.
func (c *Column) same(a, b target) bool {
	switch x := c.field(a).(type) {
	case *string:
		y := c.field(b).(*string)
		return *x == *y || c.Type == Email && EmailKey(*x) == EmailKey(*y)
	case **bool:
		return equalPointees(*x, *c.field(b).(**bool))
	case **int:
		return equalPointees(*x, *c.field(b).(**int))
	}
	return false
}

func equalPointees[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }
