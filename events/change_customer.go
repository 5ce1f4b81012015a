package events

import "slices"

// Update is the customer after a row of a customers' import that updates it, and every column that differs, by
// the columns of [Customers]. given are the values that the row gives, cleared the columns that it clears. The
// e-mail address, which names the customer, stays as it was first written.
func (c Customer) Update(given Customer, cleared []string) (after Customer, changed []Change) {
	after = c
	row, now := target{Customer: &given}, target{Customer: &after}
	for _, i := range Customers.columns {
		column := &Columns[i]
		if column.Type == Email {
			continue
		}
		if slices.Contains(cleared, column.Name) {
			copyValue(column.field(now), column.field(target{Customer: &noCustomer}))
		} else if valueText(column.field(row)) != "" {
			copyValue(column.field(now), column.field(row))
		}
	}
	return after, changes(Customers.columns, target{Customer: &c}, now)
}

// Differs lists the columns in which a row of a customers' import gives another value than the customer has:
// nil if there is none.
func (c Customer) Differs(given Customer) (columns []string) {
	row, now := target{Customer: &given}, target{Customer: &c}
	for _, i := range Customers.columns {
		column := &Columns[i]
		if valueText(column.field(row)) != "" && !column.same(row, now) {
			columns = append(columns, column.Name)
		}
	}
	return columns
}
