package processor

import "licenseimport/events"

// licenseRules decide an import of licenses. The subjects are known without a look-up, and most of the licenses
// are new, so only those that may exist are looked up.
var licenseRules = decider{
	subject:   func(v *Verdict) string { return events.LicenseSubject(v.Record.Product, v.Record.License.Key) },
	check:     (*Policy).checkLicense,
	complete:  func(v *Verdict) { v.Record.License.FillDefaults(&v.Product) },
	warnings:  licenseWarnings,
	decide:    decideLicense,
	selective: true,
	made:      new(events.LicenseImported),
	undo:      licenseUndo,
}

func (p *Policy) checkLicense(v *Verdict) {
	p.checkProduct(v)
	p.checkConflicts(v)
}

func (p *Policy) checkProduct(v *Verdict) {
	code := v.Record.Product
	if code == "" { // missing or malformed: reported already
		return
	}
	v.Product = p.Catalogue[code].Product
	v.Product.ShortCode = code
	if !p.Validated {
		p.mayUse(v, code)
	}
}

func (p *Policy) checkConflicts(v *Verdict) {
	if p.gives(v, columnValidityPeriod) && p.gives(v, columnValidDuration) {
		v.reject(columnValidityPeriod, events.Conflict)
	}
}

func decideLicense(p *Policy, v *Verdict, now Aggregate) events.Outcome {
	switch state, exists := events.StateAfter(now.Last); {
	case !exists:
		return v.imported()
	case p.Existing != events.UpdateExisting:
		return v.existed(state, v.Warnings)
	default:
		return p.update(v, state, now.Seq)
	}
}

func (v *Verdict) imported() *events.LicenseImported {
	return &events.LicenseImported{
		JobID: v.Row.JobID, Row: v.Row.Row, Line: v.Row.Line,
		License: v.Record.License, Product: v.Product, Customer: v.customer(), Order: v.Record.Order,
		Warnings: v.Warnings,
	}
}

func (v *Verdict) existed(now events.LicenseState, warnings []events.Warning) *events.LicenseExisted {
	return &events.LicenseExisted{
		JobID: v.Row.JobID, Row: v.Row.Row, Line: v.Row.Line,
		LicenseKey: v.Record.License.Key, Product: v.Product, By: now.By,
		Differs:  v.Record.Differs(v.values(), now),
		Customer: v.customer(), Order: v.Record.Order, Warnings: warnings,
	}
}

// customer is nil if the row names none. It is a copy: outcomes outlive the verdict.
func (v *Verdict) customer() *events.Customer {
	if v.Record.Customer == (events.Customer{}) {
		return nil
	}
	customer := v.Record.Customer
	return &customer
}
