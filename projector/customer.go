package projector

import (
	"time"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// Customer is a customer as it is now.
type Customer struct {
	ID      events.Seq    // the sequence of the event that made it
	Created time.Time     // when the stream stored that event
	By      events.Origin // the row that made it
	Now     events.Customer
	// Made is the license as the event left it that made the customer; nil: a customers' import made it.
	Made *License
}

// ShownTo is what is shown of a customer to one who sees the licenses of some products only, or of all if sees is
// nil. Nothing shows who made the customer, nor any other row, unless that row is of one of those products: nil.
// What customers' imports say belongs to no product.
func (c *Customer) ShownTo(sees func(product string) bool) *events.Customer {
	switch {
	case sees == nil:
		return &c.Now
	case c.Made != nil && sees(c.Made.Event.Product.ShortCode):
		return c.Made.Event.Customer
	}
	return nil
}

// Customer returns the customer with an id; nil if there is none, or if it is gone.
func (r *Reader) Customer(id events.Seq) (*Customer, error) {
	if found, ok := r.views.Postings(customers, "").Next(uint64(id), false); !ok || found != uint64(id) {
		return nil, nil
	}
	return r.existingCustomer(id)
}

// CustomerOf returns the customer of a license; nil if it has none.
func (r *Reader) CustomerOf(l *License) (*Customer, error) {
	if l.Customer == 0 {
		return nil, nil
	}
	if l.Customer != l.Last || r.views.Entry(customerNow, viewstore.NumberKey(l.Customer)) != nil {
		return r.existingCustomer(l.Customer)
	}
	return &Customer{l.Customer, l.Created, events.Origin{JobID: l.Event.JobID, Row: l.Event.Row},
		*l.Event.Customer, l}, nil
}

// existingCustomer is the customer with an id that exists.
func (r *Reader) existingCustomer(id events.Seq) (*Customer, error) {
	left := events.Seq(0)
	if value := r.views.Entry(customerNow, viewstore.NumberKey(id)); len(value) == 8 {
		left = seqAt(value)
	}
	c, err := r.madeCustomer(id)
	if err != nil || left == 0 {
		return c, err
	}
	at, err := r.fact(left)
	if err == nil {
		c.Now, err = at.customer()
	}
	return c, err
}

// madeCustomer is a customer as the event left it that made it.
func (r *Reader) madeCustomer(id events.Seq) (*Customer, error) {
	value, err := r.views.Get(allFacts, uint64(id))
	if err != nil {
		return nil, err
	}
	if at, ok := parseFact(value); ok {
		e, err := decodeAs[*events.CustomerImported](at.body)
		if err != nil {
			return nil, err
		}
		return &Customer{ID: id, Created: time.Unix(0, at.nanos), By: e.Origin(), Now: e.Customer}, nil
	}
	l, err := r.partyCreator(id)
	if err == nil && l.Event.Customer == nil {
		err = ErrDamaged
	}
	if err != nil {
		return nil, err
	}
	return &Customer{id, l.Created, events.Origin{JobID: l.Event.JobID, Row: l.Event.Row}, *l.Event.Customer, l}, nil
}

// ImportedCustomer is the customer of a license as it is now if a customers' import made or changed it, else nil.
func (r *Reader) ImportedCustomer(l *License) (*events.Customer, error) {
	if l.Customer == 0 {
		return nil, nil
	}
	value := r.views.Entry(customerNow, viewstore.NumberKey(l.Customer))
	if len(value) != 8 || seqAt(value) == 0 {
		return nil, nil
	}
	at, err := r.fact(seqAt(value))
	if err != nil {
		return nil, err
	}
	now, err := at.customer()
	return &now, err
}
