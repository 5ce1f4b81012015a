package projector

import (
	"bytes"
	"iter"
	"time"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// JobQuery selects imports. An import must pass every filter that is set.
type JobQuery struct {
	Manager *string      // who uploaded it; nil: anybody
	Status  Status       // "": any; a status that does not exist selects nothing
	Kind    *events.Kind // what the rows are; nil: anything
}

// LicenseQuery selects licenses. A license must pass every filter that is set. Texts are compared
// with regard to case unless a comment says otherwise. The empty text, nil and 0 are not set.
type LicenseQuery struct {
	Key         string // the whole license key
	KeyPrefix   string
	KeyContains string       // without regard to case
	Products    []string     // short codes, of which it has one; nil: any product, empty: no license
	Email       string       // its customer's, as [events.EmailKey] compares them
	StoreID     string       // its order's
	Enabled     *bool        // nil: either
	Job         events.JobID // the import that created it
	IDs         []events.Seq // its id is one of these, in any order; nil: any, empty: no license

	Customer        events.Seq // its customer's id
	EmailContains   string     // without regard to case
	StoreIDPrefix   string
	StoreIDContains string // without regard to case

	// Matches and MatchesCustomer decide by the license itself, and by what is said of its customer; nil:
	// any. A license without a customer has none that matches.
	Matches         func(*License) bool
	MayMatch        func(body []byte) bool      // false only where Matches would be: spares decoding the license's event
	MatchesCustomer func(*events.Customer) bool // by the customer as it is now
	// Words are parts of texts in lower case, of which each is in its key, product, customer's e-mail, name or
	// company, or store id. nil: any.
	Words [][]byte
	// SeesProduct reports whether the one who asks may see the licenses of a product; nil: all. It restricts
	// Customer, MatchesCustomer and Words: where [Customer.ShownTo] shows nothing, what the license's row says
	// counts.
	SeesProduct func(code string) bool
}

// CustomerQuery selects customers, by the rules of [LicenseQuery].
type CustomerQuery struct {
	Email         string                      // as [events.EmailKey] compares them
	EmailPrefix   string                      // in the same way
	EmailContains string                      // without regard to case
	Matches       func(*events.Customer) bool // by the customer as it is now
	Words         [][]byte                    // each in its e-mail address, name or company
}

// OrderQuery selects orders, by the rules of [LicenseQuery].
type OrderQuery struct {
	StoreID string
	Product string   // the short code of a product that a license of the order has
	Words   [][]byte // each in a license of the order, where [LicenseQuery.Words] look

	// From and To bound when the order was created: not before From and before To. The zero time is no bound.
	From, To time.Time
}

// selection is a set of licenses, customers or orders, and its size.
type selection struct {
	postings viewstore.Postings
	count    int // or CountUnknown
}

// Jobs yields the ids of the imports that q selects: oldest first or, if desc, newest first. Their
// number is CountUnknown.
func (r *Reader) Jobs(q JobQuery, desc bool) iter.Seq[events.JobID] {
	sets := []viewstore.Postings{r.views.Keys(jobs, nil)}
	if q.Manager != nil {
		sets = append(sets, r.views.Keys(jobIndex, viewstore.TextPrefix(managerIndex(*q.Manager))))
	}
	if q.Kind != nil {
		sets = append(sets, r.views.Keys(jobIndex, viewstore.TextPrefix(kindIndex(q.Kind))))
	}
	if q.Status != "" {
		sets = append(sets, r.views.Keys(jobIndex, viewstore.TextPrefix(statusIndex(q.Status))))
	}
	return ordered[events.JobID](r.bound, viewstore.Intersect(r.bound, sets...), desc)
}

// Licenses yields the ids of the licenses that q selects: oldest first or, if desc, newest first.
// count is their number or CountUnknown.
func (r *Reader) Licenses(q *LicenseQuery, desc bool) (ids iter.Seq[events.Seq], count int, err error) {
	selected, err := q.selectFrom(r)
	if err != nil {
		return nil, 0, err
	}
	return ordered[events.Seq](r.bound, selected.postings, desc), selected.count, nil
}

// Customers yields the ids of the customers that q selects: oldest first or, if desc, newest first.
// count is their number or CountUnknown.
func (r *Reader) Customers(q CustomerQuery, desc bool) (ids iter.Seq[events.Seq], count int, err error) {
	chosen, err := q.selectFrom(r)
	return ordered[events.Seq](r.bound, chosen.postings, desc), chosen.count, err
}

func (q *CustomerQuery) selectFrom(r *Reader) (selection, error) {
	selections := []selection{{r.views.Postings(customers, ""), r.count(countCustomers)}}
	if len(q.Words) > 0 {
		selections = append(selections, selection{q.search(r), CountUnknown})
	}
	if q.Email != "" {
		found, err := r.named(customerByEmail, events.EmailKey(q.Email))
		if err != nil {
			return selection{}, err
		}
		selections = append(selections, selection{found, CountUnknown})
	}
	if q.EmailPrefix != "" || q.EmailContains != "" {
		matches := r.views.Match(r.bound, customerByEmail, nil, keyMatches(events.EmailKey(q.EmailPrefix), q.EmailContains))
		selections = append(selections, selection{matches, CountUnknown})
	}
	chosen := r.intersect(selections)
	if q.Matches == nil {
		return chosen, nil
	}
	return selection{where(r, chosen.postings, r.existingCustomer, func(c *Customer) bool { return q.Matches(&c.Now) }), CountUnknown}, nil
}

// Orders yields the ids of the orders that q selects: oldest first or, if desc, newest first. count
// is their number or CountUnknown.
func (r *Reader) Orders(q OrderQuery, desc bool) (ids iter.Seq[events.Seq], count int, err error) {
	chosen, err := q.selectFrom(r)
	return ordered[events.Seq](r.bound, chosen.postings, desc), chosen.count, err
}

// LicensesOfOrders yields the ids of the licenses of the orders that q selects, oldest first.
func (r *Reader) LicensesOfOrders(q OrderQuery) (iter.Seq[events.Seq], error) {
	chosen, err := q.selectFrom(r)
	if err != nil {
		return nil, err
	}
	set := r.collect(chosen.postings)
	all := where(r, r.existing(), r.License, func(l *License) bool { return set.Has(uint64(l.Order)) })
	return ordered[events.Seq](r.bound, all, false), nil
}

func (q *OrderQuery) selectFrom(r *Reader) (selection, error) {
	selections := []selection{{r.views.Postings(orders, ""), r.count(countOrders)}}
	if q.StoreID != "" {
		found, err := r.named(orderByStore, q.StoreID)
		if err != nil {
			return selection{}, err
		}
		selections = append(selections, selection{found, CountUnknown})
	}
	if q.Product != "" {
		selections = append(selections, selection{r.ordersOf(q.Product), CountUnknown})
	}
	if len(q.Words) > 0 {
		found, err := q.search(r)
		if err != nil {
			return selection{}, err
		}
		selections = append(selections, selection{found, CountUnknown})
	}
	chosen := r.intersect(selections)
	if q.From.IsZero() && q.To.IsZero() {
		return chosen, nil
	}
	return selection{where(r, chosen.postings, r.partyCreator, func(l *License) bool {
		return !l.Created.Before(q.From) && (q.To.IsZero() || l.Created.Before(q.To))
	}), CountUnknown}, nil
}

// selectFrom intersects the selections of all filters. The count is known where one counter has it.
func (q *LicenseQuery) selectFrom(r *Reader) (selection, error) {
	selections, err := q.byName(r)
	if err != nil {
		return selection{}, err
	}
	if q.Job != 0 {
		selections = append(selections, selection{r.views.Postings(jobLicenses, q.Job.String()), CountUnknown})
	}
	if q.Products != nil {
		selections = append(selections, r.ofProducts(q.Products))
	}
	if q.IDs != nil {
		selections = append(selections, selection{r.withIDs(q.IDs), CountUnknown})
	}
	if len(q.Words) > 0 {
		found, err := q.search(r)
		if err != nil {
			return selection{}, err
		}
		selections = append(selections, selection{found, found.Len()})
	}
	parties, keep, err := q.byParty(r)
	if err != nil {
		return selection{}, err
	}
	selections = append(selections, parties...)
	off := selection{r.views.Postings(disabled, ""), r.count(countDisabled)}
	if q.Enabled != nil && !*q.Enabled {
		selections = append(selections, off)
	}
	chosen := selection{r.existing(), r.count(countLicenses)}
	if len(selections) > 0 {
		chosen = r.intersect(selections)
	}
	if len(keep) > 0 {
		chosen = selection{where(r, chosen.postings, q.read(r), keep...), CountUnknown}
	}
	if q.Enabled == nil || !*q.Enabled || off.count == 0 {
		return chosen, nil
	}
	enabled := selection{viewstore.Without(r.bound, chosen.postings, off.postings), CountUnknown}
	if len(selections) == 0 && len(keep) == 0 {
		enabled.count = chosen.count - off.count
	}
	return enabled, nil
}

// existing returns all licenses.
func (r *Reader) existing() viewstore.Postings {
	all := r.views.All(allLicenses)
	if r.count(countGone) == 0 {
		return all
	}
	return viewstore.Without(r.bound, all, r.views.Postings(gone, ""))
}

// intersect returns what is in every selection, of which there is at least one.
func (r *Reader) intersect(selections []selection) selection {
	if len(selections) == 1 {
		return selections[0]
	}
	sets := make([]viewstore.Postings, len(selections))
	for i := range selections {
		sets[i] = selections[i].postings
	}
	return selection{viewstore.Intersect(r.bound, sets...), CountUnknown}
}

// byName returns a selection for each filter on the license key, the customer and the order.
func (q *LicenseQuery) byName(r *Reader) (selections []selection, err error) {
	add := func(postings viewstore.Postings) {
		selections = append(selections, selection{postings, CountUnknown})
	}
	if q.Key != "" {
		add(r.inSlot(licenseByKey, []byte(q.Key), viewstore.TextPrefix(q.Key)))
	}
	if q.KeyPrefix != "" || q.KeyContains != "" {
		add(r.views.Match(r.bound, licenseByKey, nil, keyMatches(q.KeyPrefix, q.KeyContains)))
	}
	for _, of := range []struct {
		kind *partyKind
		name string
	}{
		{customerKind, events.EmailKey(q.Email)}, {orderKind, q.StoreID},
	} {
		if of.name == "" {
			continue
		}
		found, err := r.licensesNaming(of.kind, of.name)
		if err != nil {
			return nil, err
		}
		add(found)
	}
	return selections, nil
}

// ofProducts returns the licenses of some products.
func (r *Reader) ofProducts(products []string) selection {
	var sets []viewstore.Postings
	count := 0
	for _, product := range products {
		sets = append(sets, r.views.Postings(productLicenses, product))
		count += r.count(countProduct + product)
	}
	return selection{viewstore.Merge(sets...), count}
}

// named returns the id of the customer or order with a name, if there is one.
func (r *Reader) named(names viewstore.View, name string) (viewstore.SliceList, error) {
	id, err := r.views.Lookup(names, []byte(name))
	if id == 0 || err != nil {
		return nil, err
	}
	return viewstore.SliceList{id}, nil
}

// licensesNaming returns the licenses of the customer or order with a name.
func (r *Reader) licensesNaming(k *partyKind, name string) (viewstore.Postings, error) {
	id, err := r.views.Lookup(k.names, []byte(name))
	if id == 0 || err != nil {
		return viewstore.SliceList{}, err
	}
	return r.licensesOf(k, events.Seq(id))
}

// inSlot returns the sequences of the names that begin with a prefix and share the hash of hashed.
func (r *Reader) inSlot(v viewstore.View, hashed, prefix []byte) viewstore.Postings {
	return r.views.Match(r.bound, v, hashed, func(name []byte) bool { return bytes.HasPrefix(name, prefix) })
}
