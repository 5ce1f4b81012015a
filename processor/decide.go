package processor

import (
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/events/importjob"
	"licenseimport/internal/mapping"
)

// Policy is what the verdict on a row depends on besides the row.
type Policy struct {
	// Kind is what the rows are. nil: licenses.
	Kind *events.Kind
	// Catalogue holds the products by short code. If it is empty every product is accepted.
	Catalogue map[string]events.CatalogueProduct
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

	rules *decider       // of the kind; nil: look it up
	since importjob.Fact // of the job: what was stored before it has to be found
}

// decider is what the rows' kind asks for.
func (p *Policy) decider() *decider {
	if p.rules != nil {
		return p.rules
	}
	return deciderOf(p.kind())
}

// Verdict is what can be said about a row without knowing what exists. The row's values are mapped.
type Verdict struct {
	Row      *events.RowReceived
	Record   events.Record
	Product  events.Product
	Errors   []events.FieldError // empty: the row is valid
	Warnings []events.Warning

	// LicenseID is the license that a row about a part of it belongs to, once that is known. 0: none.
	LicenseID events.Seq

	// MaybeRepeated: an earlier row of the job may be about the same. False: no row that this processor has
	// read is.
	MaybeRepeated bool

	// Stored is the row's outcome if the stream holds it already, from a torn batch. nil: it does
	// not.
	Stored events.Outcome

	// Previous is the last event at the row's subject, which an outcome there follows. [Policy.Outcomes] sets
	// it.
	Previous events.Seq

	position events.Seq // of the row, in ROWS

	sound   bool           // valid by itself: only what it belongs to may reject it
	subject string         // once Subject has been called
	policy  *Policy        // that judged the row
	sent    []mapping.Cell // the values that the mapping changed, as they were
}

// Valid reports whether the row can be imported.
func (v *Verdict) Valid() bool { return len(v.Errors) == 0 }

// Subject is the subject of what the row is about, such as a license. The row must be valid.
func (v *Verdict) Subject() string {
	if v.subject == "" {
		v.subject = v.policy.decider().subject(v)
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
	var v Verdict
	p.judge(row, &v)
	return v
}

// judge is Judge for a verdict that stands in a batch, and is zero. The rules get its address, so it is no local
// variable that would be allocated for each row.
func (p *Policy) judge(row *events.RowReceived, v *Verdict) {
	v.Row, v.policy = row, p
	if m := row.Malformed; m != nil {
		v.Errors = malformed(row, m)
		if m.Code != events.InvalidEncoding { // with this code the fields are known
			return
		}
	}
	v.sent = p.Cells.Apply(&row.Values)
	p.readColumns(v)
	rules := p.decider()
	if rules.check != nil {
		rules.check(p, v)
	}
	if row.Malformed != nil { // other errors of the damaged value would mislead
		n := 1 + len(row.Malformed.MoreColumns)
		damaged := v.Errors[:n]
		others := slices.DeleteFunc(v.Errors[n:], func(e events.FieldError) bool {
			return slices.ContainsFunc(damaged, func(d events.FieldError) bool { return d.Column == e.Column })
		})
		v.Errors = append(damaged, others...)
	}
	if v.sound = v.Valid(); v.sound {
		if rules.complete != nil {
			rules.complete(v)
		}
		v.Warnings = v.warnings(rules.warnings, &v.Record)
		if !p.Returned {
			v.warnOfApostrophes()
		}
	}
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

// malformed are the errors of a row that the CSV reader could not read: one for each column of which it knows.
func malformed(row *events.RowReceived, m *events.Malformed) (errors []events.FieldError) {
	for _, column := range append([]string{m.Column}, m.MoreColumns...) {
		value := m.Raw
		if i, ok := events.ColumnIndex(column); ok {
			value = row.Values[i]
		}
		errors = append(errors, events.FieldError{
			Column: column, Code: m.Code, Message: m.Message,
			Value: events.Excerpt(value, events.MaxErrorValue),
		})
	}
	return errors
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
			if code := column.Set(&v.Record, value); code != "" {
				v.reject(i, code)
			}
		case kind.Requires(i):
			v.reject(i, events.Required)
		}
	}
}

func (p *Policy) kind() *events.Kind {
	if p.Kind == nil {
		return events.DefaultKind
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

// mayUse reports whether the row may name the product: the import's manager may use it, and it is in the catalogue.
// Otherwise it rejects the row.
func (p *Policy) mayUse(v *Verdict, product string) bool {
	_, known := p.Catalogue[product]
	switch {
	case len(p.Products) > 0 && !slices.Contains(p.Products, product):
		v.reject(events.ColumnProduct, events.NoAccess)
	case !known && len(p.Catalogue) > 0:
		v.reject(events.ColumnProduct, events.UnknownProduct)
	default:
		return true
	}
	return false
}

// gives reports whether the row gives a value in this column.
func (p *Policy) gives(v *Verdict, column int) bool {
	value := events.Columns[column].Clean(v.values()[column])
	return value != "" && !p.clears(value)
}

// Outcomes decides judged rows in file order. known must hold what the rows are about, as far as it exists, and
// Outcomes adds what the rows make of it: of two rows with one license the first imports it and the second
// finds it. Outcomes decides as many rows as can be stored in one batch, at least one unless what the first is
// about is pending: it stops before a row whose outcome follows a pending event. Where the stream holds a row's
// outcome already, it sets Stored.
func (p *Policy) Outcomes(verdicts []Verdict, known Aggregates) []events.Outcome {
	rules := p.decider()
	outcomes := make([]events.Outcome, 0, len(verdicts))
	size := 0
	for i := range verdicts {
		v := &verdicts[i]
		outcome := v.Stored
		switch {
		case outcome != nil:
		case !v.Valid():
			outcome = v.rejected(v.Errors)
		default:
			now := known[v.Subject()]
			if v.Stored = outcomeOf(now.Last, v.Row); v.Stored != nil {
				outcome = v.Stored
				break
			}
			outcome = rules.decide(p, v, now)
			waits := now.Pending && !p.Preview && rules.writes(outcome)
			if size += extraSize(outcome); waits || size > maxExtraSize && i > 0 {
				return outcomes
			}
		}
		if p.leaves(outcome) && (v.Stored == nil || p.Preview) {
			v.Previous = known[v.Subject()].Seq
			known[v.Subject()] = Aggregate{Last: outcome, Pending: true}
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes
}

// leaves reports whether what the row is about is then what the outcome says.
func (p *Policy) leaves(outcome events.Outcome) bool {
	return p.decider().writes(outcome) || p.Preview && outcome.Result() == events.Proposed
}

// Rejections are the outcomes of rows that are only validated: nil for a valid one.
func Rejections(verdicts []Verdict) []events.Outcome {
	outcomes := make([]events.Outcome, len(verdicts))
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
