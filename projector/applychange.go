package projector

import (
	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// unknownError reports an event that changes something that does not exist.
type unknownError struct{ what string }

func (e *unknownError) Error() string { return "it changes a " + e.what + " that does not exist" }

// current is a license that exists, as the events so far left it.
type current struct {
	record              // of its last event, without the body
	events.LicenseState // after its last event
	id                  events.Seq
	last                events.Seq // its last event
	link                           // the chain that it stands at
}

// link is the chain of events that a license, or another thing, stands at.
type link struct {
	chain events.Seq   // the first event of the chain
	owner events.JobID // the import of that chain
}

// current finds the license that an event changes: by the event before or, where that is not one of the
// license, by key and product.
func (m *memtable) current(previous events.Seq, key, product string) (*current, error) {
	id, err := m.licenseOf(previous)
	if err != nil {
		return nil, err
	}
	at, err := m.existing(id)
	if err != nil || at != nil && at.License.Key == key && at.Product.ShortCode == product {
		return at, err
	}
	if id, err = m.licenseNamed(key, product); err != nil {
		return nil, err
	}
	if at, err = m.existing(id); err == nil && at == nil {
		err = &unknownError{"license"}
	}
	return at, err
}

// existing is the license with an id; nil if there is none, or if it is gone.
func (m *memtable) existing(id events.Seq) (*current, error) {
	now, c, err := m.latest(id)
	if now == nil || err != nil || now.flags&isRevoked != 0 {
		return nil, err
	}
	at := &current{record: *now, id: id, last: id, link: link{chain: id}}
	if c != nil {
		at.link = c.link
		if at.last, err = m.lastOf(id); err != nil {
			return nil, err
		}
	}
	if at.LicenseState, _, err = decodeState(now.body); err != nil {
		return nil, err
	}
	if at.body = nil; c == nil {
		at.owner = at.By.JobID
	}
	return at, nil
}

// licenseOf is the license of an event that made or changed it; 0: none.
func (m *memtable) licenseOf(seq events.Seq) (events.Seq, error) {
	value, err := m.Value(allChanges, uint64(seq))
	if err != nil {
		return 0, err
	}
	if value != nil {
		c, ok := parseChange(value)
		if !ok {
			return 0, ErrDamaged
		}
		return c.license, nil
	}
	if value, err = m.Value(allLicenses, uint64(seq)); value == nil {
		seq = 0
	}
	return seq, err
}

// licenseNamed is the license of a key in a product; 0: none.
func (m *memtable) licenseNamed(key, product string) (events.Seq, error) {
	m.name = appendLicenseKey(m.name[:0], key, product)
	found, err := m.Sequences(licenseByKey, m.name[:len(key)], m.name, 0)
	for seq := range found {
		return events.Seq(seq), err // there is no other
	}
	return 0, err
}

// lastOf is the last event of a license that has changed; 0: it has not.
func (m *memtable) lastOf(id events.Seq) (events.Seq, error) {
	value, err := m.Get(licenseNow, viewstore.NumberKey(id))
	if value == nil || err != nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, ErrDamaged
	}
	return seqAt(value), nil
}

// latest is what the last event of a license left: the record, and the change if the event is not the
// license's first. It is nil if there never was such a license, and valid until the next look-up.
func (m *memtable) latest(id events.Seq) (*record, *change, error) {
	last, err := m.lastOf(id)
	if err != nil {
		return nil, nil, err
	}
	if last == 0 {
		value, err := m.Value(allLicenses, uint64(id))
		if value == nil || err != nil {
			return nil, nil, err
		}
		r, ok := parseRecord(value)
		if !ok {
			return nil, nil, ErrDamaged
		}
		return &r, nil, nil
	}
	c, err := m.changeAt(last)
	if err != nil {
		return nil, nil, err
	}
	return &c.record, c, nil
}

// changeAt is the change at a sequence, where there must be one.
func (m *memtable) changeAt(seq events.Seq) (*change, error) {
	value, err := m.Value(allChanges, uint64(seq))
	if err != nil {
		return nil, err
	}
	c, ok := parseChange(value)
	if !ok {
		return nil, ErrDamaged
	}
	return &c, nil
}

// licenseUpdated changes a license by a row. Its customer and order count where the row names them: as created or
// existed.
func (m *memtable) licenseUpdated(j *Job, e *events.LicenseUpdated, f fact) error {
	at, err := m.current(e.Previous, e.License.Key, e.Product.ShortCode)
	if err != nil {
		return err
	}
	next := change{link: link{at.chain, j.ID}}
	if at.owner != j.ID {
		m.overtake(at.id, at.link)
		next.chain = f.seq
		m.Count(counters, countRestorable+j.ID.String(), 1)
	}
	s, _ := events.StateAfter(e)
	moved, err := m.changeTo(at, &next, s, f, 0)
	if err != nil {
		return err
	}
	j.Next.Updated++
	if moved.customer == stays && e.NamesCustomer {
		moved.customer = finds
	}
	if moved.order == stays && e.NamesOrder {
		moved.order = finds
	}
	moved.customer.count(&j.Next.CreatedCustomers, &j.Next.ExistedCustomers)
	moved.order.count(&j.Next.CreatedOrders, &j.Next.ExistedOrders)
	m.Put(rowsOf(updated, j.ID), uint64(e.Row), viewstore.NumberKey(f.seq))
	return m.warn(j, e, RowUpdated)
}

// licenseRestored takes a license back to what it was before an import changed it. The counts of no
// import change.
func (m *memtable) licenseRestored(e *events.LicenseRestored, f fact) error {
	at, err := m.current(e.Previous, e.License.Key, e.Product.ShortCode)
	if err != nil {
		return err
	}
	next := change{link: link{at.id, e.By.JobID}}
	if e.Restores != at.id {
		c, ok, err := m.changeOf(at.id, e.Restores)
		if err != nil {
			return err
		}
		if ok {
			next.link = c.link
		}
	}
	m.fallBack(at.id, at.link, next.link)
	s, _ := events.StateAfter(e)
	_, err = m.changeTo(at, &next, s, f, e.Restores)
	return err
}

// overtake counts that another import follows the chain that something stands at. made is the event that made it.
func (m *memtable) overtake(made events.Seq, at link) {
	owner := at.owner.String()
	if at.chain == made {
		m.Count(counters, countOvertaken+owner, 1)
		return
	}
	m.Uncount(counters, countRestorable+owner, 1)
	m.Count(counters, countSuperseded+owner, 1)
}

// fallBack counts that the chain that something stands at is taken back, to an earlier one.
func (m *memtable) fallBack(made events.Seq, at, to link) {
	if at.chain == to.chain {
		return
	}
	if at.chain != made {
		m.Uncount(counters, countRestorable+at.owner.String(), 1)
	}
	owner := to.owner.String()
	if to.chain == made {
		m.Uncount(counters, countOvertaken+owner, 1)
		return
	}
	m.Uncount(counters, countSuperseded+owner, 1)
	m.Count(counters, countRestorable+owner, 1)
}

// move says what became of a license's customer or order.
type move uint8

const (
	stays move = iota // also: it has none any more
	finds             // it belongs to another one, that exists
	makes             // it belongs to another one, that it makes
)

// count adds a move to a job's counts.
func (v move) count(created, existed *uint64) {
	switch v {
	case makes:
		*created++
	case finds:
		*existed++
	}
}

// moves says what became of a license's customer and order.
type moves struct{ customer, order move }

// changeTo makes a license what an event says that it is. restores is the event of the license whose state it gets
// back, 0 if none.
func (m *memtable) changeTo(
	at *current, next *change, s events.LicenseState, f fact, restores events.Seq,
) (moved moves, err error) {
	next.customer, next.order = at.customer, at.order
	next.flags |= at.flags & (customerListed | orderListed)
	if moved.customer, err = m.moveTo(customerKind, s, at, next, f.seq, restores); err != nil {
		return moved, err
	}
	if moved.order, err = m.moveTo(orderKind, s, at, next, f.seq, restores); err != nil {
		return moved, err
	}
	if s.License.Enabled != nil && !*s.License.Enabled {
		next.flags |= isDisabled
	}
	m.setDisabled(at.id, at.flags&isDisabled != 0, next.flags&isDisabled != 0)
	if at.last == at.id && at.customer == at.id {
		now, err := m.importedCustomer(at.id)
		if err != nil {
			return moved, err
		}
		m.putCustomerText(at.id, at.Customer, now)
	}
	if moved.customer == makes {
		made := s.Customer
		if next.customer != f.seq { // it is back
			if made, err = m.customerMade(next.customer); err != nil {
				return moved, err
			}
		}
		m.putCustomerText(next.customer, made, nil)
	}
	m.putSearchText(at.id, next.customer, s)
	m.putChange(at, next, f)
	return moved, nil
}

// moveTo moves a license to the customer or order that an event names, if it is not there already. Without
// a name it has no customer, and an order that no other license has. One that gets back the state that it had with
// another one leaves first: an import that was undone may have made this one, of the same name, and then it is gone.
func (m *memtable) moveTo(
	k *partyKind, s events.LicenseState, at *current, next *change, seq, restores events.Seq,
) (move, error) {
	from, left := k.of(&at.record), false
	if restores != 0 && from != 0 {
		then, err := m.partyAfter(k, at.id, restores)
		if left = then != from; err == nil && left {
			err = m.leave(k, at)
		}
		if err != nil {
			return stays, err
		}
	}
	id, v, err := m.partyFor(k, k.nameIn(s), at, seq, restores)
	if err != nil || id == from && !left {
		return stays, err
	}
	if from != 0 && !left {
		if err := m.leave(k, at); err != nil {
			return stays, err
		}
	}
	next.flags &^= k.listed
	if id != 0 {
		m.list(k, id, at.id)
		next.flags |= k.listed
	}
	if k == customerKind {
		next.customer = id
	} else {
		next.order = id
	}
	return v, nil
}

// partyFor is the customer or order that a license is to have, 0 if none, and how it comes to it.
func (m *memtable) partyFor(k *partyKind, name string, at *current, seq, restores events.Seq) (events.Seq, move, error) {
	switch {
	case name != "":
		if id, err := m.lookup(k.names, name); id != 0 || err != nil {
			return id, finds, err
		}
	case k == customerKind:
		return 0, stays, nil
	case restores == 0 && k.nameIn(at.LicenseState) == "":
		return at.order, stays, nil
	}
	id, err := m.partyAfter(k, at.id, restores)
	if name == "" && id == at.order {
		return id, stays, err
	}
	if id == 0 {
		id = seq
	}
	if name != "" && err == nil {
		_, _, err = m.lookupOrInsert(k.names, name, id)
	}
	m.makeParty(k, id, id != seq)
	return id, makes, err
}

// partyAfter is the customer or order that a license had after one of its events; 0: none.
func (m *memtable) partyAfter(k *partyKind, license, seq events.Seq) (events.Seq, error) {
	if seq == license {
		value, err := m.Value(allLicenses, uint64(license))
		r, _ := parseRecord(value)
		return k.of(&r), err
	}
	c, _, err := m.changeOf(license, seq)
	return k.of(&c.record), err
}

// changeOf is the change of a license at a sequence; false: there is none.
func (m *memtable) changeOf(license, seq events.Seq) (c change, ok bool, err error) {
	value, err := m.Value(allChanges, uint64(seq))
	if c, ok = parseChange(value); !ok || c.license != license {
		return change{}, false, err
	}
	return c, true, err
}

func (m *memtable) setDisabled(id events.Seq, before, after bool) {
	switch {
	case after && !before:
		m.Include(disabled, "", uint64(id))
		m.Count(counters, countDisabled, 1)
	case before && !after:
		m.Exclude(disabled, "", uint64(id))
		m.Uncount(counters, countDisabled, 1)
	}
}

// putChange stores a change as a license's last event.
func (m *memtable) putChange(at *current, next *change, f fact) {
	next.nanos, next.body, next.license, next.previous = f.time.UnixNano(), f.body, at.id, at.last
	m.value = next.appendTo(m.value[:0])
	m.Put(allChanges, uint64(f.seq), m.value)
	m.Set(licenseNow, viewstore.NumberKey(at.id), viewstore.NumberKey(f.seq))
}

// licenseRevoked removes a license. Its record, its history and its place among the rows of its import
// stay.
func (m *memtable) licenseRevoked(j *Job, e *events.LicenseRevoked, f fact) error {
	at, err := m.current(e.Previous, e.LicenseKey, e.Product.ShortCode)
	if err != nil {
		return err
	}
	for _, k := range [...]*partyKind{customerKind, orderKind} {
		if k.of(&at.record) == 0 {
			continue
		}
		if err := m.leave(k, at); err != nil {
			return err
		}
	}
	id, key, product := uint64(at.id), e.LicenseKey, e.Product.ShortCode
	m.name = appendLicenseKey(m.name[:0], key, product)
	m.Remove(licenseByKey, m.name[:len(key)], m.name, id)
	m.Exclude(productLicenses, product, id)
	m.Exclude(jobLicenses, j.ID.String(), id)
	m.Include(jobLicenses, j.ID.String()+revokedList, id)
	m.Include(gone, "", id)
	m.setDisabled(at.id, at.flags&isDisabled != 0, false)
	m.Uncount(counters, countLicenses, 1)
	m.Uncount(counters, countProduct+product, 1)
	m.Count(counters, countGone, 1)
	next := change{link: at.link}
	next.flags = isRevoked
	m.putChange(at, &next, f)
	return nil
}

// undo folds what happens to an import after its end.
func (m *memtable) undo(j *Job, f fact) error {
	switch e := f.Event.(type) {
	case *events.UndoStarted:
		j.Undo = &Undo{Manager: e.Manager, Started: f.time, Position: j.Begins}
		m.progressed = append(m.progressed, j.ID)
	case *events.UndoProgressed:
		j.Undo.Position, j.Undo.UndoCounts = e.Position, e.UndoCounts
		m.progressed = append(m.progressed, j.ID)
	case *events.UndoFinished:
		j.Undo.Finished, j.Undo.UndoCounts = f.time, e.UndoCounts
		m.ended = append(m.ended, j.ID)
	case *events.LicenseRevoked:
		return m.licenseRevoked(j, e, f)
	case *events.LicenseRestored:
		return m.licenseRestored(e, f)
	case events.Outcome:
		return m.undoOutcome(j, e, f)
	default:
		return &unhandledEventError{name: f.Type}
	}
	j.Moved = f.seq
	return nil
}
