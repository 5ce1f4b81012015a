package projector

import (
	"encoding/binary"
	"maps"
	"slices"
	"sort"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
)

// A set of sequences that grows at its end is kept in blocks: one entry for all
// members between two multiples of 4096, of 2 bytes each. Its key is the set's name, a NUL
// and the number of the block. An entry for each member would be twenty times as
// large, and a third of all the entries that an import writes.
const (
	blockBits = 12
	blockMask = 1<<blockBits - 1
)

// growing are the new members of the sets of one view, by the sets' names.
type growing map[string]*[]events.Seq

// join adds a member to a set; it is larger than all that are in it.
func (b *memtable) join(v view, name string, seq events.Seq) {
	members := b.growing[v][name]
	if members == nil {
		members = new([]events.Seq)
		b.growing[v][name] = members
	}
	*members = append(*members, seq)
}

// writeGrowing adds the new members to their blocks.
func (w *writing) writeGrowing(v view, sets growing, room *slab) error {
	var added []byte
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		for rest := *sets[name]; len(rest) > 0; {
			block := rest[0] >> blockBits
			n := sort.Search(len(rest), func(i int) bool { return rest[i]>>blockBits > block })
			added = added[:0]
			for _, seq := range rest[:n] {
				added = binary.BigEndian.AppendUint16(added, uint16(seq&blockMask))
			}
			if err := w.extend(v, textNumber(name, block), added, room); err != nil {
				return err
			}
			rest = rest[n:]
		}
	}
	return nil
}

// blocks is the set of the members that the blocks of one name hold.
type blocks struct {
	cursor *bolt.Cursor
	prefix []byte // the name and a NUL
	bits   uint   // that the place in a block takes of a member
	within func(held []byte, place uint64, down bool) (uint64, bool)
	number uint64 // of the block that was read last
	held   []byte // what it holds; nil: none was read
}

func (x *blocks) next(from uint64, down bool) (uint64, bool) {
	if x.held == nil || from>>x.bits != x.number {
		if !x.seek(from>>x.bits, down) {
			return 0, false
		}
	}
	for {
		if place, ok := x.within(x.held, x.place(from, down), down); ok {
			return x.number<<x.bits | place, true
		}
		number, ok := beside(x.number, down)
		if !ok || !x.seek(number, down) {
			return 0, false
		}
	}
}

// place is where to look from in the block that was read: at its end, unless it is from's own.
func (x *blocks) place(from uint64, down bool) uint64 {
	mask := uint64(1)<<x.bits - 1
	switch {
	case from>>x.bits == x.number:
		return from & mask
	case down:
		return mask
	default:
		return 0
	}
}

// inBlock finds the first member of a block from a place on, in a direction.
func inBlock(held []byte, place uint64, down bool) (uint64, bool) {
	size := len(held) / 2
	member := func(i int) uint64 { return uint64(binary.BigEndian.Uint16(held[2*i:])) }
	i := sort.Search(size, func(i int) bool { return member(i) >= place })
	if down && (i == size || member(i) != place) {
		i--
	}
	if i < 0 || i >= size {
		return 0, false
	}
	return member(i), true
}

// seek reads the first block from a number on, in a direction.
func (x *blocks) seek(number uint64, down bool) (found bool) {
	key, value := seek(x.cursor, x.prefix, number, down)
	if x.number, found = numbered(key, x.prefix); found {
		x.held = value
	} else {
		x.held = nil
	}
	return found
}
