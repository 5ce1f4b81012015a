package projector

import (
	"encoding/binary"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// A party is a customer or an order: what licenses belong to. The event that first names it makes it, and the event's
// sequence is its id. When the last license leaves it, it is gone; who names it next makes another one. An undo that
// restores a license of it brings it back, as long as there is no other one of that name. A customer that a customers'
// import made or named stays.

// partyKind is customers or orders.
type partyKind struct {
	all, names, more viewstore.View // see the views
	counter          string
	listed           flags // of a license that more has
}

var (
	customerKind = &partyKind{customers, customerByEmail, customerLicenses, countCustomers, customerListed}
	orderKind    = &partyKind{orders, orderByStore, orderLicenses, countOrders, orderListed}
)

// of returns the party of a license.
func (k *partyKind) of(r *record) events.Seq {
	if k == customerKind {
		return r.customer
	}
	return r.order
}

// nameIn is what names the party of a license; "": it has none, or an order that no other license has.
func (k *partyKind) nameIn(s events.LicenseState) string {
	switch {
	case k == orderKind:
		return s.Order.StoreID
	case s.Customer == nil:
		return ""
	}
	return events.EmailKey(s.Customer.Email)
}

// partyID names a party of either kind: its id and, in the last bit, its kind.
type partyID uint64

func (k *partyKind) partyID(id events.Seq) partyID {
	if k == customerKind {
		return partyID(id << 1)
	}
	return partyID(id<<1 | 1)
}

// maxMemberCounts bounds the parties whose licenses are counted in memory, but for tests. The undo of an import of
// a million licenses counts 250,000 at once.
var maxMemberCounts = 1 << 18

// memberCounts has how many licenses belong to some parties: to those that lost one lately. It spares
// counting them again. What it lacks the views tell.
type memberCounts map[partyID]int32

// join finds or makes the party with a name, for the event at seq. found tells which. The caller adds
// the license to it.
func (m *memtable) join(k *partyKind, name string, seq events.Seq) (id events.Seq, found bool, err error) {
	id, made, err := m.lookupOrInsert(k.names, name, seq)
	if err == nil && made {
		m.makeParty(k, id, false)
	}
	return id, !made, err
}

// makeParty adds a party. again: it was gone, and is back.
func (m *memtable) makeParty(k *partyKind, id events.Seq, again bool) {
	if again {
		m.Include(k.all, "", uint64(id))
	} else {
		m.Append(k.all, "", uint64(id))
	}
	m.Count(counters, k.counter, 1)
}

// list adds a license to a party's.
func (m *memtable) list(k *partyKind, id, license events.Seq) {
	m.name = binary.BigEndian.AppendUint64(m.name[:0], uint64(id))
	m.Insert(k.more, m.name, m.name, uint64(license))
	if len(m.members) == 0 {
		return
	}
	if n, known := m.members[k.partyID(id)]; known {
		m.members[k.partyID(id)] = n + 1
	}
}

// leave takes a license, as it was, out of its party. The party is gone if that was its last one, unless a
// customers' import made or named it.
func (m *memtable) leave(k *partyKind, at *current) error {
	id, name, left, stays := k.of(&at.record), k.nameIn(at.LicenseState), int32(0), false
	if name != "" {
		n, err := m.memberCount(k, at)
		if err != nil {
			return err
		}
		left = n - 1
	}
	if at.flags&k.listed != 0 {
		m.name = binary.BigEndian.AppendUint64(m.name[:0], uint64(id))
		m.Remove(k.more, m.name, m.name, uint64(at.id))
	}
	if left == 0 && k == customerKind {
		named, err := m.Get(customerNow, viewstore.NumberKey(id))
		if err != nil {
			return err
		}
		stays = named != nil
	}
	if left > 0 || stays {
		m.members[k.partyID(id)] = left
		return nil
	}
	delete(m.members, k.partyID(id))
	if name != "" {
		if err := m.Forget(k.names, name, uint64(id)); err != nil {
			return err
		}
	}
	m.Exclude(k.all, "", uint64(id))
	m.Uncount(counters, k.counter, 1)
	return nil
}

// memberCount counts the licenses of the party that a license belongs to, one that has a name. The first count reads
// one slot of each range that may have the party.
func (m *memtable) memberCount(k *partyKind, at *current) (int32, error) {
	id := k.of(&at.record)
	if n, known := m.members[k.partyID(id)]; known {
		return n, nil
	}
	if len(m.members) >= maxMemberCounts {
		clear(m.members)
	}
	m.name = binary.BigEndian.AppendUint64(m.name[:0], uint64(id))
	listed, err := m.Sequences(k.more, m.name, m.name, 0)
	if err != nil {
		return 0, err
	}
	n, creator := int32(len(listed)), &at.record
	if at.id != id {
		if creator, _, err = m.latest(id); err != nil {
			return 0, err
		}
	}
	if creator != nil && k.of(creator) == id && creator.flags&k.listed == 0 {
		n++
	}
	m.members[k.partyID(id)] = n
	return n, nil
}
