package events

import "strconv"

// The events that change a license, in the form of codec_outcome.go.

const (
	namesCustomer = `,"names_customer":true`
	namesOrder    = `,"names_order":true`
)

func (e *LicenseUpdated) appendData(b []byte) []byte {
	b = appendRowRef(b, e.JobID, e.Row)
	b = strconv.AppendUint(append(b, `,"line":`...), e.Line, 10)
	b = appendState(b, LicenseState{&e.License, &e.Product, e.Customer, &e.Order, e.By})
	b = appendChanges(append(b, `,"changed":`...), e.Changed)
	b = strconv.AppendUint(append(b, `,"previous":`...), uint64(e.Previous), 10)
	b = append(appendRowRef(append(b, `,"by":`...), e.By.JobID, e.By.Row), '}')
	if len(e.Warnings) > 0 {
		b = appendWarnings(append(b, `,"warnings":`...), e.Warnings)
	}
	if e.NamesCustomer {
		b = append(b, namesCustomer...)
	}
	if e.NamesOrder {
		b = append(b, namesOrder...)
	}
	return append(b, '}')
}

func (e *LicenseUpdated) parse(s *scanner) {
	e.JobID, e.Row = s.rowRef()
	s.expect(`,"line":`)
	e.Line = s.uint()
	e.Customer = s.state(&e.License, &e.Product, &e.Order)
	s.expect(`,"changed":`)
	e.Changed = s.changes()
	s.expect(`,"previous":`)
	e.Previous = Seq(s.uint())
	s.expect(`,"by":`)
	e.By.JobID, e.By.Row = s.rowRef()
	s.expect(`}`)
	if s.consumeIf(`,"warnings":`) {
		e.Warnings = s.warnings()
	}
	e.NamesCustomer, e.NamesOrder = s.consumeIf(namesCustomer), s.consumeIf(namesOrder)
	s.expect(`}`)
}

func (e *LicenseRestored) appendData(b []byte) []byte {
	b = appendRowRef(b, e.JobID, e.Row)
	b = appendState(b, LicenseState{&e.License, &e.Product, e.Customer, &e.Order, e.By})
	b = appendChanges(append(b, `,"changed":`...), e.Changed)
	b = strconv.AppendUint(append(b, `,"previous":`...), uint64(e.Previous), 10)
	b = strconv.AppendUint(append(b, `,"restores":`...), uint64(e.Restores), 10)
	b = append(appendRowRef(append(b, `,"by":`...), e.By.JobID, e.By.Row), '}')
	return append(appendString(append(b, `,"manager":`...), e.Manager), '}')
}

func (e *LicenseRestored) parse(s *scanner) {
	e.JobID, e.Row = s.rowRef()
	e.Customer = s.state(&e.License, &e.Product, &e.Order)
	s.expect(`,"changed":`)
	e.Changed = s.changes()
	s.expect(`,"previous":`)
	e.Previous = Seq(s.uint())
	s.expect(`,"restores":`)
	e.Restores = Seq(s.uint())
	s.expect(`,"by":`)
	e.By.JobID, e.By.Row = s.rowRef()
	s.expect(`},"manager":`)
	e.Manager = s.text()
	s.expect(`}`)
}

func (e *LicenseRevoked) appendData(b []byte) []byte {
	b = appendRowRef(b, e.JobID, e.Row)
	b = appendString(append(b, `,"license_key":`...), e.LicenseKey)
	b = appendProduct(b, &e.Product)
	b = appendString(append(b, `,"manager":`...), e.Manager)
	return append(strconv.AppendUint(append(b, `,"previous":`...), uint64(e.Previous), 10), '}')
}

func (e *LicenseRevoked) parse(s *scanner) {
	e.JobID, e.Row = s.rowRef()
	s.expect(`,"license_key":`)
	e.LicenseKey = s.text()
	s.product(&e.Product)
	s.expect(`,"manager":`)
	e.Manager = s.text()
	s.expect(`,"previous":`)
	e.Previous = Seq(s.uint())
	s.expect(`}`)
}

// appendState appends the members that hold a whole license.
func appendState(b []byte, state LicenseState) []byte {
	b = appendMembers(append(b, `,"license":`...), licenseMembers, target{License: state.License})
	b = appendProduct(b, state.Product)
	if state.Customer != nil {
		b = appendMembers(append(b, `,"customer":`...), customerMembers, target{Customer: state.Customer})
	}
	return appendMembers(append(b, `,"order":`...), orderMembers, target{Order: state.Order})
}

func (s *scanner) state(license *License, product *Product, order *Order) (customer *Customer) {
	s.expect(`,"license":`)
	s.object(licenseMembers, target{License: license})
	s.product(product)
	if s.consumeIf(`,"customer":`) {
		customer = new(Customer)
		s.object(customerMembers, target{Customer: customer})
	}
	s.expect(`,"order":`)
	s.object(orderMembers, target{Order: order})
	return customer
}

func appendChanges(b []byte, changed []Change) []byte {
	switch {
	case changed == nil:
		return append(b, `null`...)
	case len(changed) == 0:
		return append(b, `[]`...)
	}
	start := len(b)
	for i := range changed {
		b = appendString(append(b, `,{"column":`...), changed[i].Column)
		b = appendString(append(b, `,"from":`...), changed[i].From)
		b = appendString(append(b, `,"to":`...), changed[i].To)
		b = append(b, '}')
	}
	b[start] = '[' // in place of the first comma
	return append(b, ']')
}

func (s *scanner) changes() (changed []Change) {
	for s.expect(`[`); !s.failed; s.expect(`,`) {
		var c Change
		s.expect(`{"column":`)
		c.Column = s.text()
		s.expect(`,"from":`)
		c.From = s.text()
		s.expect(`,"to":`)
		c.To = s.text()
		s.expect(`}`)
		changed = append(changed, c)
		if s.consumeByte(']') {
			break
		}
	}
	return changed
}
