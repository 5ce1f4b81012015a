package projector

import (
	"iter"
	"time"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// JobQuery selects imports. Filters that are not set are off; an import passes all of the others.
type JobQuery struct {
	Manager *string // who uploaded it
	Status  Status  // one that no import can have selects none
}

// LicenseQuery selects licenses. Filters that are empty are off; a license passes all of the others.
// Texts are compared with regard to case, unless a comment says otherwise.
type LicenseQuery struct {
	Key         string // the whole license key
	KeyPrefix   string
	KeyContains string       // without regard to case
	Products    []string     // short codes, of which it has one; nil: any product, empty: no license
	Email       string       // its customer's, without regard to case
	StoreID     string       // its order's
	Enabled     *bool        // nil: either
	Job         events.JobID // the import that created it
}

// CustomerQuery selects customers, like [LicenseQuery].
type CustomerQuery struct {
	Email         string // without regard to case
	EmailContains string // without regard to case
}

// OrderQuery selects orders, like [LicenseQuery].
type OrderQuery struct {
	StoreID string
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
	return ordered[events.JobID](viewstore.Intersect(sets...), desc)
}

// Customers yields the ids of the customers that q selects: oldest first or, if desc, newest first;
// count is their number. A search that goes on after the deadline is an ErrTooBroad.
func (r *Reader) Customers(q CustomerQuery, desc bool, deadline time.Time) (ids iter.Seq[events.Seq], count int, err error) {
	email := emailKey(q.Email)
	if email == "" && q.EmailContains == "" {
		return ordered[events.Seq](r.views.Postings(customers, ""), desc), r.count(countCustomers), nil
	}
	var found viewstore.SliceList
	switch contains := containsFold(q.EmailContains); {
	case email == "":
		found, err = r.scan(customerByEmail, contains, deadline)
	case q.EmailContains == "" || contains([]byte(email)):
		found, err = r.one(customerByEmail, email)
	}
	return ordered[events.Seq](found, desc), len(found), err
}

// Orders yields the ids of the orders that q selects: oldest first or, if desc, newest first; count
// is their number.
func (r *Reader) Orders(q OrderQuery, desc bool) (ids iter.Seq[events.Seq], count int, err error) {
	if q.StoreID == "" {
		return ordered[events.Seq](r.views.Postings(orders, ""), desc), r.count(countOrders), nil
	}
	found, err := r.one(orderByStore, q.StoreID)
	return ordered[events.Seq](found, desc), len(found), err
}

// Licenses yields the ids of the licenses that q selects: oldest first or, if desc, newest first;
// count is their number or CountUnknown. A search that goes on after the deadline is an ErrTooBroad.
func (r *Reader) Licenses(q *LicenseQuery, desc bool, deadline time.Time) (ids iter.Seq[events.Seq], count int, err error) {
	chosen, count, err := q.choose(r, deadline)
	if err != nil {
		return nil, 0, err
	}
	return ordered[events.Seq](chosen, desc), count, nil
}

// choose gives the licenses that all filters let through: each filter is a set,
// kept by an index, and the result is what is in all of them. The count is known
// where one counter tells it.
func (q *LicenseQuery) choose(r *Reader, deadline time.Time) (viewstore.Postings, int, error) {
	sets, known, err := q.byName(r, deadline)
	if err != nil {
		return nil, 0, err
	}
	add := func(s viewstore.Postings, count int) { sets, known = append(sets, s), append(known, count) }
	if q.Job != 0 {
		add(r.views.Postings(jobLicenses, q.Job.String()), CountUnknown)
	}
	if q.Products != nil {
		add(r.ofProducts(q.Products))
	}
	if q.Enabled != nil && !*q.Enabled {
		add(r.views.Postings(disabled, ""), r.count(countDisabled))
	}
	chosen, count := r.views.All(allLicenses), r.count(countLicenses)
	if len(sets) > 0 {
		chosen, count = viewstore.Intersect(sets...), CountUnknown
	}
	if len(sets) == 1 {
		count = known[0]
	}
	if off := r.count(countDisabled); q.Enabled != nil && *q.Enabled && off > 0 {
		chosen = viewstore.Without(chosen, r.views.Postings(disabled, ""))
		if count = CountUnknown; len(sets) == 0 {
			count = r.count(countLicenses) - off
		}
	}
	return chosen, count, nil
}

// byName gives the sets of the filters on the license key, the customer and the order.
func (q *LicenseQuery) byName(r *Reader, deadline time.Time) (sets []viewstore.Postings, known []int, err error) {
	add := func(found viewstore.SliceList, findErr error) {
		sets, known = append(sets, found), append(known, len(found))
		if err == nil {
			err = findErr
		}
	}
	if q.Key != "" {
		add(r.inSlot(licenseByKey, []byte(q.Key), 0, viewstore.TextPrefix(q.Key), deadline))
	}
	if err == nil && (q.KeyPrefix != "" || q.KeyContains != "") {
		add(r.scan(licenseByKey, keyMatches(q.KeyPrefix, q.KeyContains), deadline))
	}
	if email := emailKey(q.Email); err == nil && email != "" {
		add(r.more(customerByEmail, email, customerMore, deadline))
	}
	if err == nil && q.StoreID != "" {
		add(r.more(orderByStore, q.StoreID, orderMore, deadline))
	}
	return sets, known, err
}

// ofProducts is the set of all licenses of some products.
func (r *Reader) ofProducts(products []string) (viewstore.Postings, int) {
	var sets []viewstore.Postings
	count := 0
	for _, product := range products {
		sets = append(sets, r.views.Postings(productLicenses, product))
		count += r.count(countProduct + product)
	}
	return viewstore.Merge(sets...), count
}

// one is the set of the customer or order of a name: one member or none.
func (r *Reader) one(names viewstore.View, name string) (viewstore.SliceList, error) {
	id, err := r.views.Lookup(names, []byte(name))
	if id == 0 || err != nil {
		return nil, err
	}
	return viewstore.SliceList{id}, nil
}

// more are a customer's or an order's licenses: the one that created it and those after it.
func (r *Reader) more(names viewstore.View, name string, further viewstore.View, deadline time.Time) (viewstore.SliceList, error) {
	id, err := r.views.Lookup(names, []byte(name))
	if id == 0 || err != nil {
		return nil, err
	}
	key := viewstore.NumberKey(id)
	after, err := r.inSlot(further, key, id, key, deadline)
	return append(viewstore.SliceList{id}, after...), err
}
