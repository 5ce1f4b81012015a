package processor

import (
	"fmt"

	"licenseimport/events"
)

// licenseUndo takes imports of licenses back.
var licenseUndo = &undoRules{
	subjects: "licenses.",
	revoked: func(d *undoDecider, made events.Outcome, previous events.Seq) events.Outcome {
		license, _ := events.StateAfter(made)
		return &events.LicenseRevoked{
			JobID: d.job, Row: made.Origin().Row, LicenseKey: license.License.Key, Product: *license.Product,
			Manager: d.manager, Previous: previous,
		}
	},
	restored: func(d *undoDecider, changed events.Outcome, last, before Aggregate) (events.Outcome, error) {
		now, _ := events.StateAfter(last.Last)
		then, exists := events.StateAfter(before.Last)
		if !exists {
			return nil, notMadeError(changed, before)
		}
		return &events.LicenseRestored{
			JobID: d.job, Row: changed.Origin().Row, License: *then.License, Product: *then.Product, Customer: then.Customer,
			Order: *then.Order, Changed: listed(events.Changes(now, then)), Previous: last.Seq, Restores: before.Seq,
			By: then.By, Manager: d.manager,
		}, nil
	},
	kept: func(d *undoDecider, of events.Outcome, by events.Origin) events.Outcome {
		license, _ := events.StateAfter(of)
		return &events.LicenseKept{
			JobID: d.job, Row: of.Origin().Row, LicenseKey: license.License.Key, Product: *license.Product, By: by,
		}
	},
}

// featureUndo takes imports of features back. It does not ask for the license: what it writes about a feature of a
// license that is gone changes nothing.
var featureUndo = &undoRules{
	subjects: "features.",
	revoked: func(d *undoDecider, made events.Outcome, previous events.Seq) events.Outcome {
		feature, _ := events.FeatureAfter(made)
		return &events.LicenseFeatureRevoked{
			JobID: d.job, Row: made.Origin().Row, LicenseKey: feature.LicenseKey, LicenseID: feature.LicenseID,
			Product: *feature.Product, Code: feature.Feature.Code, Manager: d.manager, Previous: previous,
		}
	},
	restored: func(d *undoDecider, changed events.Outcome, last, before Aggregate) (events.Outcome, error) {
		now, _ := events.FeatureAfter(last.Last)
		then, exists := events.FeatureAfter(before.Last)
		if !exists {
			return nil, notMadeError(changed, before)
		}
		return &events.LicenseFeatureRestored{
			JobID: d.job, Row: changed.Origin().Row, LicenseKey: then.LicenseKey, LicenseID: then.LicenseID,
			Product: *then.Product, Feature: *then.Feature, Changed: listed(events.FeatureChanges(now, then)),
			Previous: last.Seq, Restores: before.Seq, By: then.By, Manager: d.manager,
		}, nil
	},
	kept: func(d *undoDecider, of events.Outcome, by events.Origin) events.Outcome {
		feature, _ := events.FeatureAfter(of)
		return &events.LicenseFeatureKept{
			JobID: d.job, Row: of.Origin().Row, LicenseKey: feature.LicenseKey, LicenseID: feature.LicenseID,
			Product: *feature.Product, Code: feature.Feature.Code, By: by,
		}
	},
}

func notMadeError(changed events.Event, before Aggregate) error {
	return fmt.Errorf("%s follows sequence %d, after which there is nothing to change", changed.ID(), before.Seq)
}

// listed is a list that is not nil: the schema wants one.
func listed(changed []events.Change) []events.Change { return append([]events.Change{}, changed...) }
