package projector

import (
	"slices"
	"testing"

	"licenseimport/events"
)

// updatedTo is an update that gives a license another customer and order.
func updatedTo(e *events.LicenseImported, job events.JobID, row events.Row, previous events.Seq, email, store string) *events.LicenseUpdated {
	u := &events.LicenseUpdated{JobID: job, Row: row, License: e.License, Product: e.Product, Order: events.Order{StoreID: store},
		Changed: []events.Change{{Column: "license__note", From: "a", To: "b"}}, Previous: previous, By: events.Origin{JobID: e.JobID, Row: e.Row}}
	if email != "" {
		u.Customer = &events.Customer{Email: email}
	}
	return u
}

// TestCreatorReturns: the license that made a customer leaves it, comes back while the customer has
// another license, and leaves it last. Then the customer is gone, and is made again by who names it next.
func TestCreatorReturns(t *testing.T) {
	first, second := imported(1, 1, "p", "L", "c@example.com", "o"), imported(1, 2, "p", "M", "C@example.com", "o")
	back := updatedTo(first, 2, 1, 10, "c@example.com", "o")
	all := []events.Event{
		started(1, "anna"), sealed(1, 2), progressed(1, 0, 0, 0, 0), first, second, finished(1, 2, 2, 0, 0), // 4 and 5
		started(2, "anna"), sealed(2, 9), progressed(2, 0, 0, 0, 0),
		updatedTo(first, 2, 1, 4, "d@example.com", "x"), back, // 10 and 11
		updatedTo(second, 2, 2, 5, "", ""), updatedTo(first, 2, 3, 11, "", ""), // 12 and 13
		updatedTo(second, 2, 4, 12, "c@example.com", "o"), // 14
	}
	for _, restart := range []int{0, 11, 12, 13} {
		dir := t.TempDir()
		l := newBatchWriter(openViews(t, dir), maxBatchEvents)
		for i, m := range newMemLog(all...).Messages {
			check(t, l.apply(decoded(t, m)))
			if i+1 == restart { // nothing is remembered
				check(t, l.finish())
				check(t, l.store.Close())
				l = newBatchWriter(openViews(t, dir), maxBatchEvents)
			}
		}
		check(t, l.finish())
		check(t, l.store.Read(readAll(func(r *Reader) {
			customers, n, err := r.Customers(CustomerQuery{}, false)
			check(t, err)
			orders, orderCount, err := r.Orders(OrderQuery{}, false)
			check(t, err)
			ids, orderIDs := slices.Collect(customers), slices.Collect(orders)
			if !slices.Equal(ids, []events.Seq{14}) || n != 1 || !slices.Equal(orderIDs, []events.Seq{13, 14}) || orderCount != 2 {
				t.Errorf("a restart after %d: customers %d (%d), orders %d (%d)", restart, ids, n, orderIDs, orderCount)
			}
		})))
		check(t, l.store.Close())
	}
}

// TestRestoredToWhatItWas: an import moves a license away from its customer and its order, to others, and back to new ones of
// the same names. Its undo brings those back that there were before.
func TestRestoredToWhatItWas(t *testing.T) {
	for store, order := range map[string]string{"an order of its own": "", "a named order": "o"} {
		first := imported(1, 1, "p", "L", "c@example.com", order)
		again := imported(2, 3, "p", "N", "c@example.com", "n")
		back := &events.LicenseRestored{JobID: 2, Row: 1, License: first.License, Product: first.Product, Customer: first.Customer,
			Order: first.Order, Changed: []events.Change{{Column: "license__note", From: "b", To: "a"}},
			Previous: 9, Restores: 4, By: events.Origin{JobID: 1, Row: 1}, Manager: "anna"}
		log := newMemLog(
			started(1, "anna"), sealed(1, 1), progressed(1, 0, 0, 0, 0), first, finished(1, 1, 1, 0, 0), // 4 and 5
			started(2, "anna"), sealed(2, 3), progressed(2, 0, 0, 0, 0), // 6 to 8
			updatedTo(first, 2, 1, 4, "d@example.com", "x"), updatedTo(first, 2, 2, 9, "c@example.com", order), // 9 and 10
			again, finished(2, 3, 1, 0, 0), &events.UndoStarted{JobID: 2, Manager: "anna"}, // 11 to 13
			&events.LicenseRevoked{JobID: 2, Row: 3, LicenseKey: "N", Product: first.Product, Manager: "anna", Previous: 11}, back) // 14 and 15
		l := newBatchWriter(openViews(t, t.TempDir()), maxBatchEvents)
		for _, m := range log.Messages {
			check(t, l.apply(decoded(t, m)))
		}
		check(t, l.finish())
		check(t, l.store.Read(readAll(func(r *Reader) {
			customers, n, err := r.Customers(CustomerQuery{}, false)
			check(t, err)
			orders, orderCount, err := r.Orders(OrderQuery{}, false)
			check(t, err)
			ids, orderIDs := slices.Collect(customers), slices.Collect(orders)
			if want := []events.Seq{4}; !slices.Equal(ids, want) || n != 1 || !slices.Equal(orderIDs, want) || orderCount != 1 {
				t.Errorf("%s: customers %d (%d), orders %d (%d)", store, ids, n, orderIDs, orderCount)
			}
		})))
		check(t, l.store.Close())
	}
}
