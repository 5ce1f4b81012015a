package events

// Details are what the lists of an import's rows say of an outcome, beside its row, its result and its warnings.
type Details struct {
	Line     uint64   // the physical line where the row begins; 0: not known
	Identity []string // the values of the kind's Identity, in its order
	Product  string   // its short code; empty: the row belongs to no product
	License  Seq      // the license that the row is about; 0: it is about none, or the event does not tell
	By       Origin   // the row that made what existed, or that changed since what was kept
	Manager  string   // who undid the import; empty: the event is of no undo
	Differs  []string // columns in which the row says something else than what existed
	Changed  []Change // columns that the event changed, or in a dry run would have
}

// DetailsOf are the details of an outcome. They are empty for an event type that tells none: one has a method
// Details.
func DetailsOf(e Event) Details {
	if detailed, ok := e.(interface{ Details() Details }); ok {
		return detailed.Details()
	}
	return Details{}
}

func (e *LicenseImported) Details() Details {
	return Details{Line: e.Line, Identity: []string{e.License.Key, e.Product.ShortCode}, Product: e.Product.ShortCode}
}

func (e *LicenseUpdated) Details() Details {
	return Details{Line: e.Line, Identity: []string{e.License.Key, e.Product.ShortCode}, Product: e.Product.ShortCode,
		By: e.By, Changed: e.Changed}
}

func (e *LicenseUpdateProposed) Details() Details { return (*LicenseUpdated)(e).Details() }

func (e *LicenseExisted) Details() Details {
	return Details{Line: e.Line, Identity: []string{e.LicenseKey, e.Product.ShortCode}, Product: e.Product.ShortCode,
		By: e.By, Differs: e.Differs}
}

func (e *LicenseRevoked) Details() Details {
	return Details{Identity: []string{e.LicenseKey, e.Product.ShortCode}, Product: e.Product.ShortCode,
		Manager: e.Manager}
}

func (e *LicenseRestored) Details() Details {
	return Details{Identity: []string{e.License.Key, e.Product.ShortCode}, Product: e.Product.ShortCode,
		By: e.By, Manager: e.Manager, Changed: e.Changed}
}

func (e *LicenseKept) Details() Details {
	return Details{Identity: []string{e.LicenseKey, e.Product.ShortCode}, Product: e.Product.ShortCode, By: e.By}
}

func (e *LicenseFeatureImported) Details() Details {
	return Details{Line: e.Line, Identity: featureIdentity(e.LicenseKey, e.Product, e.Feature.Code),
		Product: e.Product.ShortCode,
		License: e.LicenseID}
}

func (e *LicenseFeatureUpdated) Details() Details {
	return Details{Line: e.Line, Identity: featureIdentity(e.LicenseKey, e.Product, e.Feature.Code),
		Product: e.Product.ShortCode,
		License: e.LicenseID, By: e.By, Changed: e.Changed}
}

func (e *LicenseFeatureUpdateProposed) Details() Details {
	return (*LicenseFeatureUpdated)(e).Details()
}

func (e *LicenseFeatureExisted) Details() Details {
	return Details{Line: e.Line, Identity: featureIdentity(e.LicenseKey, e.Product, e.Code), Product: e.Product.ShortCode,
		License: e.LicenseID, By: e.By, Differs: e.Differs}
}

func (e *LicenseFeatureRevoked) Details() Details {
	return Details{Identity: featureIdentity(e.LicenseKey, e.Product, e.Code), Product: e.Product.ShortCode,
		License: e.LicenseID, Manager: e.Manager}
}

func (e *LicenseFeatureRestored) Details() Details {
	return Details{Identity: featureIdentity(e.LicenseKey, e.Product, e.Feature.Code), Product: e.Product.ShortCode,
		License: e.LicenseID, By: e.By, Manager: e.Manager, Changed: e.Changed}
}

func (e *LicenseFeatureKept) Details() Details {
	return Details{Identity: featureIdentity(e.LicenseKey, e.Product, e.Code), Product: e.Product.ShortCode,
		License: e.LicenseID, By: e.By}
}

func featureIdentity(key string, product Product, code string) []string {
	return []string{key, product.ShortCode, code}
}

func (e *CustomerImported) Details() Details {
	return Details{Line: e.Line, Identity: []string{e.Customer.Email}}
}

func (e *CustomerImportProposed) Details() Details {
	return Details{Line: e.Line, Identity: []string{e.Customer.Email}}
}

func (e *RowRejected) Details() Details { return Details{Line: e.Line} }
