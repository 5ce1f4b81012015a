package processor

import (
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/mapping"
)

// Policy is what the verdict on a row depends on besides the row.
type Policy struct {
	// Kind is what the rows are. nil: licenses.
	Kind *events.Kind
	// Catalogue holds the products by short code. If it is empty every product is accepted.
	Catalogue map[string]events.Product
	// Products are the short codes that the import's manager may use. Empty: all.
	Products []string
	// Returned says that the file is one of rejected rows that has its columns, so its values are as they
	// were meant.
	Returned bool
	// Existing says what a row does whose license exists.
	Existing events.Existing
	// Validated says that an earlier phase has validated all rows. No row is rejected any more: an
	// all_or_nothing import must not reject one because the catalogue, or a license, changed in between.
	Validated bool
	// Preview says that nothing of what is decided is stored: no row waits for a license that is pending.
	Preview bool
	// Cells maps the rows' cells. nil: they are as the columns want them.
	Cells *mapping.Cells
	// Headers are the file's own headers, by column index. nil: the columns' names.
	Headers []string
}

// Verdict is what can be said about a row without knowing which licenses exist. The row's values are
// mapped.
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

	// Previous is the last event of the row's license that an outcome at its subject follows. [Policy.Outcomes]
	// sets it.
	Previous events.Seq

	position events.Seq // of the row, in ROWS

	subject string         // of the row's license, once Subject has been called
	policy  *Policy        // that judged the row
	sent    []mapping.Cell // the values that the mapping changed, as they were
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

// values are the row's values, by column, as the rules read them.
func (v *Verdict) values() *events.Values { return &v.Row.Values }

// asSent is the row's value in a column before any mapping.
func (v *Verdict) asSent(column int) string {
	for i := range v.sent {
		if v.sent[i].Column == column {
			return v.sent[i].Value
		}
	}
	return v.Row.Values[column]
}

// Judge maps a row's values in place and applies all rules to them. The verdict has every error of the
// row, not only the first.
func (p *Policy) Judge(row *events.RowReceived) Verdict {
	v := Verdict{Row: row, Record: new(events.Record), policy: p}
	if m := row.Malformed; m != nil {
		v.Errors = []events.FieldError{malformed(row, m)}
		if m.Code != events.InvalidEncoding { // with this code the fields are known
			return v
		}
	}
	v.sent = p.Cells.Apply(&row.Values)
	p.readColumns(&v)
	p.checkProduct(&v)
	p.checkConflicts(&v)
	if row.Malformed != nil { // other errors of the damaged value would mislead
		damaged := v.Errors[0].Column
		others := slices.DeleteFunc(v.Errors[1:], func(e events.FieldError) bool { return e.Column == damaged })
		v.Errors = append(v.Errors[:1], others...)
	}
	if v.Valid() {
		v.Record.License.FillDefaults(&v.Product)
		v.Warnings = v.warnings(v.Record)
		if !p.Returned {
			v.warnOfApostrophes()
		}
	}
	return v
}

// nameAsSent makes errors speak of the file as its owner knows it: by its headers, with the cells as
// sent, and with dates in its format.
func (p *Policy) nameAsSent(errors []events.FieldError, sent []mapping.Cell) {
	if p.Cells == nil && p.Headers == nil {
		return
	}
	for i := range errors {
		e := &errors[i]
		column, known := events.ColumnIndex(e.Column)
		if !known {
			continue
		}
		if p.Headers != nil {
			e.Header = p.Headers[column]
		}
		for _, cell := range sent {
			if cell.Column == column && cell.Value != "" {
				e.Value = events.Excerpt(cell.Value, events.MaxErrorValue)
			}
		}
		if e.Code == events.InvalidDate {
			e.Message = strings.Replace(e.Message, mapping.ISO, p.Cells.DateFormat(), 1)
		}
	}
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

// readColumns parses the values. One that clears its column says nothing of a license that is new.
func (p *Policy) readColumns(v *Verdict) {
	kind := p.kind()
	for _, i := range kind.Columns() {
		column := &events.Columns[i]
		sent := v.values()[i]
		if sent == "" && !column.Required {
			continue
		}
		value := column.Clean(sent)
		if p.clears(value) {
			value = ""
		}
		switch {
		case value != "":
			if code := column.Set(v.Record, value); code != "" {
				v.reject(i, code)
			}
		case kind.Requires(i):
			v.reject(i, events.Required)
		}
	}
}

func (p *Policy) kind() *events.Kind {
	if p.Kind == nil {
		return events.Licenses
	}
	return p.Kind
}

// clears reports whether a value clears its column.
func (p *Policy) clears(value string) bool {
	return p.Existing == events.UpdateExisting && events.Clears(value)
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

func (p *Policy) checkConflicts(v *Verdict) {
	if p.gives(v, columnValidityPeriod) && p.gives(v, columnValidDuration) {
		v.reject(columnValidityPeriod, events.Conflict)
	}
}

// gives reports whether the row gives a value in this column.
func (p *Policy) gives(v *Verdict, column int) bool {
	value := events.Columns[column].Clean(v.values()[column])
	return value != "" && !p.clears(value)
}

// Outcomes decides judged rows in file order. licenses must hold what is known of their licenses, and
// Outcomes adds what the rows make of them: of two rows with one license the first imports it and the
// second finds it. Outcomes decides as many rows as can be stored in one batch, at least one unless the
// license of the first is pending: it stops before a row whose outcome follows a pending event. Where the
// stream holds a row's outcome already, it sets Stored.
func (p *Policy) Outcomes(verdicts []Verdict, licenses Licenses) []events.Event {
	outcomes := make([]events.Event, 0, len(verdicts))
	size := 0
	for i := range verdicts {
		v := &verdicts[i]
		outcome := v.Stored
		switch {
		case outcome != nil:
		case !v.Valid():
			outcome = v.rejected(v.Errors)
		case isOutcomeOf(licenses[v.Subject()].Last, v.Row):
			v.Stored = licenses[v.Subject()].Last
			outcome = v.Stored
		default:
			outcome = p.outcome(v, licenses[v.Subject()])
			if size += extraSize(outcome); outcome == nil || size > maxExtraSize && i > 0 {
				return outcomes
			}
		}
		if _, exists := events.StateAfter(outcome); exists && (v.Stored == nil || p.Preview) {
			v.Previous = licenses[v.Subject()].Seq
			licenses[v.Subject()] = License{Last: outcome, Pending: true}
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes
}

// outcome decides a valid row whose license is known: nil if that has to be stored before.
func (p *Policy) outcome(v *Verdict, license License) events.Event {
	var outcome events.Event
	switch now, exists := license.State(); {
	case !exists:
		outcome = v.imported()
	case p.Existing != events.UpdateExisting:
		return v.existed(now, v.Warnings)
	default:
		outcome = p.update(v, now, license.Seq)
	}
	if _, follows := events.StateAfter(outcome); follows && license.Pending && !p.Preview {
		return nil
	}
	return outcome
}

// Rejections are the outcomes of rows that are only validated: nil for a valid one.
func Rejections(verdicts []Verdict) []events.Event {
	outcomes := make([]events.Event, len(verdicts))
	for i := range verdicts {
		switch v := &verdicts[i]; {
		case v.Stored != nil:
			outcomes[i] = v.Stored
		case !v.Valid():
			outcomes[i] = v.rejected(v.Errors)
		}
	}
	return outcomes
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

func (v *Verdict) rejected(errors []events.FieldError) *events.RowRejected {
	v.policy.nameAsSent(errors, v.sent)
	rejected := &events.RowRejected{
		JobID: v.Row.JobID, Row: v.Row.Row, Line: v.Row.Line,
		Errors: errors, Values: v.Row.Values,
	}
	for _, cell := range v.sent {
		rejected.Values[cell.Column] = cell.Value
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
