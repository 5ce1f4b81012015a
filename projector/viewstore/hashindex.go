package viewstore

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"runtime"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// Each partition of an index has eight ranges of 16,384 sequences, and each range is a hash table with 128 slots. One
// entry of the file holds all names of a slot. Its key is the partition and the number of the slot there. Its value
// holds the names in stream order, each after its length and followed by its sequence's offset in the partition. New
// names need no sorting: a transaction appends them to a few entries. An entry's bytes depend on the inserted names
// alone, not on transaction boundaries. With one entry for each name, folding took 1.5 times the CPU. With one range of
// 1024 slots a transaction of 1000 events wrote most of these.
const (
	hashBits   = 7 // a full range has 128 names in each slot
	hashCount  = 1 << hashBits
	rangeBits  = 3
	slotCount  = 1 << (rangeBits + hashBits) // in a partition
	slotSize   = 2                           // bytes in a key
	offsetSize = 3                           // bytes after a name
)

// hashOf is the hash of a name. It is part of the file format: it must not depend on the process
// or the machine.
func hashOf(name []byte) int { return int(crc32.Checksum(name, castagnoli) & (hashCount - 1)) }

// rangeOf is the number of the range of a sequence, counted through all partitions.
func rangeOf(seq uint64) uint32 { return uint32(seq >> (partitionBits - rangeBits)) }

// slotIn is the slot of a hash in a range.
func slotIn(hash int, number uint32) int { return int(number%(1<<rangeBits))<<hashBits | hash }

// slotsOf are a hash's slots in a partition, by ascending sequences.
func slotsOf(hash int) (slots [1 << rangeBits]int) {
	for i := range slots {
		slots[i] = slotIn(hash, uint32(i))
	}
	return slots
}

func appendSlotKey(b []byte, partition uint32, slot int) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(b, partition), uint16(slot))
}

// indexDelta holds the new names of one partition of an index, and those that leave it.
type indexDelta struct {
	partition uint32
	slots     [slotCount][]byte  // to be appended to each slot
	removed   *[slotCount][]byte // what leaves each slot of the file, as it is encoded there; nil: nothing
}

// indexDeltas are those of one index, by partition. Their buffers are reused.
type indexDeltas struct {
	all  []*indexDelta
	used int
	name []byte // reused buffer
}

// of is the delta of a sequence's partition, mostly the last one. It makes one where there is none.
func (d *indexDeltas) of(seq uint64) *indexDelta {
	partition := partitionOf(seq)
	for i := d.used - 1; i >= 0; i-- {
		if d.all[i].partition == partition {
			return d.all[i]
		}
	}
	if d.used == len(d.all) {
		d.all = append(d.all, new(indexDelta))
	}
	last := d.all[d.used]
	last.partition = partition
	d.used++
	return last
}

// insert adds a name.
func (d *indexDeltas) insert(slot int, name []byte, seq uint64) {
	added := &d.of(seq).slots[slot]
	*added = appendName(*added, name, seq)
}

// appendName appends a name and its sequence as a slot holds them.
func appendName(b, name []byte, seq uint64) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
	offset := seq & (1<<partitionBits - 1)
	return append(b, byte(offset>>16), byte(offset>>8), byte(offset))
}

// remove removes a name: one that this transaction added, or else one of the file.
func (d *indexDeltas) remove(number int, name []byte, seq uint64) {
	delta := d.of(seq)
	d.name = appendName(d.name[:0], name, seq)
	leaving := d.name
	for rest := delta.slots[number]; ; {
		one := firstName(rest)
		if one == nil {
			break
		}
		if bytes.Equal(one, leaving) {
			at := len(delta.slots[number]) - len(rest)
			delta.slots[number] = slices.Delete(delta.slots[number], at, at+len(one))
			return
		}
		rest = rest[len(one):]
	}
	if delta.removed == nil {
		delta.removed = new([slotCount][]byte)
	}
	delta.removed[number] = append(delta.removed[number], leaving...)
}

// firstName is the first name of a slot as it is encoded there, nil without one or if the slot is malformed.
func firstName(names []byte) []byte {
	size, n := binary.Uvarint(names)
	if n <= 0 || size > uint64(len(names)) || len(names) < n+int(size)+offsetSize {
		return nil
	}
	return names[:n+int(size)+offsetSize]
}

// encodedName is a name as a slot has it, with its sequence's place in the partition.
type encodedName struct {
	offset  uint32
	encoded []byte
}

// encodedNames appends the names of a slot to b.
func encodedNames(b []encodedName, names []byte) []encodedName {
	for one := firstName(names); one != nil; one = firstName(names) {
		b = append(b, encodedName{offsetOf(one), one})
		names = names[len(one):]
	}
	return b
}

func offsetOf(one []byte) uint32 {
	offset := one[len(one)-offsetSize:]
	return uint32(offset[0])<<16 | uint32(offset[1])<<8 | uint32(offset[2])
}

// withoutNames appends a slot's names without some of them, sorted by offset, to b. A malformed rest is appended as it
// is.
func withoutNames(b, names []byte, removed []encodedName) []byte {
	stays, at := 0, 0 // names from stays to at are not appended yet, and stay
	for one := firstName(names); one != nil; one = firstName(names[at:]) {
		if isAmong(removed, one) {
			b = append(b, names[stays:at]...)
			stays = at + len(one)
		}
		at += len(one)
	}
	return append(b, names[stays:]...)
}

// isAmong reports whether an encoded name is one of some that are sorted by offset.
func isAmong(sorted []encodedName, one []byte) bool {
	offset := offsetOf(one)
	at, found := slices.BinarySearchFunc(sorted, offset, func(e encodedName, offset uint32) int {
		return cmp.Compare(e.offset, offset)
	})
	for ; found && at < len(sorted) && sorted[at].offset == offset; at++ {
		if bytes.Equal(sorted[at].encoded, one) {
			return true
		}
	}
	return false
}

// replay applies what the transaction changed of a name to the sequences that the name has in the file,
// with or without that transaction.
func (d *indexDeltas) replay(hash int, name []byte, found map[uint64]struct{}) {
	for _, delta := range d.all[:d.used] {
		for _, number := range slotsOf(hash) {
			slot{delta.partition, delta.leaving(number)}.forEachOf(name, func(seq uint64) { delete(found, seq) })
			slot{delta.partition, delta.slots[number]}.forEachOf(name, func(seq uint64) { found[seq] = struct{}{} })
		}
	}
}

// leaving are the names that leave a slot of the file.
func (d *indexDelta) leaving(number int) []byte {
	if d.removed == nil {
		return nil
	}
	return d.removed[number]
}

// forEachAdded passes the new names of a partition.
func (d *indexDeltas) forEachAdded(partition uint32, f func(name []byte, seq uint64) bool) {
	for _, delta := range d.all[:d.used] {
		if delta.partition != partition {
			continue
		}
		for _, added := range delta.slots {
			slot{partition, added}.forEach(f)
		}
	}
}

// reset removes all names and keeps the buffers.
func (d *indexDeltas) reset() {
	for _, used := range d.all[:d.used] {
		for i := range used.slots {
			used.slots[i] = used.slots[i][:0]
			if used.removed != nil {
				used.removed[i] = used.removed[i][:0]
			}
		}
	}
	d.used = 0
}

// writeIndex appends the new names to their slots, without the names that leave them.
func (w *WriteTx) writeIndex(v View, deltas *indexDeltas, a *arena) error {
	var key []byte
	var leaving []encodedName // reused buffer
	for _, delta := range deltas.all[:deltas.used] {
		for slot, added := range delta.slots {
			if slot%yieldEntries == 0 {
				runtime.Gosched()
			}
			removed := delta.leaving(slot)
			if len(added) == 0 && len(removed) == 0 {
				continue
			}
			key = appendSlotKey(key[:0], delta.partition, slot)
			var err error
			if len(removed) == 0 {
				err = w.append(v, key, added, a)
			} else {
				leaving = encodedNames(leaving[:0], removed)
				slices.SortStableFunc(leaving, func(a, b encodedName) int { return cmp.Compare(a.offset, b.offset) })
				err = w.rewrite(v, key, added, leaving, a)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// rewrite removes names of a slot and appends others. A slot without names has no entry.
func (w *WriteTx) rewrite(v View, key, added []byte, removed []encodedName, a *arena) error {
	old := w.buckets[v].Get(key)
	value := append(withoutNames(a.alloc(len(old)+len(added)), old, removed), added...)
	switch {
	case len(value) > 0:
		return w.set(v, key, old, value)
	case old != nil:
		return w.remove(v, key)
	}
	return nil
}

// slot is the value of one slot.
type slot struct {
	partition uint32
	entries   []byte
}

// forEach passes each name and its sequence, in order, until f returns false. It is false if the
// slot is malformed.
func (s slot) forEach(f func(name []byte, seq uint64) bool) bool {
	for rest := s.entries; len(rest) > 0; {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)) || len(rest) < n+int(size)+offsetSize {
			return false
		}
		end := n + int(size)
		offset := uint64(offsetOf(rest[:end+offsetSize]))
		if offset >= 1<<partitionBits {
			return false
		}
		if !f(rest[n:end], uint64(s.partition)<<partitionBits|offset) {
			return true
		}
		rest = rest[end+offsetSize:]
	}
	return true
}

// forEachOf passes the sequences of one name, in order. It is false if the slot is malformed.
func (s slot) forEachOf(name []byte, f func(seq uint64)) bool {
	return s.forEach(func(other []byte, seq uint64) bool {
		if string(other) == string(name) {
			f(seq)
		}
		return true
	})
}

// forEachName passes all names of an index, by partition and slot, until f returns false.
func forEachName(cursor *bolt.Cursor, f func(name []byte, seq uint64) bool) error {
	more := true
	for key, value := cursor.First(); key != nil && more; key, value = cursor.Next() {
		if len(key) != partitionSize+slotSize {
			return ErrDamaged
		}
		sound := slot{binary.BigEndian.Uint32(key), value}.forEach(func(name []byte, seq uint64) bool {
			more = f(name, seq)
			return more
		})
		if !sound {
			return ErrDamaged
		}
	}
	return nil
}

// find is the first sequence of a name; 0 if the slot does not hold the name.
func (s slot) find(wanted []byte) (found uint64, err error) {
	sound := s.forEach(func(name []byte, seq uint64) bool {
		if string(name) == string(wanted) {
			found = seq
		}
		return found == 0
	})
	if !sound {
		return 0, ErrDamaged
	}
	return found, nil
}
