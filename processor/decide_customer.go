package processor

import (
	"cmp"

	"licenseimport/events"
)

// customerRules decide an import of customers. A row's outcome says what the row says. Whether it made the
// customer, changed it or found it follows from the order of the stream, since imports of licenses make customers,
// too.
var customerRules = decider{
	subject:  func(v *Verdict) string { return events.CustomerSubject(v.Record.Customer.Email) },
	decide:   decideCustomer,
	warnings: customerWarnings,
	folded:   true,
}

// decideCustomer gives now a meaning only in a dry run: the outcome of the row before about the customer.
func decideCustomer(p *Policy, v *Verdict, now Aggregate) events.Outcome {
	e := events.CustomerImported{
		JobID: v.Row.JobID, Row: v.Row.Row, Line: v.Row.Line, Customer: v.Record.Customer, Cleared: p.cleared(v),
		Existing: cmp.Or(p.Existing, events.KeepExisting), Warnings: v.Warnings,
	}
	if !p.Preview {
		return &e
	}
	proposed := &events.CustomerImportProposed{
		JobID: e.JobID, Row: e.Row, Line: e.Line, Customer: e.Customer, Cleared: e.Cleared, Existing: e.Existing,
		Warnings: e.Warnings,
	}
	if before, ok := now.Last.(*events.CustomerImportProposed); ok {
		if proposed.Earlier = before.Earlier; proposed.Earlier == nil {
			proposed.Earlier = &events.EarlierCustomer{Customer: before.Customer, Cleared: before.Cleared}
		} else {
			proposed.Earlier = before.Earlier.Then(before.Customer, before.Cleared, before.Existing)
		}
	}
	return proposed
}

// cleared are the names of the columns that the row clears.
func (p *Policy) cleared(v *Verdict) (names []string) {
	if p.Existing != events.UpdateExisting {
		return nil
	}
	for _, i := range p.kind().Columns() {
		if events.Clears(v.values()[i]) {
			names = append(names, events.Columns[i].Name)
		}
	}
	return names
}
