package projector

import (
	"bytes"
	"iter"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// JobQuery selects imports. An import must pass every filter that is set.
type JobQuery struct {
	Manager *string // who uploaded it; nil: anybody
	Status  Status  // "": any; a status that does not exist selects nothing
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
}

// CustomerQuery selects customers, by the rules of [LicenseQuery].
type CustomerQuery struct {
	Email         string // as [events.EmailKey] compares them
	EmailContains string // without regard to case
}

// OrderQuery selects orders, by the rules of [LicenseQuery].
type OrderQuery struct {
	StoreID string
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
	email := events.EmailKey(q.Email)
	var found viewstore.SliceList
	switch contains := containsFold(q.EmailContains); {
	case email == "" && q.EmailContains == "":
		return ordered[events.Seq](r.bound, r.views.Postings(customers, ""), desc), r.count(countCustomers), nil
	case email == "":
		matches := r.views.Match(r.bound, customerByEmail, nil, contains)
		return ordered[events.Seq](r.bound, matches, desc), CountUnknown, nil
	case q.EmailContains == "" || contains([]byte(email)):
		found, err = r.named(customerByEmail, email)
	}
	return ordered[events.Seq](r.bound, found, desc), len(found), err
}

// Orders yields the ids of the orders that q selects: oldest first or, if desc, newest first. count
// is their number.
func (r *Reader) Orders(q OrderQuery, desc bool) (ids iter.Seq[events.Seq], count int, err error) {
	if q.StoreID == "" {
		return ordered[events.Seq](r.bound, r.views.Postings(orders, ""), desc), r.count(countOrders), nil
	}
	found, err := r.named(orderByStore, q.StoreID)
	return ordered[events.Seq](r.bound, found, desc), len(found), err
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
	off := selection{r.views.Postings(disabled, ""), r.count(countDisabled)}
	if q.Enabled != nil && !*q.Enabled {
		selections = append(selections, off)
	}
	chosen := r.intersect(selections)
	if q.Enabled == nil || !*q.Enabled || off.count == 0 {
		return chosen, nil
	}
	enabled := selection{viewstore.Without(r.bound, chosen.postings, off.postings), CountUnknown}
	if len(selections) == 0 {
		enabled.count = chosen.count - off.count
	}
	return enabled, nil
}

// intersect returns the licenses that are in every selection: all licenses if there is none.
func (r *Reader) intersect(selections []selection) selection {
	switch len(selections) {
	case 0:
		return selection{r.views.All(allLicenses), r.count(countLicenses)}
	case 1:
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
		names, more viewstore.View
		name        string
	}{
		{customerByEmail, customerLicenses, events.EmailKey(q.Email)}, {orderByStore, orderLicenses, q.StoreID},
	} {
		if of.name == "" {
			continue
		}
		found, err := r.licensesOf(of.names, of.name, of.more)
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

// licensesOf returns the licenses of the customer or order with a name: the one that created it, and
// those that more holds.
func (r *Reader) licensesOf(names viewstore.View, name string, more viewstore.View) (viewstore.Postings, error) {
	id, err := r.views.Lookup(names, []byte(name))
	if id == 0 || err != nil {
		return viewstore.SliceList{}, err
	}
	key := viewstore.NumberKey(id)
	return viewstore.Merge(viewstore.SliceList{id}, r.inSlot(more, key, key)), nil
}

// inSlot returns the sequences of the names that begin with a prefix and share the slot of hashed.
func (r *Reader) inSlot(v viewstore.View, hashed, prefix []byte) viewstore.Postings {
	return r.views.Match(r.bound, v, hashed, func(name []byte) bool { return bytes.HasPrefix(name, prefix) })
}
