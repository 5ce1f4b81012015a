package viewstore

import (
	"encoding/binary"
	"maps"
	"slices"
	"sort"

	bolt "go.etcd.io/bbolt"
)

// A posting list grows at its end. It is stored in blocks: one entry holds all members between two
// multiples of 4096, in 2 bytes each. Its key is the list's name, a NUL and the block's number. One
// entry for each member would take twenty times the space, and would be a third of all entries that
// an import writes.
const (
	blockBits = 12
	blockMask = 1<<blockBits - 1
)

// pendingPostings are the new members of the lists of one view, by the lists' names.
type pendingPostings map[string]*[]uint64

// append adds a member to a list. The member is larger than all others of the list.
func (p pendingPostings) append(name string, n uint64) {
	members := p[name]
	if members == nil {
		members = new([]uint64)
		p[name] = members
	}
	*members = append(*members, n)
}

// writePostings appends the new members to their blocks.
func (w *WriteTx) writePostings(v View, lists pendingPostings, a *arena) error {
	var added []byte
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		for rest := *lists[name]; len(rest) > 0; {
			block := rest[0] >> blockBits
			n := sort.Search(len(rest), func(i int) bool { return rest[i]>>blockBits > block })
			added = added[:0]
			for _, member := range rest[:n] {
				added = binary.BigEndian.AppendUint16(added, uint16(member&blockMask))
			}
			if err := w.append(v, TextNumberKey(name, block), added, a); err != nil {
				return err
			}
			rest = rest[n:]
		}
	}
	return nil
}

// blockPostings is a set whose members lie in numbered entries: a posting list in blocks, or the
// numbers of a chunk set.
type blockPostings struct {
	cursor *bolt.Cursor
	prefix []byte // of the entries' keys; the number follows it
	bits   uint   // of a member that are its place in the entry
	nextFn func(data []byte, place uint64, desc bool) (uint64, bool)
	number uint64 // of the entry that was read last
	data   []byte // its value; nil: none was read
}

func (x *blockPostings) Next(from uint64, desc bool) (uint64, bool) {
	if x.data == nil || from>>x.bits != x.number {
		if !x.seek(from>>x.bits, desc) {
			return 0, false
		}
	}
	for {
		if place, ok := x.nextFn(x.data, x.place(from, desc), desc); ok {
			return x.number<<x.bits | place, true
		}
		number, ok := Step(x.number, desc)
		if !ok || !x.seek(number, desc) {
			return 0, false
		}
	}
}

// place is where to search from in the current entry: from's own place if from lies in it, else the
// entry's beginning or, with desc, its end.
func (x *blockPostings) place(from uint64, desc bool) uint64 {
	mask := uint64(1)<<x.bits - 1
	switch {
	case from>>x.bits == x.number:
		return from & mask
	case desc:
		return mask
	default:
		return 0
	}
}

// seek reads the first entry at or after a number; with desc, at or before it.
func (x *blockPostings) seek(number uint64, desc bool) (found bool) {
	key, value := seek(x.cursor, x.prefix, number, desc)
	if x.number, found = numberBehind(key, x.prefix); found {
		x.data = value
	} else {
		x.data = nil
	}
	return found
}

// nextInBlock finds the first member of a block, from a place on in a direction.
func nextInBlock(data []byte, place uint64, desc bool) (uint64, bool) {
	size := len(data) / 2
	member := func(i int) uint64 { return uint64(binary.BigEndian.Uint16(data[2*i:])) }
	i := sort.Search(size, func(i int) bool { return member(i) >= place })
	if desc && (i == size || member(i) != place) {
		i--
	}
	if i < 0 || i >= size {
		return 0, false
	}
	return member(i), true
}
