package events

// The events of a license's features. A feature belongs to one license, which LicenseID names: a license that
// is made again with the same key has no features.

// LicenseFeatureImported is the outcome of a row whose feature is new.
type LicenseFeatureImported struct {
	JobID      JobID     `json:"job_id"`
	Row        Row       `json:"row"`
	Line       uint64    `json:"line"`        // the physical line where the row begins; the header is line 1
	LicenseKey string    `json:"license_key"` // the license's key
	LicenseID  Seq       `json:"license_id"`  // the sequence of the license's LicenseImported
	Product    Product   `json:"product"`     // the license's
	Feature    Feature   `json:"feature"`
	Warnings   []Warning `json:"warnings,omitempty"`
}

func (e *LicenseFeatureImported) Type() string { return "LicenseFeatureImported" }
func (e *LicenseFeatureImported) ID() string   { return rowID(e.JobID, e.Row, "") }
func (e *LicenseFeatureImported) Subject() string {
	return FeatureSubject(e.Product.ShortCode, e.LicenseKey, e.Feature.Code)
}
func (e *LicenseFeatureImported) Job() JobID { return e.JobID }

// LicenseFeatureExisted is the outcome of a row whose feature exists already. The row changes nothing.
type LicenseFeatureExisted struct {
	JobID      JobID   `json:"job_id"`
	Row        Row     `json:"row"`
	Line       uint64  `json:"line"`        // the physical line where the row begins; the header is line 1
	LicenseKey string  `json:"license_key"` // the license's key
	LicenseID  Seq     `json:"license_id"`  // the sequence of the license's LicenseImported
	Product    Product `json:"product"`     // the license's
	Code       string  `json:"code"`        // the feature's
	By         Origin  `json:"by"`          // the row that made the feature
	// Differs are the columns in which the row says something else than the feature. Only values that the
	// row gives count.
	Differs  []string  `json:"differs,omitempty"`
	Warnings []Warning `json:"warnings,omitempty"`
}

func (e *LicenseFeatureExisted) Type() string    { return "LicenseFeatureExisted" }
func (e *LicenseFeatureExisted) ID() string      { return rowID(e.JobID, e.Row, "") }
func (e *LicenseFeatureExisted) Subject() string { return outcome(e.JobID, "existed") }
func (e *LicenseFeatureExisted) Job() JobID      { return e.JobID }

// LicenseFeatureUpdated is the outcome of a row that changes a feature. The event holds the whole feature
// after the change.
type LicenseFeatureUpdated struct {
	JobID      JobID     `json:"job_id"`
	Row        Row       `json:"row"`
	Line       uint64    `json:"line"`        // the physical line where the row begins; the header is line 1
	LicenseKey string    `json:"license_key"` // the license's key
	LicenseID  Seq       `json:"license_id"`  // the sequence of the license's LicenseImported
	Product    Product   `json:"product"`     // the license's
	Feature    Feature   `json:"feature"`
	Changed    []Change  `json:"changed"`  // every column that differs from the feature before, in the table's order
	Previous   Seq       `json:"previous"` // the sequence of the feature's event before this one
	By         Origin    `json:"by"`       // the row that made the feature
	Warnings   []Warning `json:"warnings,omitempty"`
}

func (e *LicenseFeatureUpdated) Type() string { return "LicenseFeatureUpdated" }
func (e *LicenseFeatureUpdated) ID() string   { return rowID(e.JobID, e.Row, "") }
func (e *LicenseFeatureUpdated) Subject() string {
	return FeatureSubject(e.Product.ShortCode, e.LicenseKey, e.Feature.Code)
}
func (e *LicenseFeatureUpdated) Job() JobID { return e.JobID }

// LicenseFeatureUpdateProposed is the outcome of a dry run's row that would change a feature. Nothing has
// changed. Previous is 0 where the row would change a feature that an earlier row of the same file would make
// or change.
type LicenseFeatureUpdateProposed struct {
	JobID      JobID     `json:"job_id"`
	Row        Row       `json:"row"`
	Line       uint64    `json:"line"`        // the physical line where the row begins; the header is line 1
	LicenseKey string    `json:"license_key"` // the license's key
	LicenseID  Seq       `json:"license_id"`  // the sequence of the license's LicenseImported
	Product    Product   `json:"product"`     // the license's
	Feature    Feature   `json:"feature"`     // as it would be
	Changed    []Change  `json:"changed"`     // every column that would differ from the feature before
	Previous   Seq       `json:"previous"`    // the sequence of the feature's last event
	By         Origin    `json:"by"`          // the row that made the feature
	Warnings   []Warning `json:"warnings,omitempty"`
}

func (e *LicenseFeatureUpdateProposed) Type() string    { return "LicenseFeatureUpdateProposed" }
func (e *LicenseFeatureUpdateProposed) ID() string      { return rowID(e.JobID, e.Row, "") }
func (e *LicenseFeatureUpdateProposed) Subject() string { return outcome(e.JobID, "proposed") }
func (e *LicenseFeatureUpdateProposed) Job() JobID      { return e.JobID }

// LicenseFeatureRevoked says that the undo of an import took a feature back: it does not exist any more. A
// later import may make it again.
type LicenseFeatureRevoked struct {
	JobID      JobID   `json:"job_id"`      // the import that is undone
	Row        Row     `json:"row"`         // of that import: it made the feature
	LicenseKey string  `json:"license_key"` // the license's key
	LicenseID  Seq     `json:"license_id"`  // the sequence of the license's LicenseImported
	Product    Product `json:"product"`     // the license's
	Code       string  `json:"code"`        // the feature's
	Manager    string  `json:"manager"`     // who undid the import
	Previous   Seq     `json:"previous"`    // the sequence of the feature's event before this one
}

func (e *LicenseFeatureRevoked) Type() string { return "LicenseFeatureRevoked" }
func (e *LicenseFeatureRevoked) ID() string   { return rowID(e.JobID, e.Row, "/revoked") }
func (e *LicenseFeatureRevoked) Subject() string {
	return FeatureSubject(e.Product.ShortCode, e.LicenseKey, e.Code)
}
func (e *LicenseFeatureRevoked) Job() JobID { return e.JobID }

// LicenseFeatureRestored says that the undo of an import took the import's changes of a feature back. The
// event holds the whole feature after that.
type LicenseFeatureRestored struct {
	JobID      JobID    `json:"job_id"`      // the import that is undone
	Row        Row      `json:"row"`         // of that import: the first that changed the feature
	LicenseKey string   `json:"license_key"` // the license's key
	LicenseID  Seq      `json:"license_id"`  // the sequence of the license's LicenseImported
	Product    Product  `json:"product"`     // the license's
	Feature    Feature  `json:"feature"`
	Changed    []Change `json:"changed"`  // every column that differs from the feature before
	Previous   Seq      `json:"previous"` // the sequence of the feature's event before this one
	Restores   Seq      `json:"restores"` // the sequence of the event whose feature this is again
	By         Origin   `json:"by"`       // the row that made the feature
	Manager    string   `json:"manager"`  // who undid the import
}

func (e *LicenseFeatureRestored) Type() string { return "LicenseFeatureRestored" }
func (e *LicenseFeatureRestored) ID() string   { return rowID(e.JobID, e.Row, "/restored") }
func (e *LicenseFeatureRestored) Subject() string {
	return FeatureSubject(e.Product.ShortCode, e.LicenseKey, e.Feature.Code)
}
func (e *LicenseFeatureRestored) Job() JobID { return e.JobID }

// LicenseFeatureKept says that the undo of an import left a feature as it is, because another import or undo
// changed it after this import did.
type LicenseFeatureKept struct {
	JobID      JobID   `json:"job_id"`      // the import that is undone
	Row        Row     `json:"row"`         // of that import: it made or changed the feature
	LicenseKey string  `json:"license_key"` // the license's key
	LicenseID  Seq     `json:"license_id"`  // the sequence of the license's LicenseImported
	Product    Product `json:"product"`     // the license's
	Code       string  `json:"code"`        // the feature's
	By         Origin  `json:"by"`          // the import and row that changed the feature since
}

func (e *LicenseFeatureKept) Type() string    { return "LicenseFeatureKept" }
func (e *LicenseFeatureKept) ID() string      { return rowID(e.JobID, e.Row, "/kept") }
func (e *LicenseFeatureKept) Subject() string { return outcome(e.JobID, "kept") }
func (e *LicenseFeatureKept) Job() JobID      { return e.JobID }
