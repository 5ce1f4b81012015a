package events

// FeatureState is a feature as one of its events left it. It refers to the parts of that event, which nobody
// changes.
type FeatureState struct {
	LicenseKey string
	LicenseID  Seq // of the license that has it
	Product    *Product
	Feature    *Feature
	By         Origin // the row that made the feature
}

// FeatureAfter is the feature after an event. exists is false if it does not exist then: the event is a
// LicenseFeatureRevoked, or says nothing of a whole feature. It exists only as long as the license LicenseID
// does.
func FeatureAfter(e Event) (s FeatureState, exists bool) {
	switch e := e.(type) {
	case *LicenseFeatureImported:
		return FeatureState{e.LicenseKey, e.LicenseID, &e.Product, &e.Feature, Origin{e.JobID, e.Row}}, true
	case *LicenseFeatureUpdated:
		return FeatureState{e.LicenseKey, e.LicenseID, &e.Product, &e.Feature, e.By}, true
	case *LicenseFeatureRestored:
		return FeatureState{e.LicenseKey, e.LicenseID, &e.Product, &e.Feature, e.By}, true
	case *LicenseFeatureUpdateProposed:
		return FeatureState{e.LicenseKey, e.LicenseID, &e.Product, &e.Feature, e.By}, true
	}
	return FeatureState{}, false
}

func (s FeatureState) target() target {
	return target{Product: &s.Product.ShortCode, LicenseKey: &s.LicenseKey, Feature: s.Feature}
}

// The columns from firstFeatureColumn to lastFeatureColumn fill a Feature, but for its code.
var (
	firstFeatureColumn = mustColumn("max_consumption")
	lastFeatureColumn  = mustColumn("consumption_period")
)

// Update is the feature after a row that updates it, and every column that differs from s. r is what the row
// says, values is the row as sent. A column that the row leaves empty stays; one that it clears has no value.
// If nothing differs Update returns s.
func (s FeatureState) Update(r *Record, values *Values) (after FeatureState, changed []Change) {
	row, now := r.target(), s.target()
	feature, then := *s.Feature, target{}
	then.Feature = &feature
	for i := firstFeatureColumn; i <= lastFeatureColumn; i++ {
		c := &Columns[i]
		switch {
		case Clears(values[i]):
			copyValue(c.field(then), c.field(target{Feature: &noFeature}))
		case c.gives(values[i]) && !c.same(row, now):
			copyValue(c.field(then), c.field(row))
		}
	}
	after = s
	after.Feature = &feature
	if changed = FeatureChanges(s, after); changed == nil {
		return s, nil
	}
	return after, changed
}

// noFeature has no value in any column.
var noFeature Feature

// FeatureChanges lists the columns that differ between two states of a feature, in the table's order: nil if
// none does. Texts are compared exactly.
func FeatureChanges(before, after FeatureState) []Change {
	return changes(Features.columns, before.target(), after.target())
}

// DiffersFromFeature is [Record.Differs] for a feature that exists.
func (r *Record) DiffersFromFeature(values *Values, feature FeatureState) []string {
	return differs(Features.columns, values, r.target(), feature.target())
}

// FeatureLicense is the license that an event of a feature names; 0 for other events.
func FeatureLicense(e Event) Seq {
	if state, exists := FeatureAfter(e); exists {
		return state.LicenseID
	}
	if revoked, ok := e.(*LicenseFeatureRevoked); ok {
		return revoked.LicenseID
	}
	return 0
}
