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
	return body, matchesEncodingJSON(body[len(b):])
}

// writtenAlike tells whether the JSON library writes these texts as appendString
// did. It escapes more: other control characters in another way, and U+2028,
// U+2029 and what stands for bytes that are not UTF-8 at all.
func matchesEncodingJSON(data []byte) bool {
	if bytes.IndexByte(data, '\\') >= 0 && bytes.Contains(data, []byte(`\u`)) {
		return false
	}
	if bytes.IndexByte(data, "\u2028"[0]) >= 0 && (bytes.Contains(data, []byte("\u2028")) || bytes.Contains(data, []byte("\u2029"))) {
		return false
	}
	return bytes.IndexByte(data, "\uFFFD"[0]) < 0 || !bytes.Contains(data, []byte("\uFFFD"))
}

func (e *LicenseImported) appendData(b []byte) []byte {
	b = appendRowRef(b, e.JobID, e.Row)
	b = appendMembers(append(b, `,"license":`...), licenseMembers, target{License: &e.License})
	b = appendProduct(b, &e.Product)
	return appendValidRowTail(b, e.Customer, &e.Order, e.Warnings)
}

func (e *LicenseImported) parse(r *scanner) {
	e.JobID, e.Row = r.rowRef()
	r.expect(`,"license":`)
	r.object(licenseMembers, target{License: &e.License})
	r.product(&e.Product)
	e.Customer, e.Warnings = r.validRowTail(&e.Order)
}

func (e *LicenseExisted) appendData(b []byte) []byte {
	b = appendRowRef(b, e.JobID, e.Row)
	b = appendString(append(b, `,"license_key":`...), e.LicenseKey)
	b = appendProduct(b, &e.Product)
	b = append(appendRowRef(append(b, `,"by":`...), e.By.JobID, e.By.Row), '}')
	return appendValidRowTail(b, e.Customer, &e.Order, e.Warnings)
}

func (e *LicenseExisted) parse(r *scanner) {
	e.JobID, e.Row = r.rowRef()
	r.expect(`,"license_key":`)
	e.LicenseKey = r.text()
	r.product(&e.Product)
	r.expect(`,"by":`)
	e.By.JobID, e.By.Row = r.rowRef()
	r.expect(`}`)
	e.Customer, e.Warnings = r.validRowTail(&e.Order)
}

func (e *RowRejected) appendData(b []byte) []byte {
	b = appendRowRef(b, e.JobID, e.Row)
	b = strconv.AppendUint(append(b, `,"line":`...), e.Line, 10)
	b = appendErrors(append(b, `,"errors":`...), e.Errors)
	b = e.Values.appendTo(append(b, `,"values":`...))
	if e.Raw != "" {
		b = appendString(append(b, `,"raw":`...), e.Raw)
	}
	return append(b, '}')
}

func (e *RowRejected) parse(r *scanner) {
	e.JobID, e.Row = r.rowRef()
	r.expect(`,"line":`)
	e.Line = r.uint()
	r.expect(`,"errors":`)
	e.Errors = r.errors()
	r.expect(`,"values":`)
	r.values(&e.Values)
	if r.consumeIf(`,"raw":`) {
		e.Raw = r.text()
	}
	r.expect(`}`)
}

// appendRowOf writes the two members with which the data of a row begins, and
// with which one row names another.
func appendRowRef(b []byte, job JobID, row Row) []byte {
	b = strconv.AppendUint(append(b, `{"job_id":`...), uint64(job), 10)
	return strconv.AppendUint(append(b, `,"row":`...), uint64(row), 10)
}

func (r *scanner) rowRef() (JobID, Row) {
	r.expect(`{"job_id":`)
	job := r.uint()
	r.expect(`,"row":`)
	return JobID(job), Row(r.uint())
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

func (r *scanner) product(p *Product) {
	r.expect(`,"product":{"short_code":`)
	p.ShortCode = r.text()
	if r.consumeIf(`,"name":`) {
		p.Name = r.text()
	}
	if r.consumeIf(`,"license_type":`) {
		p.LicenseType = r.text()
	}
	if r.consumeIf(`,"max_activations":`) {
		p.MaxActivations = intern(r.int())
	}
	r.expect(`}`)
}

// appendRest writes the members with which the data of a valid row ends.
func appendValidRowTail(b []byte, customer *Customer, order *Order, warnings []Warning) []byte {
	if customer != nil {
		b = appendMembers(append(b, `,"customer":`...), customerMembers, target{Customer: customer})
	}
	b = appendMembers(append(b, `,"order":`...), orderMembers, target{Order: order})
	if len(warnings) > 0 {
		b = appendWarnings(append(b, `,"warnings":`...), warnings)
	}
	return append(b, '}')
}

func (r *scanner) validRowTail(order *Order) (customer *Customer, warnings []Warning) {
	if r.consumeIf(`,"customer":`) {
		customer = new(Customer)
		r.object(customerMembers, target{Customer: customer})
	}
	r.expect(`,"order":`)
	r.object(orderMembers, target{Order: order})
	if r.consumeIf(`,"warnings":`) {
		warnings = r.warnings()
	}
	r.expect(`}`)
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

func (r *scanner) warnings() (warnings []Warning) {
	for r.expect(`[`); !r.failed; r.expect(`,`) {
		var w Warning
		r.expect(`{"column":`)
		w.Column = r.text()
		r.expect(`,"code":`)
		w.Code = WarningCode(r.text())
		r.expect(`}`)
		warnings = append(warnings, w)
		if r.consumeByte(']') {
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

func (r *scanner) errors() (errors []FieldError) {
	for r.expect(`[`); !r.failed; r.expect(`,`) {
		var e FieldError
		r.expect(`{"column":`)
		e.Column = r.text()
		r.expect(`,"code":`)
		e.Code = Code(r.text())
		r.expect(`,"message":`)
		e.Message = r.text()
		r.expect(`,"value":`)
		e.Value = r.text()
		r.expect(`}`)
		errors = append(errors, e)
		if r.consumeByte(']') {
			break
		}
	}
	return errors
}
