package readapi

import (
	"time"

	"licenseimport/events"
	"licenseimport/projector"
)

// formatTime writes a time as the API does: UTC with microseconds.
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// formatTimeOrNull returns nil (null in JSON) for the zero time.
func formatTimeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := formatTime(t)
	return &s
}

// renderLicense shows a license. The data of its customer and order are those of the rows that
// created them.
func renderLicense(views *projector.Reader, l *projector.License) (object, error) {
	var customer any // null: it has none
	if l.Customer != 0 {
		by, err := creator(views, l, l.Customer)
		if err != nil {
			return nil, err
		}
		customer = customerObject(by)
	}
	by, err := creator(views, l, l.Order)
	if err != nil {
		return nil, err
	}
	e := l.Event
	return object{{"id", l.Seq}}.
		withColumns("license__", &events.Record{License: e.License}).
		with("product", object{{"short_code", e.Product.ShortCode}, {"name", orNull(e.Product.Name)}}).
		with("customer", customer).
		with("order", orderObject(by)).
		with("import_id", e.JobID).
		with("import_row", e.Row).
		with("created_at", formatTime(l.Created)), nil
}

// creator returns the license that created the customer or order of l with an id.
func creator(views *projector.Reader, l *projector.License, id events.Seq) (*projector.License, error) {
	if id == l.Seq {
		return l, nil
	}
	return mustExist(views.License(id))
}

// mustExist makes an error of what the views name and do not hold.
func mustExist[T any](found *T, err error) (*T, error) {
	if err == nil && found == nil {
		err = projector.ErrDamaged
	}
	return found, err
}

// customerObject shows a customer as a license has it; its id is that of the license that created
// it.
func customerObject(creator *projector.License) object {
	record := &events.Record{}
	if creator.Event.Customer != nil {
		record.Customer = *creator.Event.Customer
	}
	return object{{"id", creator.Seq}}.withColumns("customer__", record)
}

// orderObject shows an order as a license has it; its id is that of the license that created it.
func orderObject(creator *projector.License) object {
	return object{{"id", creator.Seq}}.withColumns("order__", &events.Record{Order: creator.Event.Order})
}

// withOrigin adds the import and the row that a customer or order comes from.
func (o object) withOrigin(creator *projector.License) object {
	return o.
		with("import_id", creator.Event.JobID).
		with("import_row", creator.Event.Row).
		with("created_at", formatTime(creator.Created))
}

// orNull returns nil (null in JSON) for an empty text.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
