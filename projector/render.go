package projector

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"licenseimport/events"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
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

// columnsOf are the members that the table of columns has for a prefix, null
// where nothing was given.
func columnsOf(prefix string, r *events.Record) object {
	var o object
	for i := range events.Columns {
		if name, ok := strings.CutPrefix(events.Columns[i].Name, prefix); ok {
			o = append(o, member{name, events.Columns[i].Value(r)})
		}
	}
	return o
}

// when is a time as the API writes it: UTC with microseconds.
func when(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// whenKnown is null for the zero time.
func whenKnown(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := when(t)
	return &s
}

// renderLicense is a license as the API shows it. Its customer and order are
// those of the rows that made them.
func (r reader) renderLicense(l *license) (object, error) {
	customer, err := r.customerOf(l)
	if err != nil {
		return nil, err
	}
	order, err := r.orderOf(l)
	if err != nil {
		return nil, err
	}
	e := l.event
	o := object{{"id", l.seq}}
	o = append(o, columnsOf("license__", &events.Record{License: e.License})...)
	return append(o,
		member{"product", object{{"short_code", e.Product.ShortCode}, {"name", orNull(e.Product.Name)}}},
		member{"customer", customer},
		member{"order", order},
		member{"import_id", e.JobID},
		member{"import_row", e.Row},
		member{"created_at", when(l.created())}), nil
}

// customerOf is a license's customer, nil (and so null) if it has none.
func (r reader) customerOf(l *license) (any, error) {
	if l.record.customer == 0 {
		return nil, nil
	}
	maker, err := r.maker(l, l.record.customer)
	if err != nil {
		return nil, err
	}
	return customerObject(maker), nil
}

func (r reader) orderOf(l *license) (any, error) {
	maker, err := r.maker(l, l.record.order)
	if err != nil {
		return nil, err
	}
	return orderObject(maker), nil
}

// maker is the license that made a customer or order.
func (r reader) maker(l *license, seq events.Seq) (*license, error) {
	if seq == l.seq {
		return l, nil
	}
	maker, err := r.license(seq)
	if err == nil && maker == nil {
		err = errDamaged
	}
	return maker, err
}

func customerObject(maker *license) object {
	record := &events.Record{}
	if maker.event.Customer != nil {
		record.Customer = *maker.event.Customer
	}
	return append(object{{"id", maker.seq}}, columnsOf("customer__", record)...)
}

func orderObject(maker *license) object {
	return append(object{{"id", maker.seq}}, columnsOf("order__", &events.Record{Order: maker.event.Order})...)
}

// origin are the members that say where a customer or order comes from.
func origin(o object, maker *license) object {
	return append(o,
		member{"import_id", maker.event.JobID},
		member{"import_row", maker.event.Row},
		member{"created_at", when(maker.created())})
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
