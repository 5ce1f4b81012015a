package projector

import (
	"iter"
	"time"

	"licenseimport/events"
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
	sets := both{r.views.index(jobs, nil)}
	if q.Manager != nil {
		sets = append(sets, r.views.index(jobIndex, textPrefix(managerIndex(*q.Manager), 8)))
	}
	if q.Status != "" {
		sets = append(sets, r.views.index(jobIndex, textPrefix(statusIndex(q.Status), 8)))
	}
	return ordered[events.JobID](sets, desc)
}

// Customers yields the ids of the customers that q selects: oldest first or, if desc, newest first;
// count is their number. A search that goes on after the deadline is an ErrTooBroad.
func (r *Reader) Customers(q CustomerQuery, desc bool, deadline time.Time) (ids iter.Seq[events.Seq], count int, err error) {
	email := emailKey(q.Email)
	if email == "" && q.EmailContains == "" {
		return ordered[events.Seq](r.views.blocks(customers, ""), desc), r.views.count(countCustomers), nil
	}
	var found list
	switch contains := containsFold(q.EmailContains); {
	case email == "":
		found, err = r.views.scan(customerByEmail, contains, deadline)
	case q.EmailContains == "" || contains([]byte(email)):
		found, err = r.views.one(customerByEmail, email)
	}
	return ordered[events.Seq](found, desc), len(found), err
}

// Orders yields the ids of the orders that q selects: oldest first or, if desc, newest first; count
// is their number.
func (r *Reader) Orders(q OrderQuery, desc bool) (ids iter.Seq[events.Seq], count int, err error) {
	if q.StoreID == "" {
		return ordered[events.Seq](r.views.blocks(orders, ""), desc), r.views.count(countOrders), nil
	}
	found, err := r.views.one(orderByStore, q.StoreID)
	return ordered[events.Seq](found, desc), len(found), err
}

// Licenses yields the ids of the licenses that q selects: oldest first or, if desc, newest first;
// count is their number or CountUnknown. A search that goes on after the deadline is an ErrTooBroad.
func (r *Reader) Licenses(q *LicenseQuery, desc bool, deadline time.Time) (ids iter.Seq[events.Seq], count int, err error) {
	chosen, count, err := q.choose(r.views, deadline)
	if err != nil {
		return nil, 0, err
	}
	return ordered[events.Seq](chosen, desc), count, nil
}

// choose gives the licenses that all filters let through: each filter is a set,
// kept by an index, and the result is what is in all of them. The count is known
// where one counter tells it.
func (q *LicenseQuery) choose(r reader, deadline time.Time) (set, int, error) {
	sets, known, err := q.byName(r, deadline)
	if err != nil {
		return nil, 0, err
	}
	add := func(s set, count int) { sets, known = append(sets, s), append(known, count) }
	if q.Job != 0 {
		add(r.blocks(jobLicenses, q.Job.String()), CountUnknown)
	}
	if q.Products != nil {
		add(r.ofProducts(q.Products))
	}
	if q.Enabled != nil && !*q.Enabled {
		add(r.blocks(disabled, ""), r.count(countDisabled))
	}
	chosen, count := set(both(sets)), CountUnknown
	switch len(sets) {
	case 0:
		chosen, count = r.allKept(segmented{view: licenses}), r.count(countLicenses)
	case 1:
		chosen, count = sets[0], known[0]
	}
	if off := r.count(countDisabled); q.Enabled != nil && *q.Enabled && off > 0 {
		chosen = without{chosen, r.blocks(disabled, "")}
		if count = CountUnknown; len(sets) == 0 {
			count = r.count(countLicenses) - off
		}
	}
	return chosen, count, nil
}

// byName gives the sets of the filters on the license key, the customer and the order.
func (q *LicenseQuery) byName(r reader, deadline time.Time) (sets []set, known []int, err error) {
	add := func(found list, findErr error) {
		sets, known = append(sets, found), append(known, len(found))
		if err == nil {
			err = findErr
		}
	}
	if q.Key != "" {
		add(r.inSlot(licenseByKey, slotOf([]byte(q.Key)), 0, textPrefix(q.Key, 0), deadline))
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
func (r reader) ofProducts(products []string) (set, int) {
	sets, count := either{}, 0
	for _, product := range products {
		sets = append(sets, r.blocks(productLicenses, product))
		count += r.count(countProduct + product)
	}
	if len(sets) == 1 {
		return sets[0], count
	}
	return sets, count
}

// one is the set of what a name stands for: one member or none.
func (r reader) one(names view, name string) (list, error) {
	id, err := r.named(names, name)
	if id == 0 || err != nil {
		return nil, err
	}
	return list{uint64(id)}, nil
}

// more are a customer's or an order's licenses: the one that made it and those that came after.
func (r reader) more(names view, name string, further view, deadline time.Time) (list, error) {
	id, err := r.named(names, name)
	if id == 0 || err != nil {
		return nil, err
	}
	key := number(id)
	after, err := r.inSlot(further, slotOf(key), id, key, deadline)
	return append(list{uint64(id)}, after...), err
}
