package processor

import (
	"slices"

	"licenseimport/events"
)

// featureRules decide an import of the features of licenses. A row belongs to the license that exists when the row
// is looked up. If that license is revoked meanwhile, the row counts as before the revocation, which takes the
// features along.
var featureRules = decider{
	subject: func(v *Verdict) string {
		return events.FeatureSubject(v.Product.ShortCode, v.Record.LicenseKey, v.Record.Feature.Code)
	},
	filter: func(v *Verdict) string {
		return events.FeatureFilter(v.Record.Product, v.Record.LicenseKey, v.Record.Feature.Code)
	},
	group: func(v *Verdict) string {
		return events.FeatureFilter("", v.Record.LicenseKey, v.Record.Feature.Code)
	},
	check:      (*Policy).checkFeature,
	resolve:    resolveLicenses,
	resolvable: namesLicense,
	warnings:   featureWarnings,
	decide:     decideFeature,
	undo:       featureUndo,
}

var columnLicenseKey, columnFeatureCode = mustColumn("license_key"), mustColumn("code")

func (p *Policy) checkFeature(v *Verdict) {
	code := v.Record.Product
	v.Product.ShortCode = code
	if p.Validated || code == "" {
		return
	}
	if p.mayUse(v, code) {
		p.checkFeatureCode(v)
	}
}

// namesLicense reports whether a row says which license it means, whatever else is wrong with it.
func namesLicense(v *Verdict) bool {
	key, product := events.Columns[columnLicenseKey].Name, events.Columns[events.ColumnProduct].Name
	return v.Record.LicenseKey != "" && !slices.ContainsFunc(v.Errors, func(e events.FieldError) bool {
		return e.Column == key || e.Column == product
	})
}

// checkFeatureCode applies the catalogue to the feature of the verdict's product, as soon as that is known: from the
// row if it names the product, so that a row without a license has this error, too, else from the license. A code
// that is rejected already is empty in the record.
func (p *Policy) checkFeatureCode(v *Verdict) {
	listed := p.Catalogue[v.Product.ShortCode].Features
	if p.Validated || len(listed) == 0 || v.Record.Feature.Code == "" {
		return
	}
	if _, known := p.productFeature(v); !known {
		v.reject(columnFeatureCode, events.UnknownFeature)
	}
}

// productFeature is what the catalogue says of the row's feature.
func (p *Policy) productFeature(v *Verdict) (events.ProductFeature, bool) {
	listed := p.Catalogue[v.Product.ShortCode].Features
	i := slices.IndexFunc(listed, func(f events.ProductFeature) bool { return f.Code == v.Record.Feature.Code })
	if i < 0 {
		return events.ProductFeature{}, false
	}
	return listed[i], true
}

// decideFeature decides a row whose license is known. The feature of a license that was made before that one does
// not exist any more. If the feature is of a license that was made later, then the look-up of the license was
// older than that of the feature, and the later one is the license.
func decideFeature(p *Policy, v *Verdict, now Aggregate) events.Outcome {
	v.LicenseID = max(v.LicenseID, events.FeatureLicense(now.Last))
	state, exists := events.FeatureAfter(now.Last)
	switch {
	case !exists || state.LicenseID != v.LicenseID:
		return p.featureImported(v)
	case p.Existing != events.UpdateExisting:
		return v.featureExisted(state, v.Warnings)
	default:
		return p.updateFeature(v, state, now.Seq)
	}
}

func (p *Policy) featureImported(v *Verdict) events.Outcome {
	feature := v.Record.Feature
	listed, _ := p.productFeature(v)
	feature.Name, feature.FeatureType = listed.Name, listed.FeatureType
	return &events.LicenseFeatureImported{
		JobID: v.Row.JobID, Row: v.Row.Row, Line: v.Row.Line, LicenseKey: v.Record.LicenseKey, LicenseID: v.LicenseID,
		Product: v.Product, Feature: feature, Warnings: v.Warnings,
	}
}

func (v *Verdict) featureExisted(now events.FeatureState, warnings []events.Warning) events.Outcome {
	return &events.LicenseFeatureExisted{
		JobID: v.Row.JobID, Row: v.Row.Row, Line: v.Row.Line, LicenseKey: v.Record.LicenseKey, LicenseID: v.LicenseID,
		Product: v.Product, Code: now.Feature.Code, By: now.By,
		Differs: v.Record.DiffersFromFeature(v.values(), now), Warnings: warnings,
	}
}

func (p *Policy) updateFeature(v *Verdict, now events.FeatureState, previous events.Seq) events.Outcome {
	after, changed := now.Update(&v.Record, v.values())
	warnings := p.warningsOfUpdate(v, featureWarnings, &events.Record{Feature: *now.Feature},
		&events.Record{Feature: *after.Feature})
	if len(changed) == 0 {
		return v.featureExisted(now, warnings)
	}
	return &events.LicenseFeatureUpdated{
		JobID: v.Row.JobID, Row: v.Row.Row, Line: v.Row.Line, LicenseKey: v.Record.LicenseKey, LicenseID: v.LicenseID,
		Product: *now.Product, Feature: *after.Feature, Changed: changed, Previous: previous, By: now.By, Warnings: warnings,
	}
}
