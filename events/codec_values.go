package events

import (
	"encoding/json"
	"fmt"
)

// Values are a row's values as sent, by column index; an empty value was not given. On the wire they are an
// object of the values that were given, by header, in the table's order.
type Values [NumColumns]string

// MarshalJSON writes the values that were given.
func (v Values) MarshalJSON() ([]byte, error) {
	return v.appendTo(make([]byte, 0, 512)), nil
}

// UnmarshalJSON replaces v by an object of texts. It ignores columns that are not in the table: a newer
// program may have written them.
func (v *Values) UnmarshalJSON(data []byte) error {
	*v = Values{}
	if rest, ok := v.parse(data); ok && len(rest) == 0 {
		return nil
	}
	*v = Values{}
	return v.unmarshalSlowly(data)
}

// unmarshalSlowly accepts an object of texts in any order.
func (v *Values) unmarshalSlowly(data []byte) error {
	var texts map[string]string
	if err := json.Unmarshal(data, &texts); err != nil {
		return fmt.Errorf("values of a row: %w", err)
	}
	for name, text := range texts {
		if i, known := columnByHeader[name]; known {
			v[i] = text
		}
	}
	return nil
}

// appendTo appends the values as a JSON object.
func (v *Values) appendTo(b []byte) []byte {
	b = append(b, '{')
	first := true
	for i := range v {
		if v[i] == "" {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendString(append(b, valueLabels[i]...), v[i])
	}
	return append(b, '}')
}

// valueLabels are each value's name, quoted, and the colon.
var valueLabels = func() (labels [NumColumns]string) {
	for i := range labels {
		labels[i] = `"` + Columns[i].Name + `":` // needs no escaping
	}
	return labels
}()

// parse reads an object from the front of data, in the form that appendTo writes. If it fails, the values
// are useless.
func (v *Values) parse(data []byte) (rest []byte, ok bool) {
	s := scanner{rest: data}
	s.values(v)
	return s.rest, !s.failed
}

// values reads an object in the form that appendTo writes.
func (s *scanner) values(v *Values) {
	if s.consumeIf(`{}`) {
		return
	}
	s.expect(`{`)
	for i := range v {
		if !s.consumeIf(valueLabels[i]) {
			continue
		}
		v[i] = s.text()
		if !s.consumeByte(',') {
			s.expect(`}`)
			return
		}
	}
	s.failed = true // a column is unknown, or out of order
}
