package events

import (
	"bytes"
	"strconv"
)

// Outcomes are the most frequent events after the rows, so this file writes and reads them by hand. The
// bytes are those of encoding/json: FuzzFastEncode compares them.

// appendOutcome appends the data of an outcome. ok is false for other types, and for texts that
// encoding/json writes differently.
func appendOutcome(b []byte, e Event) (body []byte, ok bool) {
	switch e := e.(type) {
	case *LicenseImported:
		body = e.appendData(b)
	case *LicenseExisted:
		body = e.appendData(b)
	case *RowRejected:
		body = e.appendData(b)
	case *LicenseUpdated:
		body = e.appendData(b)
	case *LicenseUpdateProposed:
		body = (*LicenseUpdated)(e).appendData(b)
	case *LicenseRestored:
		body = e.appendData(b)
	case *LicenseRevoked:
		body = e.appendData(b)
	default:
		return b, false
	}
	return body, matchesEncodingJSON(body[len(b):])
}

// matchesEncodingJSON reports whether encoding/json writes these texts as appendString did. The library
// has short escapes for more control characters; it also escapes U+2028, U+2029 and the replacement of
// bytes that are not UTF-8.
func matchesEncodingJSON(data []byte) bool {
	if bytes.IndexByte(data, '\\') >= 0 && bytes.Contains(data, []byte(`\u`)) {
		return false
	}
	if bytes.IndexByte(data, "\u2028"[0]) >= 0 &&
		(bytes.Contains(data, []byte("\u2028")) || bytes.Contains(data, []byte("\u2029"))) {
		return false
	}
	return bytes.IndexByte(data, "\uFFFD"[0]) < 0 || !bytes.Contains(data, []byte("\uFFFD"))
}

func (e *LicenseImported) appendData(b []byte) []byte {
	b = appendRowRef(b, e.JobID, e.Row)
	b = appendMembers(append(b, `,"license":`...), licenseMembers, target{License: &e.License})
	b = appendProduct(b, &e.Product)
	return appendValidRowTail(b, e.Customer, &e.Order, e.Warnings, e.Line)
}

func (e *LicenseImported) parse(s *scanner) {
	e.JobID, e.Row = s.rowRef()
	s.expect(`,"license":`)
	s.object(licenseMembers, target{License: &e.License})
	s.product(&e.Product)
	e.Customer, e.Warnings, e.Line = s.validRowTail(&e.Order)
}

func (e *LicenseExisted) appendData(b []byte) []byte {
	b = appendRowRef(b, e.JobID, e.Row)
	b = appendString(append(b, `,"license_key":`...), e.LicenseKey)
	b = appendProduct(b, &e.Product)
	b = append(appendRowRef(append(b, `,"by":`...), e.By.JobID, e.By.Row), '}')
	if len(e.Differs) > 0 {
		b = appendStrings(append(b, `,"differs":`...), e.Differs)
	}
	return appendValidRowTail(b, e.Customer, &e.Order, e.Warnings, e.Line)
}

func (e *LicenseExisted) parse(s *scanner) {
	e.JobID, e.Row = s.rowRef()
	s.expect(`,"license_key":`)
	e.LicenseKey = s.text()
	s.product(&e.Product)
	s.expect(`,"by":`)
	e.By.JobID, e.By.Row = s.rowRef()
	s.expect(`}`)
	if s.consumeIf(`,"differs":`) {
		e.Differs = s.strings()
	}
	e.Customer, e.Warnings, e.Line = s.validRowTail(&e.Order)
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

func (e *RowRejected) parse(s *scanner) {
	e.JobID, e.Row = s.rowRef()
	s.expect(`,"line":`)
	e.Line = s.uint()
	s.expect(`,"errors":`)
	e.Errors = s.errors()
	s.expect(`,"values":`)
	s.values(&e.Values)
	if s.consumeIf(`,"raw":`) {
		e.Raw = s.text()
	}
	s.expect(`}`)
}

// appendRowRef appends the two members that begin the data of a row, and that name a row elsewhere.
func appendRowRef(b []byte, job JobID, row Row) []byte {
	b = strconv.AppendUint(append(b, `{"job_id":`...), uint64(job), 10)
	return strconv.AppendUint(append(b, `,"row":`...), uint64(row), 10)
}

func (s *scanner) rowRef() (JobID, Row) {
	s.expect(`{"job_id":`)
	job := s.uint()
	s.expect(`,"row":`)
	return JobID(job), Row(s.uint())
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

func (s *scanner) product(p *Product) {
	s.expect(`,"product":{"short_code":`)
	p.ShortCode = s.text()
	if s.consumeIf(`,"name":`) {
		p.Name = s.text()
	}
	if s.consumeIf(`,"license_type":`) {
		p.LicenseType = s.text()
	}
	if s.consumeIf(`,"max_activations":`) {
		p.MaxActivations = intern(s.int())
	}
	s.expect(`}`)
}

// appendValidRowTail appends the members that end the data of a valid row.
func appendValidRowTail(b []byte, customer *Customer, order *Order, warnings []Warning, line uint64) []byte {
	if customer != nil {
		b = appendMembers(append(b, `,"customer":`...), customerMembers, target{Customer: customer})
	}
	b = appendMembers(append(b, `,"order":`...), orderMembers, target{Order: order})
	if len(warnings) > 0 {
		b = appendWarnings(append(b, `,"warnings":`...), warnings)
	}
	if line > 0 {
		b = strconv.AppendUint(append(b, `,"line":`...), line, 10)
	}
	return append(b, '}')
}

func (s *scanner) validRowTail(order *Order) (customer *Customer, warnings []Warning, line uint64) {
	if s.consumeIf(`,"customer":`) {
		customer = new(Customer)
		s.object(customerMembers, target{Customer: customer})
	}
	s.expect(`,"order":`)
	s.object(orderMembers, target{Order: order})
	if s.consumeIf(`,"warnings":`) {
		warnings = s.warnings()
	}
	if s.consumeIf(`,"line":`) {
		line = s.uint()
	}
	s.expect(`}`)
	return customer, warnings, line
}

// appendStrings appends an array of texts, of which there is at least one.
func appendStrings(b []byte, texts []string) []byte {
	start := len(b)
	for _, text := range texts {
		b = appendString(append(b, ','), text)
	}
	b[start] = '[' // in place of the first comma
	return append(b, ']')
}

func (s *scanner) strings() (texts []string) {
	for s.expect(`[`); !s.failed; s.expect(`,`) {
		texts = append(texts, s.text())
		if s.consumeByte(']') {
			break
		}
	}
	return texts
}

func appendWarnings(b []byte, warnings []Warning) []byte {
	start := len(b)
	for i := range warnings {
		b = appendString(append(b, `,{"column":`...), warnings[i].Column)
		b = appendString(append(b, `,"code":`...), string(warnings[i].Code))
		if warnings[i].Value != "" {
			b = appendString(append(b, `,"value":`...), warnings[i].Value)
		}
		b = append(b, '}')
	}
	b[start] = '['
	return append(b, ']')
}

func (s *scanner) warnings() (warnings []Warning) {
	for s.expect(`[`); !s.failed; s.expect(`,`) {
		var w Warning
		s.expect(`{"column":`)
		w.Column = s.text()
		s.expect(`,"code":`)
		w.Code = WarningCode(s.text())
		if s.consumeIf(`,"value":`) {
			w.Value = s.text()
		}
		s.expect(`}`)
		warnings = append(warnings, w)
		if s.consumeByte(']') {
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
		if e.Header != "" {
			b = appendString(append(b, `,"header":`...), e.Header)
		}
		b = appendString(append(b, `,"code":`...), string(e.Code))
		b = appendString(append(b, `,"message":`...), e.Message)
		b = appendString(append(b, `,"value":`...), e.Value)
		b = append(b, '}')
	}
	b[start] = '['
	return append(b, ']')
}

func (s *scanner) errors() (errors []FieldError) {
	for s.expect(`[`); !s.failed; s.expect(`,`) {
		var e FieldError
		s.expect(`{"column":`)
		e.Column = s.text()
		if s.consumeIf(`,"header":`) {
			e.Header = s.text()
		}
		s.expect(`,"code":`)
		e.Code = Code(s.text())
		s.expect(`,"message":`)
		e.Message = s.text()
		s.expect(`,"value":`)
		e.Value = s.text()
		s.expect(`}`)
		errors = append(errors, e)
		if s.consumeByte(']') {
			break
		}
	}
	return errors
}
