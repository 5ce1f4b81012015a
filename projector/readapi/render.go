package readapi

import (
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
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

// renderLicense shows a license to a manager. The data of its customer and order are those of the
// rows that created them, as far as the manager may see those.
func renderLicense(views *projector.Reader, l *projector.License, m access.Manager) (object, error) {
	var customer any // null: it has none
	if l.Customer != 0 {
		said, id, err := visibleParty(m, views, l, l.Customer, customers.creator)
		if err != nil {
			return nil, err
		}
		customer = customerObject(id, said)
	}
	said, id, err := visibleParty(m, views, l, l.Order, orders.creator)
	if err != nil {
		return nil, err
	}
	e := l.Event
	return object{{"id", l.Seq}}.
		withColumns("license__", &events.Record{License: e.License}).
		with("product", object{{"id", events.ProductID(e.Product.ShortCode)}, {"short_code", e.Product.ShortCode}, {"name", orNull(e.Product.Name)}}).
		with("customer", customer).
		with("order", orderObject(id, said)).
		with("import_id", e.JobID).
		with("import_row", e.Row).
		with("created_at", formatTime(l.Created)), nil
}

// mustExist makes an error of what the views name and do not hold.
func mustExist[T any](found *T, err error) (*T, error) {
	if err == nil && found == nil {
		err = projector.ErrDamaged
	}
	return found, err
}

// customerObject shows the customer with an id as a license's row says it. Without an id it is null.
func customerObject(id *events.Seq, said *projector.License) object {
	record := &events.Record{}
	if said.Event.Customer != nil {
		record.Customer = *said.Event.Customer
	}
	return object{{"id", id}}.withColumns("customer__", record)
}

// orderObject shows the order with an id as a license's row says it. Without an id it is null.
func orderObject(id *events.Seq, said *projector.License) object {
	return object{{"id", id}}.withColumns("order__", &events.Record{Order: said.Event.Order})
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
