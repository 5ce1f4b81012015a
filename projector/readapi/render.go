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

// renderLicense shows a license to a manager. Its customer is as it is now, the data of its order are those of the
// row that created it, as far as the manager may see those.
func renderLicense(views *projector.Reader, l *projector.License, m access.Manager) (object, error) {
	said, id, err := visibleCustomer(m, views, l)
	if err != nil {
		return nil, err
	}
	var customer any // null: it has none
	if said != nil {
		customer = customerObject(id, said)
	}
	order, orderID, err := visibleOrder(m, views, l)
	if err != nil {
		return nil, err
	}
	features, err := renderFeatures(views, l)
	if err != nil {
		return nil, err
	}
	e := l.Event
	return object{{"id", l.Seq}}.
		withColumns("license__", &events.Record{License: e.License}).
		with("product", object{{"id", events.ProductID(e.Product.ShortCode)}, {"short_code", e.Product.ShortCode},
			{"name", orNull(e.Product.Name)}}).
		with("customer", customer).
		with("order", orderObject(orderID, order)).
		with("features", features).
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

// renderFeatures shows the features of a license, which belong to its product.
func renderFeatures(views *projector.Reader, l *projector.License) ([]object, error) {
	features, err := views.Features(l)
	if err != nil {
		return nil, err
	}
	shown := []object{}
	for _, f := range features {
		o := object{{"id", f.ID}, {"code", f.Feature.Code}, {"name", orNull(f.Feature.Name)},
			{"feature_type", orNull(f.Feature.FeatureType)}}
		record := events.Record{Feature: f.Feature}
		for _, i := range events.FeatureColumns() {
			o = o.with(events.Columns[i].Name, events.Columns[i].Value(&record))
		}
		shown = append(shown, o.
			with("import_id", f.By.JobID).
			with("import_row", f.By.Row).
			with("created_at", formatTime(f.Created)))
	}
	return shown, nil
}

// customerObject shows the customer with an id. Without an id it is null.
func customerObject(id *events.Seq, said *events.Customer) object {
	return object{{"id", id}}.withColumns("customer__", &events.Record{Customer: *said})
}

// orderObject shows the order with an id as a license's row says it. Without an id it is null.
func orderObject(id *events.Seq, said *projector.License) object {
	return object{{"id", id}}.withColumns("order__", &events.Record{Order: said.Event.Order})
}

// withOrigin adds the import and the row that a customer or order comes from.
func (o object) withOrigin(by events.Origin, created time.Time) object {
	return o.
		with("import_id", by.JobID).
		with("import_row", by.Row).
		with("created_at", formatTime(created))
}

// orNull returns nil (null in JSON) for an empty text.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
