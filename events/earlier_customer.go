package events

import "slices"

// Then is what rows of a file say of a customer, with a row that follows them. given are the values that the row
// gives, cleared the columns that it clears. A row of an import that keeps what exists says nothing more.
func (e EarlierCustomer) Then(given Customer, cleared []string, existing Existing) *EarlierCustomer {
	if existing != UpdateExisting {
		return &e
	}
	after, _ := e.Customer.Update(given, cleared)
	next := &EarlierCustomer{Customer: after}
	for _, i := range Customers.columns {
		c := &Columns[i]
		none := valueText(c.field(target{Customer: &after})) == ""
		if none && (slices.Contains(cleared, c.Name) || slices.Contains(e.Cleared, c.Name)) {
			next.Cleared = append(next.Cleared, c.Name)
		}
	}
	return next
}
