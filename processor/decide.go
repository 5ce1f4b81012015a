package processor

import (
	"slices"

	"licenseimport/events"
)

// Policy is what a decision depends on besides the row itself.
type Policy struct {
	// Catalogue holds the products by short code. While it is empty every
	// product is accepted.
	Catalogue map[string]events.Product
	// Products are the short codes that the import's manager is limited to;
	// none: all.
	Products []string
	// Validated says that all rows were validated in an earlier phase: only the
	// shape of a value can be wrong now, not the product.
	Validated bool
}

// Verdict is all that can be said of a row without knowing which licenses exist.
type Verdict struct {
	Row      *events.RowReceived
	Record   *events.Record
	Product  events.Product
	Errors   []events.FieldError // none: the row is valid
	Warnings []events.Warning

	// Again says that an earlier row of the job may have named the same license; false: none did,
	// unless another processor read it.
	MaybeRepeated bool

	// Kept is the row's outcome where the stream holds it already, though not the job's
	// position behind it: see kept.
	Stored events.Event

	subject string // of the row's license, made when first asked for
}

// Valid tells whether the row can be imported.
func (v *Verdict) Valid() bool { return len(v.Errors) == 0 }

// Subject is the subject of the row's license.
func (v *Verdict) Subject() string {
	if v.subject == "" {
		v.subject = events.LicenseSubject(v.Record.Product, v.Record.License.Key)
	}
	return v.subject
}

// Judge reads a row's values and applies all rules to them. It reports every
// error of the row, not only the first.
func (p *Policy) Judge(row *events.RowReceived) Verdict {
	v := Verdict{Row: row, Record: new(events.Record)}
	if m := row.Malformed; m != nil {
		v.Errors = []events.FieldError{malformed(row, m)}
		if m.Code != events.InvalidEncoding { // else its fields are known, but for some characters
			return v
		}
	}
	v.readColumns()
	p.checkProduct(&v)
	v.checkConflicts()
	if row.Malformed != nil { // of the damaged value nothing else can be said
		damaged := v.Errors[0].Column
		v.Errors = append(v.Errors[:1], slices.DeleteFunc(v.Errors[1:], func(e events.FieldError) bool { return e.Column == damaged })...)
	}
	if v.Valid() {
		v.fillDefaults()
		v.Warnings = warnings(v.Record)
	}
	return v
}

// malformed is the error of a row that could not be read as CSV.
func malformed(row *events.RowReceived, m *events.Malformed) events.FieldError {
	value := m.Raw
	if i, ok := events.ColumnIndex(m.Column); ok {
		value = row.Values[i]
	}
	return events.FieldError{
		Column: m.Column, Code: m.Code, Message: m.Message,
		Value: events.Excerpt(value, events.MaxErrorValue),
	}
}

func (v *Verdict) readColumns() {
	for i := range events.Columns {
		column := &events.Columns[i]
		sent := v.Row.Values[i]
		if sent == "" && !column.Required {
			continue
		}
		value := column.Clean(sent)
		switch {
		case value != "":
			if code := column.Set(v.Record, value); code != "" {
				v.reject(i, code)
			}
		case column.Required:
			v.reject(i, events.Required)
		}
	}
}

func (v *Verdict) reject(column int, code events.Code) {
	v.Errors = append(v.Errors, events.Columns[column].Error(code, v.Row.Values[column]))
}

func (p *Policy) checkProduct(v *Verdict) {
	code := v.Record.Product
	if code == "" { // missing or misspelt: reported already
		return
	}
	product, known := p.Catalogue[code]
	v.Product = product
	v.Product.ShortCode = code
	if p.Validated {
		return
	}
	if len(p.Products) > 0 && !slices.Contains(p.Products, code) {
		v.reject(events.ColumnProduct, events.NoAccess)
	} else if !known && len(p.Catalogue) > 0 {
		v.reject(events.ColumnProduct, events.UnknownProduct)
	}
}

func (v *Verdict) checkConflicts() {
	if v.given(columnValidityPeriod) && v.given(columnValidDuration) {
		v.reject(columnValidityPeriod, events.Conflict)
	}
}

func (v *Verdict) given(column int) bool {
	return events.Columns[column].Clean(v.Row.Values[column]) != ""
}

// The values of a license for which a row, and its product, say nothing.
var (
	defaultEnabled        = true
	defaultMaxActivations = 1
)

const defaultLicenseType = "perpetual"

func (v *Verdict) fillDefaults() {
	license := &v.Record.License
	if license.Enabled == nil {
		license.Enabled = &defaultEnabled
	}
	if license.MaxActivations == nil {
		license.MaxActivations = v.Product.MaxActivations
	}
	if license.MaxActivations == nil {
		license.MaxActivations = &defaultMaxActivations
	}
	if license.LicenseType == "" {
		license.LicenseType = v.Product.LicenseType
	}
	if license.LicenseType == "" {
		license.LicenseType = defaultLicenseType
	}
}

// Makers says which row made each license that exists, by the license's subject.
type Origins map[string]events.Origin

// Outcomes decides judged rows in their order. Makers must hold those of the
// rows' licenses that exist; the licenses that these rows make are added to it,
// so that of two rows with one license the first makes it and the second finds it. A row whose
// license was made by itself has its outcome already: it is marked as kept.
func Outcomes(verdicts []Verdict, origins Origins) []events.Event {
	outcomes := make([]events.Event, len(verdicts))
	for i := range verdicts {
		v := &verdicts[i]
		if v.Stored != nil {
			outcomes[i] = v.Stored
			continue
		}
		if !v.Valid() {
			outcomes[i] = v.rejected()
			continue
		}
		if origin, ok := origins[v.Subject()]; ok {
			if origin == v.origin() {
				v.Stored = v.imported()
				outcomes[i] = v.Stored
				continue
			}
			outcomes[i] = v.existed(origin)
			continue
		}
		origins[v.Subject()] = v.origin()
		outcomes[i] = v.imported()
	}
	return outcomes
}

// Rejections are the outcomes of rows that are only validated: the valid ones
// have none (nil).
func Rejections(verdicts []Verdict) []events.Event {
	outcomes := make([]events.Event, len(verdicts))
	for i := range verdicts {
		switch v := &verdicts[i]; {
		case v.Stored != nil:
			outcomes[i] = v.Stored
		case !v.Valid():
			outcomes[i] = v.rejected()
		}
	}
	return outcomes
}

func (v *Verdict) imported() *events.LicenseImported {
	return &events.LicenseImported{
		JobID: v.Row.JobID, Row: v.Row.Row,
		License: v.Record.License, Product: v.Product, Customer: v.customer(), Order: v.Record.Order,
		Warnings: v.Warnings,
	}
}

func (v *Verdict) existed(by events.Origin) *events.LicenseExisted {
	return &events.LicenseExisted{
		JobID: v.Row.JobID, Row: v.Row.Row,
		LicenseKey: v.Record.License.Key, Product: v.Product, By: by, Customer: v.customer(), Order: v.Record.Order,
		Warnings: v.Warnings,
	}
}

func (v *Verdict) rejected() *events.RowRejected {
	rejected := &events.RowRejected{
		JobID: v.Row.JobID, Row: v.Row.Row, Line: v.Row.Line,
		Errors: v.Errors, Values: v.Row.Values,
	}
	if m := v.Row.Malformed; m != nil {
		rejected.Raw = m.Raw
	}
	return rejected
}

// customer is nil where the row says nothing of one.
func (v *Verdict) customer() *events.Customer {
	if v.Record.Customer == (events.Customer{}) {
		return nil
	}
	return &v.Record.Customer
}

// origin is what later rows with the same license are told.
func (v *Verdict) origin() events.Origin {
	return events.Origin{JobID: v.Row.JobID, Row: v.Row.Row}
}
