package processor

import (
	"slices"

	"licenseimport/events"
)

// update decides a valid row whose license exists and is to be updated: now is the license, previous the
// sequence of its last event.
func (p *Policy) update(v *Verdict, now events.LicenseState, previous events.Seq) events.Outcome {
	after, changed := now.Update(&v.Record, v.values(), &v.Product)
	if conflicts := p.conflicts(v, after.License); len(conflicts) > 0 {
		if !p.Validated {
			return v.rejected(conflicts)
		}
		after, changed = now, nil // another import has changed the license since its validation
	}
	before, then := recordOf(now), recordOf(after)
	warnings := p.warningsOfUpdate(v, licenseWarnings, &before, &then)
	if len(changed) == 0 {
		return v.existed(now, warnings)
	}
	return &events.LicenseUpdated{
		JobID: v.Row.JobID, Row: v.Row.Row, Line: v.Row.Line,
		License: *after.License, Product: *after.Product, Customer: after.Customer, Order: *after.Order,
		Changed: changed, Previous: previous, By: now.By, Warnings: warnings,
		NamesCustomer: p.gives(v, events.ColumnEmail), NamesOrder: p.gives(v, columnStoreID),
	}
}

// conflicts are the values of the row that the license as it would be cannot have beside the others.
func (p *Policy) conflicts(v *Verdict, after *events.License) []events.FieldError {
	if after.ValidityPeriod == "" || after.ValidDuration == "" {
		return nil
	}
	given, other := columnValidityPeriod, columnValidDuration
	if !p.gives(v, given) {
		given, other = other, given
	}
	if !p.gives(v, given) { // the license had both before
		return nil
	}
	e := events.Columns[given].Error(events.Conflict, v.Row.Values[given])
	e.Message = "cannot stand beside the license's " + events.Columns[other].Name +
		": clear that with #N/A in its column, or leave this one empty"
	return []events.FieldError{e}
}

// warningsOfUpdate are those about what there would be: where the row gives the column, or where it was without the
// warning before. Those about the row's own cells stay, and so does the one of a customer whom the row does not name.
func (p *Policy) warningsOfUpdate(v *Verdict, rules []warningRule, before, then *events.Record) []events.Warning {
	var found []events.Warning
	for i := range rules {
		rule := &rules[i]
		if !rule.applies(then) {
			continue
		}
		if column := mustColumn(rule.column); p.gives(v, column) || !rule.applies(before) {
			found = append(found, v.warning(column, rule.code))
		}
	}
	for _, w := range v.Warnings {
		of := func(other events.Warning) bool { return other.Code == w.Code }
		if w.Code == events.LeadingApostrophe || w.Code == events.CustomerWithoutEmail && !slices.ContainsFunc(found, of) {
			found = append(found, w)
		}
	}
	return found
}

func recordOf(s events.LicenseState) events.Record {
	r := events.Record{License: *s.License, Product: s.Product.ShortCode, Order: *s.Order}
	if s.Customer != nil {
		r.Customer = *s.Customer
	}
	return r
}

// maxExtraSize ends a batch whose updates are larger than the rows that ask for them, to bound what the
// server stages.
const maxExtraSize = 2 * maxBytes

// extraSize estimates by how many bytes an update exceeds its row: it holds the whole license, and what
// changes two times more.
func extraSize(e events.Event) int {
	updated, ok := e.(*events.LicenseUpdated)
	if !ok {
		return 0
	}
	size := 1024 + len(updated.License.Note) + len(updated.Order.CampaignParams)
	for i := range updated.Changed {
		size += len(updated.Changed[i].From) + len(updated.Changed[i].To)
	}
	return size
}
