package viewstore

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"math/bits"
)

// A nameTable has the names of an index and the first sequence of each. It takes some 16 bytes beside each name. Its
// parts grow one by one, so that no call takes long, and hold no pointers that the garbage collector would have to
// follow.
type nameTable struct {
	seed  maphash.Seed
	parts [nameParts]namePart
}

// namePart is a hash table with open addressing.
type namePart struct {
	slots   []uint32 // empty, or a tag of the name's hash and the place of the name's entry
	used    int      // slots that are not empty
	gone    int      // of these, without an entry
	entries []byte   // length of a name (uvarint), name, sequence (uvarint), one after the other
}

const (
	nameParts  = 1024
	placeBits  = 24
	noPlace    = 1<<placeBits - 1 // of a name that was removed
	firstPlace = 1                // so that no slot in use is 0
	firstSlots = 8
)

var errTooManyNames = errors.New("an index has more names than memory can hold")

func newNameTable() *nameTable { return &nameTable{seed: maphash.MakeSeed()} }

// get is the sequence of a name; 0: there is none.
func (t *nameTable) get(name string) uint64 {
	part, hash := t.partOf(name)
	_, seq := part.find(name, hash)
	return seq
}

// put adds a name. Of one that the table has the sequence stays. A sequence is not 0.
func (t *nameTable) put(name string, seq uint64) error {
	part, hash := t.partOf(name)
	isFull := func() bool { return len(part.entries)+firstPlace >= noPlace }
	if 5*(part.used+1) > 4*len(part.slots) || isFull() && part.gone > 0 {
		t.grow(part)
	}
	at, known := part.find(name, hash)
	if known != 0 {
		return nil
	}
	if isFull() {
		return errTooManyNames
	}
	part.slots[at] = part.nextSlot(hash)
	part.used++
	part.entries = append(binary.AppendUvarint(part.entries, uint64(len(name))), name...)
	part.entries = binary.AppendUvarint(part.entries, seq)
	return nil
}

// remove removes a name, if the table has it.
func (t *nameTable) remove(name string) {
	part, hash := t.partOf(name)
	if at, seq := part.find(name, hash); seq != 0 {
		part.slots[at] = noPlace
		part.gone++
	}
}

func (t *nameTable) partOf(name string) (*namePart, uint64) {
	hash := maphash.String(t.seed, name)
	return &t.parts[hash%nameParts], hash
}

// tagOf is a part of the hash that leads neither to a part of the table nor to a slot.
func tagOf(hash uint64) uint32 { return uint32(hash) &^ (1<<placeBits - 1) }

// nextSlot is the content of a slot whose entry is the next one.
func (p *namePart) nextSlot(hash uint64) uint32 {
	return tagOf(hash) | uint32(len(p.entries)+firstPlace) //nolint:gosec // below noPlace
}

// find is the slot of a name and its sequence; or the empty slot that it would have, if there is any, and 0.
func (p *namePart) find(name string, hash uint64) (at int, seq uint64) {
	if len(p.slots) == 0 {
		return 0, 0
	}
	for at = p.first(hash); ; at = p.after(at) {
		place := p.slots[at] & noPlace
		switch {
		case p.slots[at] == 0:
			return at, 0
		case place != noPlace && p.slots[at]&^noPlace == tagOf(hash):
			if other, seq, _ := p.entry(place - firstPlace); string(other) == name {
				return at, seq
			}
		}
	}
}

// first is where a name with a hash would best be.
func (p *namePart) first(hash uint64) int {
	high, _ := bits.Mul64(hash, uint64(len(p.slots)))
	return int(high) //nolint:gosec // below the number of slots
}

func (p *namePart) after(at int) int {
	if at++; at < len(p.slots) {
		return at
	}
	return 0
}

// entry is the one at a place, and the place of the next.
func (p *namePart) entry(at uint32) (name []byte, seq uint64, next uint32) {
	rest := p.entries[at:]
	length, n := binary.Uvarint(rest)
	end := n + int(length) //nolint:gosec // of a name that was put
	seq, m := binary.Uvarint(rest[end:])
	return rest[n:end], seq, at + uint32(end+m) //nolint:gosec // below noPlace
}

// grow makes slots for half as many names again as there are, and forgets what was removed.
func (t *nameTable) grow(p *namePart) {
	old := *p
	names := old.used - old.gone
	*p = namePart{slots: make([]uint32, max(firstSlots, names*15/8)), used: names}
	p.entries = make([]byte, 0, len(old.entries)+len(old.entries)/4+64)
	for _, slot := range old.slots {
		place := slot & noPlace
		if slot == 0 || place == noPlace {
			continue
		}
		from := place - firstPlace
		name, _, next := old.entry(from)
		hash := maphash.Bytes(t.seed, name)
		at := p.first(hash)
		for p.slots[at] != 0 {
			at = p.after(at)
		}
		p.slots[at] = p.nextSlot(hash)
		p.entries = append(p.entries, old.entries[from:next]...)
	}
}
