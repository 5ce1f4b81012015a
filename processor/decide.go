package processor

import (
	"slices"

	"licenseimport/events"
)

// Policy is what the verdict on a row depends on besides the row.
type Policy struct {
	// Catalogue holds the products by short code. If it is empty every product is accepted.
	Catalogue map[string]events.Product
	// Products are the short codes that the import's manager may use. Empty: all.
	Products []string
	// Returned says that the file is one of rejected rows that has its columns, so its values are as they
	// were meant.
	Returned bool
	// Validated says that an earlier phase has validated all rows. Their product is not checked
	// again: an all_or_nothing import must not reject a row because the catalogue changed in
	// between.
	Validated bool
}

// Verdict is what can be said about a row without knowing which licenses exist.
type Verdict struct {
	Row      *events.RowReceived
	Record   *events.Record
	Product  events.Product
	Errors   []events.FieldError // empty: the row is valid
	Warnings []events.Warning

	// MaybeRepeated: an earlier row of the job may name the same license. False: no row that this
	// processor has read does.
	MaybeRepeated bool

	// Stored is the row's outcome if the stream holds it already, from a torn batch. nil: it does
	// not.
	Stored events.Event

	subject string // of the row's license, once Subject has been called
}

// Valid reports whether the row can be imported.
func (v *Verdict) Valid() bool { return len(v.Errors) == 0 }

// Subject is the subject of the row's license. The row must have a product and a key.
func (v *Verdict) Subject() string {
	if v.subject == "" {
		v.subject = events.LicenseSubject(v.Record.Product, v.Record.License.Key)
	}
	return v.subject
}

// Judge reads a row's values and applies all rules to them. The verdict has every error of the row,
// not only the first.
func (p *Policy) Judge(row *events.RowReceived) Verdict {
	v := Verdict{Row: row, Record: new(events.Record)}
	if m := row.Malformed; m != nil {
		v.Errors = []events.FieldError{malformed(row, m)}
		if m.Code != events.InvalidEncoding { // with this code the fields are known
			return v
		}
	}
	v.readColumns()
	p.checkProduct(&v)
	v.checkConflicts()
	if row.Malformed != nil { // other errors of the damaged value would mislead
		damaged := v.Errors[0].Column
		others := slices.DeleteFunc(v.Errors[1:], func(e events.FieldError) bool { return e.Column == damaged })
		v.Errors = append(v.Errors[:1], others...)
	}
	if v.Valid() {
		v.Record.License.FillDefaults(&v.Product)
		v.Warnings = warnings(v.Record)
		if !p.Returned {
			v.warnOfApostrophes()
		}
	}
	return v
}

// malformed is the error of a row that the CSV reader could not read.
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
	if code == "" { // missing or malformed: reported already
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

// Origins holds the event that imported each license that exists, by the license's subject.
type Origins map[string]*events.LicenseImported

// Outcomes decides judged rows in file order. Origins must hold the licenses of the rows that
// exist. Outcomes adds those that the rows import: of two rows with one license the first imports
// it and the second finds it. A license whose origin is the row itself was stored by a torn batch;
// Outcomes sets Stored.
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
			if origin.JobID == v.Row.JobID && origin.Row == v.Row.Row {
				v.Stored = v.imported()
				outcomes[i] = v.Stored
				continue
			}
			outcomes[i] = v.existed(origin)
			continue
		}
		imported := v.imported()
		origins[v.Subject()] = imported
		outcomes[i] = imported
	}
	return outcomes
}

// Rejections are the outcomes of rows that are only validated: nil for a valid one.
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

func (v *Verdict) existed(license *events.LicenseImported) *events.LicenseExisted {
	now, _ := events.StateAfter(license)
	return &events.LicenseExisted{
		JobID: v.Row.JobID, Row: v.Row.Row,
		LicenseKey: v.Record.License.Key, Product: v.Product,
		By:       events.Origin{JobID: license.JobID, Row: license.Row},
		Differs:  v.Record.Differs(&v.Row.Values, now),
		Customer: v.customer(), Order: v.Record.Order, Warnings: v.Warnings,
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
	if v.Row.Raw != "" { // until the row can be imported, its first text is what helps
		rejected.Raw = v.Row.Raw
	}
	return rejected
}

// customer is nil if the row names none.
func (v *Verdict) customer() *events.Customer {
	if v.Record.Customer == (events.Customer{}) {
		return nil
	}
	return &v.Record.Customer
}
