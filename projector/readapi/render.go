package readapi

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/projector"
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
func renderLicense(views *projector.Reader, l *projector.License) (object, error) {
	customer, err := customerOf(views, l)
	if err != nil {
		return nil, err
	}
	order, err := orderOf(views, l)
	if err != nil {
		return nil, err
	}
	e := l.Event
	o := object{{"id", l.Seq}}
	o = append(o, columnsOf("license__", &events.Record{License: e.License})...)
	return append(o,
		member{"product", object{{"short_code", e.Product.ShortCode}, {"name", orNull(e.Product.Name)}}},
		member{"customer", customer},
		member{"order", order},
		member{"import_id", e.JobID},
		member{"import_row", e.Row},
		member{"created_at", when(l.Created)}), nil
}

// customerOf is a license's customer, nil (and so null) if it has none.
func customerOf(views *projector.Reader, l *projector.License) (any, error) {
	if l.Customer == 0 {
		return nil, nil
	}
	by, err := creator(views, l, l.Customer)
	if err != nil {
		return nil, err
	}
	return customerObject(by), nil
}

func orderOf(views *projector.Reader, l *projector.License) (any, error) {
	by, err := creator(views, l, l.Order)
	if err != nil {
		return nil, err
	}
	return orderObject(by), nil
}

// creator is the license that made a customer or order.
func creator(views *projector.Reader, l *projector.License, seq events.Seq) (*projector.License, error) {
	if seq == l.Seq {
		return l, nil
	}
	found, err := views.License(seq)
	if err == nil && found == nil {
		err = projector.ErrDamaged
	}
	return found, err
}

func customerObject(creator *projector.License) object {
	record := &events.Record{}
	if creator.Event.Customer != nil {
		record.Customer = *creator.Event.Customer
	}
	return append(object{{"id", creator.Seq}}, columnsOf("customer__", record)...)
}

func orderObject(creator *projector.License) object {
	return append(object{{"id", creator.Seq}}, columnsOf("order__", &events.Record{Order: creator.Event.Order})...)
}

// origin are the members that say where a customer or order comes from.
func origin(o object, creator *projector.License) object {
	return append(o,
		member{"import_id", creator.Event.JobID},
		member{"import_row", creator.Event.Row},
		member{"created_at", when(creator.Created)})
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
