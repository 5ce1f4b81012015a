package viewstore

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"sort"

	bolt "go.etcd.io/bbolt"
)

// A posting list grows mostly at its end. It is stored in blocks: one entry holds all members between two
// multiples of 4096, in 2 bytes each. Its key is the list's name, a NUL and the block's number. One
// entry for each member would take twenty times the space, and would be a third of all entries that
// an import writes.
const (
	blockBits = 12
	blockMask = 1<<blockBits - 1
)

// pendingPostings are the changes of the lists of one view, by the lists' names.
type pendingPostings map[string]*pendingList

// pendingList holds the changes of one list. The edits apply after the new members.
type pendingList struct {
	added []uint64      // larger than all others of the list
	edits []postingEdit // the last one of a number counts
}

// postingEdit says whether a number is a member.
type postingEdit struct {
	n      uint64
	member bool
}

func (p pendingPostings) of(name string) *pendingList {
	list := p[name]
	if list == nil {
		list = new(pendingList)
		p[name] = list
	}
	return list
}

// append adds a member to a list. The member is larger than all others of the list.
func (p pendingPostings) append(name string, n uint64) {
	list := p.of(name)
	list.added = append(list.added, n)
}

// edit makes a number a member of a list, or makes it none.
func (p pendingPostings) edit(name string, n uint64, member bool) {
	list := p.of(name)
	list.edits = append(list.edits, postingEdit{n, member})
}

// writePostings writes the changes of the lists to their blocks.
func (w *WriteTx) writePostings(v View, lists pendingPostings, a *arena) error {
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		list := lists[name]
		if err := w.appendMembers(v, name, list.added, a); err != nil {
			return err
		}
		if err := w.editMembers(v, name, list.edits, a); err != nil {
			return err
		}
	}
	return nil
}

func (w *WriteTx) appendMembers(v View, name string, members []uint64, a *arena) error {
	var added []byte
	for len(members) > 0 {
		n := sameBlock(members)
		added = added[:0]
		for _, member := range members[:n] {
			added = binary.BigEndian.AppendUint16(added, uint16(member&blockMask))
		}
		if err := w.append(v, TextNumberKey(name, members[0]>>blockBits), added, a); err != nil {
			return err
		}
		members = members[n:]
	}
	return nil
}

// sameBlock counts the numbers at the beginning of ascending ones that lie in one block.
func sameBlock(numbers []uint64) int {
	block := numbers[0] >> blockBits
	return sort.Search(len(numbers), func(i int) bool { return numbers[i]>>blockBits > block })
}

// lastEdits sorts edits by number, and keeps the last one of each.
func lastEdits(edits []postingEdit) []postingEdit {
	byNumber := func(a, b postingEdit) int { return cmp.Compare(a.n, b.n) }
	if !slices.IsSortedFunc(edits, byNumber) {
		slices.SortStableFunc(edits, byNumber)
	}
	last := edits[:0]
	for i, e := range edits {
		if i+1 == len(edits) || edits[i+1].n != e.n {
			last = append(last, e)
		}
	}
	return last
}

// editMembers writes each block again that has an edit. A block without members has no entry.
func (w *WriteTx) editMembers(v View, name string, edits []postingEdit, a *arena) error {
	for rest := lastEdits(edits); len(rest) > 0; {
		block := rest[0].n >> blockBits
		n := sort.Search(len(rest), func(i int) bool { return rest[i].n>>blockBits > block })
		key := TextNumberKey(name, block)
		old := w.buckets[v].Get(key)
		value := mergeBlock(a.alloc(len(old)+2*n), old, rest[:n])
		rest = rest[n:]
		var err error
		switch {
		case len(value) > 0:
			err = w.set(v, key, old, value)
		case old != nil:
			err = w.remove(v, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mergeBlock appends the members of a block after some edits to b. Both are in ascending order.
func mergeBlock(b, old []byte, edits []postingEdit) []byte {
	for len(old) >= 2 || len(edits) > 0 {
		member := uint64(blockMask + 1) // after all
		if len(old) >= 2 {
			member = uint64(binary.BigEndian.Uint16(old))
		}
		if len(edits) == 0 || member < edits[0].n&blockMask {
			b, old = append(b, old[:2]...), old[2:]
			continue
		}
		if member == edits[0].n&blockMask {
			old = old[2:]
		}
		if edits[0].member {
			b = binary.BigEndian.AppendUint16(b, uint16(edits[0].n&blockMask))
		}
		edits = edits[1:]
	}
	return b
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

// endOfRun is the last of the members of a posting list that follow each other from a member on, as far as
// its block goes. The member is the one that Next found last.
func (x *blockPostings) endOfRun(n uint64, desc bool) uint64 {
	if x.bits != blockBits || n>>blockBits != x.number {
		return n
	}
	size, place := len(x.data)/2, n&blockMask
	member := func(i int) uint64 { return uint64(binary.BigEndian.Uint16(x.data[2*i:])) }
	at := sort.Search(size, func(i int) bool { return member(i) >= place })
	if desc {
		return n - uint64(max(1, sort.Search(at+1, func(k int) bool { return member(at-k)+uint64(k) != place }))-1)
	}
	return n + uint64(max(1, sort.Search(size-at, func(k int) bool { return member(at+k) != place+uint64(k) }))-1)
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
