package projector

import (
	"iter"
	"time"

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
	Email       string       // its customer's, without regard to case
	StoreID     string       // its order's
	Enabled     *bool        // nil: either
	Job         events.JobID // the import that created it
}

// CustomerQuery selects customers, by the rules of [LicenseQuery].
type CustomerQuery struct {
	Email         string // without regard to case
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
	return ordered[events.JobID](viewstore.Intersect(sets...), desc)
}

// Licenses yields the ids of the licenses that q selects: oldest first or, if desc, newest first.
// count is their number or CountUnknown. After the deadline a search fails with ErrTooBroad.
func (r *Reader) Licenses(q *LicenseQuery, desc bool, deadline time.Time) (
	ids iter.Seq[events.Seq], count int, err error) {
	selected, err := q.selectFrom(r, deadline)
	if err != nil {
		return nil, 0, err
	}
	return ordered[events.Seq](selected.postings, desc), selected.count, nil
}

// Customers yields the ids of the customers that q selects: oldest first or, if desc, newest first.
// count is their number. After the deadline a search fails with ErrTooBroad.
func (r *Reader) Customers(q CustomerQuery, desc bool, deadline time.Time) (
	ids iter.Seq[events.Seq], count int, err error) {
	email := emailKey(q.Email)
	if email == "" && q.EmailContains == "" {
		return ordered[events.Seq](r.views.Postings(customers, ""), desc), r.count(countCustomers), nil
	}
	var found viewstore.SliceList
	switch contains := containsFold(q.EmailContains); {
	case email == "":
		found, err = r.scan(customerByEmail, contains, deadline)
	case q.EmailContains == "" || contains([]byte(email)):
		found, err = r.named(customerByEmail, email)
	}
	return ordered[events.Seq](found, desc), len(found), err
}

// Orders yields the ids of the orders that q selects: oldest first or, if desc, newest first. count
// is their number.
func (r *Reader) Orders(q OrderQuery, desc bool) (ids iter.Seq[events.Seq], count int, err error) {
	if q.StoreID == "" {
		return ordered[events.Seq](r.views.Postings(orders, ""), desc), r.count(countOrders), nil
	}
	found, err := r.named(orderByStore, q.StoreID)
	return ordered[events.Seq](found, desc), len(found), err
}

// selectFrom intersects the selections of all filters. The count is known where one counter has it.
func (q *LicenseQuery) selectFrom(r *Reader, deadline time.Time) (selection, error) {
	selections, err := q.byName(r, deadline)
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
	enabled := selection{viewstore.Without(chosen.postings, off.postings), CountUnknown}
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
	return selection{viewstore.Intersect(sets...), CountUnknown}
}

// byName returns a selection for each filter on the license key, the customer and the order.
func (q *LicenseQuery) byName(r *Reader, deadline time.Time) (selections []selection, err error) {
	search := func(set bool, find func() (viewstore.SliceList, error)) {
		if !set || err != nil {
			return
		}
		var found viewstore.SliceList
		found, err = find()
		selections = append(selections, selection{found, len(found)})
	}
	search(q.Key != "", func() (viewstore.SliceList, error) {
		return r.inSlot(licenseByKey, []byte(q.Key), 0, viewstore.TextPrefix(q.Key), deadline)
	})
	search(q.KeyPrefix != "" || q.KeyContains != "", func() (viewstore.SliceList, error) {
		return r.scan(licenseByKey, keyMatches(q.KeyPrefix, q.KeyContains), deadline)
	})
	search(q.Email != "", func() (viewstore.SliceList, error) {
		return r.licensesOf(customerByEmail, emailKey(q.Email), customerLicenses, deadline)
	})
	search(q.StoreID != "", func() (viewstore.SliceList, error) {
		return r.licensesOf(orderByStore, q.StoreID, orderLicenses, deadline)
	})
	return selections, err
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
// those that view holds.
func (r *Reader) licensesOf(names viewstore.View, name string, view viewstore.View, deadline time.Time) (
	viewstore.SliceList, error) {
	id, err := r.views.Lookup(names, []byte(name))
	if id == 0 || err != nil {
		return nil, err
	}
	key := viewstore.NumberKey(id)
	after, err := r.inSlot(view, key, id, key, deadline)
	return append(viewstore.SliceList{id}, after...), err
}
