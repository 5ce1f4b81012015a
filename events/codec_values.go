package events

import (
	"encoding/json"
	"fmt"
)

// Values are a row's values as they were sent, by column index; what was not
// given is empty. On the wire they are an object of the given ones by header,
// in the table's order.
type Values [NumColumns]string

// MarshalJSON writes the values that were given.
func (v Values) MarshalJSON() ([]byte, error) {
	return v.appendTo(make([]byte, 0, 512)), nil
}

// UnmarshalJSON reads an object of texts; what v held before is gone. Columns
// that are not in the table are ignored: a newer program may have written them.
func (v *Values) UnmarshalJSON(data []byte) error {
	*v = Values{}
	if rest, ok := v.parse(data); ok && len(rest) == 0 {
		return nil
	}
	*v = Values{}
	return v.unmarshalSlowly(data)
}

// unmarshalSlowly takes every object of texts, in any order.
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

// appendTo writes the values as a JSON object.
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

// valueLabels are what stands before each value.
var valueLabels = func() (labels [NumColumns]string) {
	for i := range labels {
		labels[i] = `"` + Columns[i].Name + `":` // needs no escaping
	}
	return labels
}()

// parse takes an object off the front of data, in the form in which appendTo
// writes it. The values are unusable where it fails.
func (v *Values) parse(data []byte) (rest []byte, ok bool) {
	r := scanner{rest: data}
	r.values(v)
	return r.rest, !r.failed
}

// values reads an object as appendTo writes it.
func (r *scanner) values(v *Values) {
	if r.consumeIf(`{}`) {
		return
	}
	r.expect(`{`)
	for i := range v {
		if !r.consumeIf(valueLabels[i]) {
			continue
		}
		v[i] = r.text()
		if !r.consumeByte(',') {
			r.expect(`}`)
			return
		}
	}
	r.failed = true // there is one that is unknown, or not where it should be
}
