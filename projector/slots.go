package projector

import (
	"encoding/binary"
	"hash/crc32"
	"runtime"

	"licenseimport/events"
)

// An index of names, which come in no order, is a hash table in each era (eras.go): one entry of the
// file for all names of a slot. Its key is the era and the slot; its value has the names in the order of
// the stream, each behind its length and followed by the place of its sequence in the era. So
// what a transaction adds is sorted by nothing and appended to few entries, and a value depends on the
// events only, not on where a transaction ended. With an entry for each name folding took half as much
// CPU again.
const (
	slotBits  = 10 // 128 names in each, in an era that is complete
	slotCount = 1 << slotBits
	slotSize  = 2 // bytes of a key
	placeSize = 3 // bytes behind a name
)

// slotOf is the slot of a name. It stands in the file: it must not depend on process or machine.
func slotOf(name []byte) int { return int(crc32.Checksum(name, castagnoli) & (slotCount - 1)) }

func appendSlotKey(b []byte, era uint32, slot int) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(b, era), uint16(slot))
}

// table holds the new names of one era in one view.
type table struct {
	era   uint32
	slots [slotCount][]byte // what is to be appended to each
}

// tables are those of one view, in the order of their eras. Their room is used again.
type tables struct {
	all  []*table
	used int
}

// of is the table of the era that a sequence is in: the last one, or one behind it.
func (t *tables) of(seq events.Seq) *table {
	era := uint32(seq >> eraBits)
	if t.used > 0 && t.all[t.used-1].era == era {
		return t.all[t.used-1]
	}
	if t.used == len(t.all) {
		t.all = append(t.all, new(table))
	}
	last := t.all[t.used]
	last.era = era
	t.used++
	return last
}

// empty forgets all but the room.
func (t *tables) empty() {
	for _, used := range t.all[:t.used] {
		for i := range used.slots {
			used.slots[i] = used.slots[i][:0]
		}
	}
	t.used = 0
}

// enter adds a name that stands for a sequence. The slot is that of the name, or of the part
// of it that is looked up.
func (b *memtable) enter(v view, slot int, name []byte, seq events.Seq) {
	added := &b.tables[v].of(seq).slots[slot]
	*added = append(binary.AppendUvarint(*added, uint64(len(name))), name...)
	place := seq & (1<<eraBits - 1)
	*added = append(*added, byte(place>>16), byte(place>>8), byte(place))
}

// writeTables appends the new names to their slots.
func (w *writing) writeTables(v view, t *tables, room *slab) error {
	var key []byte
	for _, table := range t.all[:t.used] {
		for slot, added := range table.slots {
			if slot%yieldEntries == 0 {
				runtime.Gosched()
			}
			if len(added) == 0 {
				continue
			}
			key = appendSlotKey(key[:0], table.era, slot)
			if err := w.extend(v, key, added, room); err != nil {
				return err
			}
		}
	}
	return nil
}

// slot is the value of one slot.
type slot struct {
	era   uint32
	names []byte
}

// each passes the names, and the sequence that each stands for, in order, until f says no. It is false where
// the slot is not sound.
func (s slot) each(f func(name []byte, seq events.Seq) bool) bool {
	for rest := s.names; len(rest) > 0; {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)) || len(rest) < n+int(size)+placeSize {
			return false
		}
		end := n + int(size)
		place := events.Seq(rest[end])<<16 | events.Seq(rest[end+1])<<8 | events.Seq(rest[end+2])
		if !f(rest[n:end], events.Seq(s.era)<<eraBits|place) {
			return true
		}
		rest = rest[end+placeSize:]
	}
	return true
}

// find gives the first sequence that a name stands for; 0 if there is none.
func (s slot) find(wanted []byte) (found events.Seq, err error) {
	sound := s.each(func(name []byte, seq events.Seq) bool {
		if string(name) == string(wanted) {
			found = seq
		}
		return found == 0
	})
	if !sound {
		return 0, errDamaged
	}
	return found, nil
}
