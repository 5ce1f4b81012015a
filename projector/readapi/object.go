package readapi

import (
	"bytes"
	"encoding/json"
	"strings"

	"licenseimport/events"
)

// object is a JSON object whose members keep the order in which they were added. Licenses,
// customers and orders need one, since their members follow from the table of columns.
type object []member

type member struct {
	name  string
	value any
}

// with adds one member.
func (o object) with(name string, value any) object { return append(o, member{name, value}) }

// withColumns adds a record's columns whose names begin with a prefix, without that prefix. A
// column without a value is null.
func (o object) withColumns(prefix string, r *events.Record) object {
	for _, i := range events.Licenses.Columns() {
		if name, ok := strings.CutPrefix(events.Columns[i].Name, prefix); ok {
			o = o.with(name, events.Columns[i].Value(r))
		}
	}
	return o
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
