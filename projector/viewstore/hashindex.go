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

// indexDelta holds the new names of one partition of an index.
type indexDelta struct {
	partition uint32
	slots     [slotCount][]byte // to be appended to each slot
}

// indexDeltas are those of one index, in partition order. Their buffers are reused.
type indexDeltas struct {
	all  []*indexDelta
	used int
}

// of is the delta of a sequence's partition: the last one, or a new one after it.
func (d *indexDeltas) of(seq uint64) *indexDelta {
	partition := partitionOf(seq)
	if d.used > 0 && d.all[d.used-1].partition == partition {
		return d.all[d.used-1]
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
	*added = append(binary.AppendUvarint(*added, uint64(len(name))), name...)
	offset := seq & (1<<partitionBits - 1)
	*added = append(*added, byte(offset>>16), byte(offset>>8), byte(offset))
}

// reset removes all names and keeps the buffers.
func (d *indexDeltas) reset() {
	for _, used := range d.all[:d.used] {
		for i := range used.slots {
			used.slots[i] = used.slots[i][:0]
		}
	}
	d.used = 0
}

// writeIndex appends the new names to their slots.
func (w *WriteTx) writeIndex(v View, deltas *indexDeltas, a *arena) error {
	var key []byte
	for _, delta := range deltas.all[:deltas.used] {
		for slot, added := range delta.slots {
			if slot%yieldEntries == 0 {
				runtime.Gosched()
			}
			if len(added) == 0 {
				continue
			}
			key = appendSlotKey(key[:0], delta.partition, slot)
			if err := w.append(v, key, added, a); err != nil {
				return err
			}
		}
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
