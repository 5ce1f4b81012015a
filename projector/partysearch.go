package projector

import (
	"bytes"
	"encoding/binary"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// A search of customers or orders passes the same texts as one of licenses (search.go).

// CustomerColumn is what customers are sorted by.
type CustomerColumn int

// The columns of customers.
const (
	CustomersByEmail CustomerColumn = iota
	CustomersByName                 // first name, space, last name
	CustomersByCompany
)

// search returns the customers that have each of the words in e-mail address, name or company; others that do not
// exist any more may be among them.
func (q *CustomerQuery) search(r *Reader) *viewstore.NumberSet {
	s := newSearch(r, &LicenseQuery{Words: q.Words})
	s.scanCustomers()
	s.scanLicenses(textName)
	var all *viewstore.NumberSet
	for i, word := range s.words {
		hits := &s.found[i].made
		hits.RemoveAll(&s.elsewhere)
		hits.AddAll(&s.found[i].elsewhere)
		hits.AddAll(r.collect(r.views.Match(r.bound, customerByEmail, nil, func(name []byte) bool { return containsWord(name, word) })))
		if all == nil {
			all = hits
			continue
		}
		all.Retain(hits)
	}
	return all
}

// containsWord reports whether a name has a word of a search. A name without capitals need not be copied.
func containsWord(name, word []byte) bool {
	if bytes.Contains(name, word) {
		return true
	}
	for _, c := range name {
		if c >= 'A' && (c <= 'Z' || c >= 0x80) {
			return bytes.Contains(appendFold(nil, name), word)
		}
	}
	return false
}

// search returns the orders of the licenses that a search of licenses finds. Others that do not exist any more may
// be among them.
func (q *OrderQuery) search(r *Reader) (*viewstore.NumberSet, error) {
	found, err := (&LicenseQuery{Words: q.Words}).search(r)
	if err != nil {
		return nil, err
	}
	var orders, listed viewstore.NumberSet
	err = r.views.Names(orderLicenses, func(order []byte, license uint64) bool {
		if len(order) == 8 && found.Has(license) {
			orders.Add(binary.BigEndian.Uint64(order))
			listed.Add(license)
		}
		return r.bound.Step()
	})
	found.RemoveAll(&listed) // the others made the order that they belong to
	orders.AddAll(found)
	return &orders, err
}

// SortedCustomers is [Reader.SortedLicenses] for customers.
func (r *Reader) SortedCustomers(q CustomerQuery, by CustomerColumn, desc bool, first int) (ids []events.Seq, count int, err error) {
	selected, err := q.selectFrom(r)
	if err != nil {
		return nil, 0, err
	}
	set := r.collect(selected.postings)
	if by == CustomersByEmail {
		ids, err = r.sortedByName(set, customerByEmail, desc, first)
		return ids, set.Len(), err
	}
	text, made, now := textName, customerMadeName, customerNowName
	if by == CustomersByCompany {
		text, made, now = textCompany, customerMadeCompany, customerNowCompany
	}
	all := newTop(desc, first)
	var elsewhere viewstore.NumberSet
	r.views.Scan(r.bound, allCustomerTexts, set, []func(*viewstore.Scanned){func(c *viewstore.Scanned) {
		selected, changed := set.Places(c.Number)&c.Places, changedCustomers(c)
		elsewhere.AddPlaces(c.Number, selected)
		all.addColumn(c, selected&^changed, made)
		all.addColumn(c, selected&changed, now)
	}})
	set.RemoveAll(&elsewhere)
	count = set.Len() + elsewhere.Len()
	r.sortColumn(&all, set, text)
	return all.ids(), count, r.bound.Err()
}

// SortedOrders is [Reader.SortedLicenses] for orders, by their store id.
func (r *Reader) SortedOrders(q OrderQuery, desc bool, first int) (ids []events.Seq, count int, err error) {
	selected, err := q.selectFrom(r)
	if err != nil {
		return nil, 0, err
	}
	set := r.collect(selected.postings)
	ids, err = r.sortedByName(set, orderByStore, desc, first)
	return ids, set.Len(), err
}

// sortedByName sorts the members of a set by their names in a hash index. Those without a name come last.
func (r *Reader) sortedByName(set *viewstore.NumberSet, names viewstore.View, desc bool, first int) ([]events.Seq, error) {
	all := newTop(desc, first)
	var named viewstore.NumberSet
	var text []byte
	err := r.views.Names(names, func(name []byte, id uint64) bool {
		if set.Has(id) {
			named.Add(id)
			text = appendFold(text[:0], name)
			all.add(sortedID{text, events.Seq(id)})
		}
		return r.bound.Step()
	})
	if err != nil {
		return nil, err
	}
	ids := all.ids()
	for id := range ordered[events.Seq](r.bound, viewstore.Without(r.bound, set, &named), desc) {
		if len(ids) >= all.first {
			break
		}
		ids = append(ids, id)
	}
	return ids, r.bound.Err()
}
