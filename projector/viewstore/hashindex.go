package viewstore

import (
	"encoding/binary"
	"hash/crc32"
	"runtime"
)

// Each partition of an index is a hash table with 1024 slots. One entry of the file holds all names
// of a slot. Its key is the partition and the slot. Its value holds the names in stream order, each
// after its length and followed by its sequence's offset in the partition. New names need no
// sorting: a transaction appends them to a few entries. An entry's bytes depend on the inserted
// names alone, not on transaction boundaries. With one entry for each name, folding took 1.5 times
// the CPU.
const (
	slotBits   = 10 // a full partition has 128 names in each slot
	slotCount  = 1 << slotBits
	slotSize   = 2 // bytes in a key
	offsetSize = 3 // bytes after a name
)

// hashSlot is the slot of a name. It is part of the file format: it must not depend on the process
// or the machine.
func hashSlot(name []byte) int { return int(crc32.Checksum(name, castagnoli) & (slotCount - 1)) }

func appendSlotKey(b []byte, partition uint32, slot int) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(b, partition), uint16(slot))
}

// indexDelta holds the new names of one partition of an index, and those that leave it.
type indexDelta struct {
	partition uint32
	slots     [slotCount][]byte           // to be appended to each slot
	removed   map[int]map[string]struct{} // by slot: what is in the file, as it is encoded there
}

// indexDeltas are those of one index, by partition. Their buffers are reused.
type indexDeltas struct {
	all  []*indexDelta
	used int
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
	leaving := appendName(nil, name, seq)
	added := delta.slots[number]
	if rest := withoutNames(added[:0], added, map[string]struct{}{string(leaving): {}}); len(rest) < len(added) {
		delta.slots[number] = rest
		return
	}
	if delta.removed == nil {
		delta.removed = map[int]map[string]struct{}{}
	}
	if delta.removed[number] == nil {
		delta.removed[number] = map[string]struct{}{}
	}
	delta.removed[number][string(leaving)] = struct{}{}
}

// withoutNames appends a slot's names without some of them to b, which may be the slot's own beginning.
// A malformed rest is appended as it is.
func withoutNames(b, names []byte, removed map[string]struct{}) []byte {
	for len(names) > 0 {
		size, n := binary.Uvarint(names)
		if n <= 0 || size > uint64(len(names)) || len(names) < n+int(size)+offsetSize {
			return append(b, names...)
		}
		one := names[:n+int(size)+offsetSize]
		names = names[len(one):]
		if _, leaves := removed[string(one)]; !leaves {
			b = append(b, one...)
		}
	}
	return b
}

// replay applies what the transaction changed of a name to the sequences that the name has in the file,
// with or without that transaction.
func (d *indexDeltas) replay(number int, name []byte, found map[uint64]struct{}) {
	for _, delta := range d.all[:d.used] {
		for one := range delta.removed[number] {
			slot{delta.partition, []byte(one)}.forEach(func(other []byte, seq uint64) bool {
				if string(other) == string(name) {
					delete(found, seq)
				}
				return true
			})
		}
		slot{delta.partition, delta.slots[number]}.forEach(func(other []byte, seq uint64) bool {
			if string(other) == string(name) {
				found[seq] = struct{}{}
			}
			return true
		})
	}
}

// reset removes all names and keeps the buffers.
func (d *indexDeltas) reset() {
	for _, used := range d.all[:d.used] {
		for i := range used.slots {
			used.slots[i] = used.slots[i][:0]
		}
		used.removed = nil
	}
	d.used = 0
}

// writeIndex appends the new names to their slots, without the names that leave them.
func (w *WriteTx) writeIndex(v View, deltas *indexDeltas, a *arena) error {
	var key []byte
	for _, delta := range deltas.all[:deltas.used] {
		for slot, added := range delta.slots {
			if slot%yieldEntries == 0 {
				runtime.Gosched()
			}
			removed := delta.removed[slot]
			if len(added) == 0 && len(removed) == 0 {
				continue
			}
			key = appendSlotKey(key[:0], delta.partition, slot)
			var err error
			if len(removed) == 0 {
				err = w.append(v, key, added, a)
			} else {
				err = w.rewrite(v, key, added, removed, a)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// rewrite removes names of a slot and appends others. A slot without names has no entry.
func (w *WriteTx) rewrite(v View, key, added []byte, removed map[string]struct{}, a *arena) error {
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
		offset := uint64(rest[end])<<16 | uint64(rest[end+1])<<8 | uint64(rest[end+2])
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
