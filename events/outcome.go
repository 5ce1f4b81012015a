package events

import (
	"bytes"
	"strconv"
)

// The outcomes of rows, written and read by hand: after the rows themselves they
// are by far the most frequent events. On the wire they are to the byte what the
// JSON library makes of them; FuzzFastEncode holds that.

// appendOutcome writes the data of an outcome, or leaves it to the JSON library.
func appendOutcome(b []byte, e Event) (body []byte, ok bool) {
	switch e := e.(type) {
	case *LicenseImported:
		body = e.appendData(b)
	case *LicenseExisted:
		body = e.appendData(b)
	case *RowRejected:
		body = e.appendData(b)
	default:
		return b, false
	}
	return body, writtenAlike(body[len(b):])
}

// writtenAlike tells whether the JSON library writes these texts as appendString
// did. It escapes more: other control characters in another way, and U+2028,
// U+2029 and what stands for bytes that are not UTF-8 at all.
func writtenAlike(data []byte) bool {
	if bytes.IndexByte(data, '\\') >= 0 && bytes.Contains(data, []byte(`\u`)) {
		return false
	}
	if bytes.IndexByte(data, "\u2028"[0]) >= 0 && (bytes.Contains(data, []byte("\u2028")) || bytes.Contains(data, []byte("\u2029"))) {
		return false
	}
	return bytes.IndexByte(data, "\uFFFD"[0]) < 0 || !bytes.Contains(data, []byte("\uFFFD"))
}

func (e *LicenseImported) appendData(b []byte) []byte {
	b = appendRowOf(b, e.JobID, e.Row)
	b = appendMembers(append(b, `,"license":`...), licenseMembers, place{License: &e.License})
	b = appendProduct(b, &e.Product)
	return appendRest(b, e.Customer, &e.Order, e.Warnings)
}

func (e *LicenseImported) parse(r *reader) {
	e.JobID, e.Row = r.rowOf()
	r.skip(`,"license":`)
	r.members(licenseMembers, place{License: &e.License})
	r.product(&e.Product)
	e.Customer, e.Warnings = r.restOf(&e.Order)
}

func (e *LicenseExisted) appendData(b []byte) []byte {
	b = appendRowOf(b, e.JobID, e.Row)
	b = appendString(append(b, `,"license_key":`...), e.LicenseKey)
	b = appendProduct(b, &e.Product)
	b = append(appendRowOf(append(b, `,"by":`...), e.By.JobID, e.By.Row), '}')
	return appendRest(b, e.Customer, &e.Order, e.Warnings)
}

func (e *LicenseExisted) parse(r *reader) {
	e.JobID, e.Row = r.rowOf()
	r.skip(`,"license_key":`)
	e.LicenseKey = r.text()
	r.product(&e.Product)
	r.skip(`,"by":`)
	e.By.JobID, e.By.Row = r.rowOf()
	r.skip(`}`)
	e.Customer, e.Warnings = r.restOf(&e.Order)
}

func (e *RowRejected) appendData(b []byte) []byte {
	b = appendRowOf(b, e.JobID, e.Row)
	b = strconv.AppendUint(append(b, `,"line":`...), e.Line, 10)
	b = appendErrors(append(b, `,"errors":`...), e.Errors)
	b = e.Values.appendTo(append(b, `,"values":`...))
	if e.Raw != "" {
		b = appendString(append(b, `,"raw":`...), e.Raw)
	}
	return append(b, '}')
}

func (e *RowRejected) parse(r *reader) {
	e.JobID, e.Row = r.rowOf()
	r.skip(`,"line":`)
	e.Line = r.number()
	r.skip(`,"errors":`)
	e.Errors = r.errors()
	r.skip(`,"values":`)
	r.values(&e.Values)
	if r.follows(`,"raw":`) {
		e.Raw = r.text()
	}
	r.skip(`}`)
}

// appendRowOf writes the two members with which the data of a row begins, and
// with which one row names another.
func appendRowOf(b []byte, job JobID, row Row) []byte {
	b = strconv.AppendUint(append(b, `{"job_id":`...), uint64(job), 10)
	return strconv.AppendUint(append(b, `,"row":`...), uint64(row), 10)
}

func (r *reader) rowOf() (JobID, Row) {
	r.skip(`{"job_id":`)
	job := r.number()
	r.skip(`,"row":`)
	return JobID(job), Row(r.number())
}

func appendProduct(b []byte, p *Product) []byte {
	b = appendString(append(b, `,"product":{"short_code":`...), p.ShortCode)
	if p.Name != "" {
		b = appendString(append(b, `,"name":`...), p.Name)
	}
	if p.LicenseType != "" {
		b = appendString(append(b, `,"license_type":`...), p.LicenseType)
	}
	if p.MaxActivations != nil {
		b = strconv.AppendInt(append(b, `,"max_activations":`...), int64(*p.MaxActivations), 10)
	}
	return append(b, '}')
}

func (r *reader) product(p *Product) {
	r.skip(`,"product":{"short_code":`)
	p.ShortCode = r.text()
	if r.follows(`,"name":`) {
		p.Name = r.text()
	}
	if r.follows(`,"license_type":`) {
		p.LicenseType = r.text()
	}
	if r.follows(`,"max_activations":`) {
		p.MaxActivations = share(r.int())
	}
	r.skip(`}`)
}

// appendRest writes the members with which the data of a valid row ends.
func appendRest(b []byte, customer *Customer, order *Order, warnings []Warning) []byte {
	if customer != nil {
		b = appendMembers(append(b, `,"customer":`...), customerMembers, place{Customer: customer})
	}
	b = appendMembers(append(b, `,"order":`...), orderMembers, place{Order: order})
	if len(warnings) > 0 {
		b = appendWarnings(append(b, `,"warnings":`...), warnings)
	}
	return append(b, '}')
}

func (r *reader) restOf(order *Order) (customer *Customer, warnings []Warning) {
	if r.follows(`,"customer":`) {
		customer = new(Customer)
		r.members(customerMembers, place{Customer: customer})
	}
	r.skip(`,"order":`)
	r.members(orderMembers, place{Order: order})
	if r.follows(`,"warnings":`) {
		warnings = r.warnings()
	}
	r.skip(`}`)
	return customer, warnings
}

func appendWarnings(b []byte, warnings []Warning) []byte {
	start := len(b)
	for i := range warnings {
		b = appendString(append(b, `,{"column":`...), warnings[i].Column)
		b = appendString(append(b, `,"code":`...), string(warnings[i].Code))
		b = append(b, '}')
	}
	b[start] = '['
	return append(b, ']')
}

func (r *reader) warnings() (warnings []Warning) {
	for r.skip(`[`); !r.failed; r.skip(`,`) {
		var w Warning
		r.skip(`{"column":`)
		w.Column = r.text()
		r.skip(`,"code":`)
		w.Code = WarningCode(r.text())
		r.skip(`}`)
		warnings = append(warnings, w)
		if r.mark(']') {
			break
		}
	}
	return warnings
}

func appendErrors(b []byte, errors []FieldError) []byte {
	switch {
	case errors == nil:
		return append(b, `null`...)
	case len(errors) == 0:
		return append(b, `[]`...)
	}
	start := len(b)
	for i := range errors {
		e := &errors[i]
		b = appendString(append(b, `,{"column":`...), e.Column)
		b = appendString(append(b, `,"code":`...), string(e.Code))
		b = appendString(append(b, `,"message":`...), e.Message)
		b = appendString(append(b, `,"value":`...), e.Value)
		b = append(b, '}')
	}
	b[start] = '['
	return append(b, ']')
}

func (r *reader) errors() (errors []FieldError) {
	for r.skip(`[`); !r.failed; r.skip(`,`) {
		var e FieldError
		r.skip(`{"column":`)
		e.Column = r.text()
		r.skip(`,"code":`)
		e.Code = Code(r.text())
		r.skip(`,"message":`)
		e.Message = r.text()
		r.skip(`,"value":`)
		e.Value = r.text()
		r.skip(`}`)
		errors = append(errors, e)
		if r.mark(']') {
			break
		}
	}
	return errors
}
