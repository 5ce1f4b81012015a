package events

import (
	"fmt"
	"strconv"
	"strings"
)

// LicenseState is a license as one of its events left it. It refers to the parts of that event, which
// nobody changes.
type LicenseState struct {
	License  *License
	Product  *Product
	Customer *Customer // nil: none
	Order    *Order
	By       Origin // the row that made the license
}

// StateAfter is the license after an event. exists is false if it does not exist then: the event is a
// LicenseRevoked, or says nothing of a whole license.
func StateAfter(e Event) (s LicenseState, exists bool) {
	switch e := e.(type) {
	case *LicenseImported:
		return LicenseState{&e.License, &e.Product, e.Customer, &e.Order, Origin{e.JobID, e.Row}}, true
	case *LicenseUpdated:
		return LicenseState{&e.License, &e.Product, e.Customer, &e.Order, e.By}, true
	case *LicenseRestored:
		return LicenseState{&e.License, &e.Product, e.Customer, &e.Order, e.By}, true
	case *LicenseUpdateProposed:
		return LicenseState{&e.License, &e.Product, e.Customer, &e.Order, e.By}, true
	}
	return LicenseState{}, false
}

// noCustomer is what a license without a customer says of it.
var noCustomer Customer

func (s LicenseState) target() target {
	t := target{License: s.License, Product: &s.Product.ShortCode, Customer: s.Customer, Order: s.Order}
	if t.Customer == nil {
		t.Customer = &noCustomer
	}
	return t
}

// clearing is the value that clears its column when a row updates a license: the word of spreadsheets, and
// of Salesforce's import, for a value that there is not.
const clearing = "#N/A"

// Clears reports whether a value as sent asks to clear its column. It does so only in an import with
// UpdateExisting.
func Clears(sent string) bool {
	return strings.Contains(sent, clearing) && strings.TrimSpace(sent) == clearing
}

// gives reports whether a row gives a value in this column: one that is neither empty nor Clears.
func (c *Column) gives(sent string) bool {
	return sent != "" && c.Clean(sent) != "" && !Clears(sent)
}

// Update is the license after a row that updates it, and every column that differs from s. r is what the
// row says, values is the row as sent, product has the defaults of the columns that it clears. A column
// that the row leaves empty stays. A customer and an order are replaced as a whole, by those of the row, if
// the row gives or clears their identity and thereby names another one; else they stay as they are. If
// nothing differs Update returns s.
func (s LicenseState) Update(r *Record, values *Values, product *Product) (after LicenseState, changed []Change) {
	after = s
	row, now := r.target(), s.target()
	if moves(ColumnEmail, values, row, now) {
		after.Customer = nil
		if r.Customer != noCustomer {
			customer := r.Customer // the state outlives the record
			after.Customer = &customer
		}
	}
	if moves(columnStoreID, values, row, now) {
		order := r.Order
		after.Order = &order
	}
	after.License = s.License.update(values, row, product)
	if changed = Changes(s, after); changed == nil {
		return s, nil
	}
	return after, changed
}

// moves reports whether a row names another identity in this column than the license has.
func moves(column int, values *Values, row, now target) bool {
	c := &Columns[column]
	if Clears(values[column]) {
		return valueText(c.field(now)) != ""
	}
	return c.gives(values[column]) && !c.same(row, now)
}

// update is the license with the values that the row gives, without those that it clears. It is l itself if
// the row clears nothing and no column differs.
func (l *License) update(values *Values, row target, product *Product) *License {
	after, defaults := l, false
	for i := firstLicenseColumn; i <= lastLicenseColumn; i++ {
		if values[i] == "" {
			continue
		}
		c := &Columns[i]
		clears := Clears(values[i])
		if !clears && (!c.gives(values[i]) || c.same(row, target{License: l})) {
			continue
		}
		if after == l {
			after = new(License)
			*after = *l
		}
		if clears {
			copyValue(c.field(target{License: after}), c.field(target{License: new(License)}))
			defaults = true
		} else {
			copyValue(c.field(target{License: after}), c.field(row))
		}
	}
	if defaults {
		after.FillDefaults(product)
	}
	return after
}

// FillDefaults gives each column that has a default and no value its default: the product's, where there
// is one.
func (l *License) FillDefaults(product *Product) {
	if l.Enabled == nil {
		l.Enabled = &trueValue
	}
	if l.MaxActivations == nil {
		l.MaxActivations = product.MaxActivations
	}
	if l.MaxActivations == nil {
		l.MaxActivations = intern(1)
	}
	if l.LicenseType == "" {
		l.LicenseType = product.LicenseType
	}
	if l.LicenseType != "" {
		return
	}
	l.LicenseType = Perpetual
	if l.ValidityPeriod != "" || l.ValidDuration != "" {
		l.LicenseType = TimeLimited
	}
}

// Changes lists the columns that differ between two states of a license, in the table's order: nil if none
// does. Texts are compared exactly, e-mail addresses too, so that Apply leads from one state to the other.
func Changes(before, after LicenseState) []Change {
	if before == after {
		return nil
	}
	return changes(Licenses.columns, before.target(), after.target())
}

// changes lists those of the columns whose values differ.
func changes(columns []int, from, to target) (changed []Change) {
	for _, i := range columns {
		c := &Columns[i]
		if x, y := valueText(c.field(from)), valueText(c.field(to)); x != y {
			changed = append(changed, Change{Column: c.Name, From: x, To: y})
		}
	}
	return changed
}

// Apply is the license after the changes. It fails if s does not hold what the changes lead from, or if a
// column is unknown: a newer program wrote it.
func (s LicenseState) Apply(changed []Change) (LicenseState, error) {
	if len(changed) == 0 {
		return s, nil
	}
	license, product, customer, order := *s.License, *s.Product, Customer{}, *s.Order
	if s.Customer != nil {
		customer = *s.Customer
	}
	into := target{License: &license, Product: &product.ShortCode, Customer: &customer, Order: &order}
	for _, change := range changed {
		i, known := columnByHeader[change.Column]
		if !known || !Licenses.Has(i) {
			return s, fmt.Errorf("a change of the column %q, which this version does not know", change.Column)
		}
		field := Columns[i].field(into)
		if valueText(field) != change.From {
			return s, fmt.Errorf("a change of %s that leads from another value than the license has", change.Column)
		}
		if err := setValueText(field, change.To); err != nil {
			return s, fmt.Errorf("a change of %s: %w", change.Column, err)
		}
	}
	after := LicenseState{License: &license, Product: &product, Order: &order, By: s.By}
	if customer != noCustomer {
		after.Customer = &customer
	}
	return after, nil
}

// valueText is the value of a column as the text of a CSV. Empty: not given.
func valueText(field any) string {
	switch field := field.(type) {
	case *string:
		return *field
	case **bool:
		if *field != nil {
			return strconv.FormatBool(**field)
		}
	case **int:
		if *field != nil {
			return strconv.Itoa(**field)
		}
	}
	return ""
}

// setValueText is the inverse of valueText. It applies no rule of the column: the value stood in an event.
func setValueText(field any, text string) (err error) {
	switch field := field.(type) {
	case *string:
		*field = text
	case **bool:
		switch *field = nil; text {
		case "":
		case "true":
			*field = &trueValue
		case "false":
			*field = &falseValue
		default:
			err = fmt.Errorf("%q is no bool", text)
		}
	case **int:
		if *field = nil; text != "" {
			var n int
			if n, err = strconv.Atoi(text); err == nil {
				*field = intern(n)
			}
		}
	}
	return err
}

// copyValue copies a column's value.
func copyValue(into, from any) {
	switch into := into.(type) {
	case *string:
		*into = *from.(*string)
	case **bool:
		*into = *from.(**bool)
	case **int:
		*into = *from.(**int)
	}
}
