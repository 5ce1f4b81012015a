package projector

import (
	"iter"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// maxMergedParties is up to how many customers or orders their licenses are looked up one by one. Of
// more of them all licenses are passed.
const maxMergedParties = 32

// Products yields the short codes of all products that have or had a license, sorted.
func (r *Reader) Products() iter.Seq[string] { return r.views.CounterNames(counters, countProduct) }

// where is the set of those of all that pass every filter. It reads each of all; read returns nil for what
// is no member.
func where[T any](r *Reader, all viewstore.Postings, read func(events.Seq) (*T, error),
	keep ...func(*T) bool) viewstore.Postings {
	return filtered[T]{r, read, all, keep}
}

type filtered[T any] struct {
	reader *Reader
	read   func(events.Seq) (*T, error)
	all    viewstore.Postings
	keep   []func(*T) bool
}

// Next implements [viewstore.Postings].
func (s filtered[T]) Next(from uint64, desc bool) (uint64, bool) {
	for more := true; more; {
		n, ok := s.all.Next(from, desc)
		if !ok || !s.reader.bound.Step() {
			break
		}
		v, err := s.read(events.Seq(n))
		if err != nil {
			s.reader.bound.Fail(err)
			break
		}
		if v != nil && s.keeps(v) {
			return n, true
		}
		from, more = viewstore.Step(n, desc)
	}
	return 0, false
}

func (s filtered[T]) keeps(v *T) bool {
	for _, keep := range s.keep {
		if !keep(v) {
			return false
		}
	}
	return true
}

// read returns how filters read a license: nil for what need not be decoded.
func (q *LicenseQuery) read(r *Reader) func(events.Seq) (*License, error) {
	if q.MayMatch == nil {
		return r.License
	}
	return func(id events.Seq) (*License, error) {
		now, err := r.standing(id)
		if now == nil || err != nil || now.revoked || !q.MayMatch(now.body) {
			return nil, err
		}
		return r.License(id)
	}
}

// withIDs is the set of the licenses with some ids.
func (r *Reader) withIDs(ids []events.Seq) viewstore.Postings {
	var set viewstore.NumberSet
	all := r.existing()
	for _, id := range ids {
		if found, ok := all.Next(uint64(id), false); ok && found == uint64(id) {
			set.Add(found)
		}
	}
	return &set
}

// byParty returns the selections and filters on the license itself, its customer and its order.
func (q *LicenseQuery) byParty(r *Reader) (selections []selection, keep []func(*License) bool, err error) {
	if q.Customer != 0 {
		c, err := r.Customer(q.Customer)
		if err != nil {
			return nil, nil, err
		}
		var set viewstore.NumberSet
		if c != nil && c.ShownTo(q.SeesProduct) != nil {
			set.Add(uint64(q.Customer))
		}
		selections, keep = r.ofCustomers(&set, selections, keep)
	}
	if q.EmailContains != "" {
		set := r.collect(r.views.Match(r.bound, customerByEmail, nil, keyMatches("", q.EmailContains)))
		selections, keep = r.ofCustomers(set, selections, keep)
	}
	if q.StoreIDPrefix != "" || q.StoreIDContains != "" {
		set := r.collect(r.views.Match(r.bound, orderByStore, nil, keyMatches(q.StoreIDPrefix, q.StoreIDContains)))
		selections = r.ofParties(set, orderLicenses, selections)
		keep = append(keep, func(l *License) bool { return set.Has(uint64(l.Order)) })
	}
	if q.MatchesCustomer != nil {
		selections, keep, err = q.byCustomer(r, selections, keep)
	}
	if q.Matches != nil {
		keep = append(keep, q.Matches)
	}
	return selections, keep, err
}

// byCustomer adds what MatchesCustomer and SeesProduct select.
func (q *LicenseQuery) byCustomer(r *Reader, selections []selection, keep []func(*License) bool) (
	[]selection, []func(*License) bool, error) {
	var match, hidden viewstore.NumberSet
	for id := range ordered[events.Seq](r.bound, r.views.Postings(customers, ""), false) {
		c, err := r.existingCustomer(id)
		if err != nil {
			return nil, nil, err
		}
		if shown := c.ShownTo(q.SeesProduct); shown == nil {
			hidden.Add(uint64(id))
		} else if q.MatchesCustomer(shown) {
			match.Add(uint64(id))
		}
	}
	if hidden.Len() == 0 {
		selections, keep = r.ofCustomers(&match, selections, keep)
		return selections, keep, nil
	}
	return selections, append(keep, func(l *License) bool {
		return match.Has(uint64(l.Customer)) || hidden.Has(uint64(l.Customer)) && q.MatchesCustomer(l.Event.Customer)
	}), nil
}

// ofCustomers adds the licenses of some customers.
func (r *Reader) ofCustomers(set *viewstore.NumberSet, selections []selection, keep []func(*License) bool) (
	[]selection, []func(*License) bool) {
	keep = append(keep, func(l *License) bool { return set.Has(uint64(l.Customer)) })
	return r.ofParties(set, customerLicenses, selections), keep
}

// ofParties adds the licenses that may be of some customers or orders, unless these are many: the one that
// created it, and those that more holds.
func (r *Reader) ofParties(set *viewstore.NumberSet, more viewstore.View, selections []selection) []selection {
	if set.Len() > maxMergedParties {
		return selections
	}
	sets := []viewstore.Postings{set}
	for id := range ordered[events.Seq](r.bound, set, false) {
		key := viewstore.NumberKey(id)
		sets = append(sets, r.inSlot(more, key, key))
	}
	return append(selections, selection{viewstore.Merge(sets...), CountUnknown})
}

// ordersOf is the set of the orders that have a license of a product.
func (r *Reader) ordersOf(product string) viewstore.Postings {
	var set viewstore.NumberSet
	for id := range ordered[events.Seq](r.bound, r.views.Postings(productLicenses, product), false) {
		l, err := r.License(id)
		if err != nil {
			r.bound.Fail(err)
			break
		}
		if l != nil {
			set.Add(uint64(l.Order))
		}
	}
	return &set
}

// collect reads a whole set into memory.
func (r *Reader) collect(all viewstore.Postings) *viewstore.NumberSet {
	var set viewstore.NumberSet
	for n := range ordered[uint64](r.bound, all, false) {
		set.Add(n)
	}
	return &set
}
