package events

import (
	"fmt"

	"github.com/goccy/go-json"
)

// Values are a row's values as they were sent, by column index; what was not
// given is empty. On the wire they are an object of the given ones by header,
// in the table's order.
type Values [NumColumns]string

// MarshalJSON writes the values that were given.
func (v Values) MarshalJSON() ([]byte, error) {
	return v.appendTo(make([]byte, 0, 512)), nil
}

// UnmarshalJSON reads an object of texts. Columns that are not in the table are
// ignored: a newer program may have written them.
func (v *Values) UnmarshalJSON(data []byte) error {
	rest, ok := skip(data, '{')
	if !ok {
		return v.unmarshalSlowly(data)
	}
	if _, empty := skip(rest, '}'); empty {
		return nil
	}
	for {
		var name, text []byte
		if name, rest, ok = plainString(rest); !ok {
			return v.unmarshalSlowly(data)
		}
		if rest, ok = skip(rest, ':'); !ok {
			return v.unmarshalSlowly(data)
		}
		if text, rest, ok = plainString(rest); !ok {
			return v.unmarshalSlowly(data)
		}
		if i, known := columnByHeader[string(name)]; known {
			v[i] = string(text)
		}
		next, more := skip(rest, ',')
		if !more {
			return nil // the JSON library has checked that a closing brace follows
		}
		rest = next
	}
}

// unmarshalSlowly takes every object of texts, escapes included.
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
		b = append(b, '"')
		b = append(b, Columns[i].Name...) // needs no escaping
		b = append(b, `":`...)
		b = appendString(b, v[i])
	}
	return append(b, '}')
}

// plainString takes a JSON string without escapes off the front of data.
func plainString(data []byte) (text, rest []byte, ok bool) {
	if data, ok = skip(data, '"'); !ok {
		return nil, nil, false
	}
	for i, c := range data {
		if c == '"' {
			return data[:i], data[i+1:], true
		}
		if c == '\\' {
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// skip takes white space and then the byte c off the front of data.
func skip(data []byte, c byte) (rest []byte, ok bool) {
	for i, d := range data {
		if d == c {
			return data[i+1:], true
		}
		if d != ' ' && d != '\n' && d != '\t' && d != '\r' {
			break
		}
	}
	return data, false
}
