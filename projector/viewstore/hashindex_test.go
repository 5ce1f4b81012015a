package viewstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bits-and-blooms/bloom/v3"
)

// TestHashIndex: every inserted name is found and no other, whatever its length, its offset in a
// partition and the number of transactions; by readers and by the overlay.
func TestHashIndex(t *testing.T) {
	h := newHarness(t)
	random := rand.New(rand.NewPCG(5, 6))
	known := map[string]uint64{}
	seq := uint64(0)
	for range 20 {
		h.write(func(m *Memtable) {
			for range random.IntN(3000) {
				seq += uint64(1 + random.IntN(50))
				name := fmt.Sprint(seq, strings.Repeat("x", random.IntN(150)))
				m.Insert(names, []byte(name), []byte(name), seq)
				known[name] = seq
			}
		})
	}
	if seq < 2<<partitionBits {
		t.Fatalf("all in two partitions: up to %d", seq)
	}
	h.overlay = NewOverlay(h.Store) // without a memtable
	h.read(func(r *Reader) {
		for name, want := range known {
			for lookedUp, want := range map[string]uint64{name: want, name + "y": 0} {
				if got, err := h.overlay.Lookup(names, lookedUp); got != want || err != nil {
					t.Fatalf("overlay: %q: %d, %v, want %d", lookedUp, got, err, want)
				}
				if got, err := r.Lookup(names, []byte(lookedUp)); got != want || err != nil {
					t.Fatalf("reader: %q: %d, %v, want %d", lookedUp, got, err, want)
				}
			}
		}
	})
	check(t, h.Verify())
}

// TestPartitions: names of several partitions, some of which are empty, are passed in order from
// the partition of a sequence on.
func TestPartitions(t *testing.T) {
	h := newHarness(t)
	random := rand.New(rand.NewPCG(3, 4))
	want := map[string][]uint64{}
	seq := uint64(0)
	for range 5 {
		h.write(func(m *Memtable) {
			for range 100 {
				if seq++; random.IntN(20) == 0 {
					seq += random.Uint64N(3 << partitionBits)
				}
				name := fmt.Sprint("name-", random.IntN(20))
				m.Insert(unfiltered, []byte(name), []byte(name+"\x00more"), seq)
				want[name] = append(want[name], seq)
			}
		})
	}
	passed := map[string]int{}
	h.read(func(r *Reader) {
		check(t, r.Names(unfiltered, func(name []byte, _ uint64) bool {
			passed[string(bytes.TrimSuffix(name, []byte("\x00more")))]++
			return true
		}))
		for name, all := range want {
			named := func(found []byte) bool { return bytes.HasPrefix(found, TextPrefix(name)) }
			b := NewBound(func() error { return nil })
			for _, hashed := range [][]byte{nil, []byte(name)} {
				set := r.Match(b, unfiltered, hashed, named)
				for _, at := range []uint64{all[0], all[len(all)/2], all[len(all)-1]} {
					for _, from := range []uint64{at - 1, at, at + 1} {
						compareNext(t, name, set, SliceList(all), from, false)
						compareNext(t, name, set, SliceList(all), from, true)
					}
				}
				for _, from := range []uint64{0, 1 << 60, math.MaxUint64} {
					compareNext(t, name, set, SliceList(all), from, false)
					compareNext(t, name, set, SliceList(all), from, true)
				}
			}
			for _, from := range []uint64{0, all[len(all)/2]} {
				var got []uint64
				check(t, r.InSlot(unfiltered, []byte(name), from, func(found []byte, seq uint64) bool {
					if bytes.HasPrefix(found, TextPrefix(name)) && seq >= from {
						got = append(got, seq)
					}
					return true
				}))
				if first, _ := slices.BinarySearch(all, from); !slices.Equal(got, all[first:]) {
					t.Errorf("%s from %d: %d, want %d", name, from, got, all[first:])
				}
			}
			if passed[name] != len(all) {
				t.Errorf("%s: %d passed, want %d", name, passed[name], len(all))
			}
		}
	})
}

// TestIndexDeltasReset: reused buffers hold nothing of the previous transaction.
func TestIndexDeltasReset(t *testing.T) {
	var deltas indexDeltas
	deltas.insert(1, []byte("a"), 1)
	deltas.insert(1, []byte("b"), 1<<partitionBits)
	deltas.remove(1, []byte("d"), 2)
	deltas.reset()
	deltas.insert(1, []byte("c"), 5<<partitionBits+7)
	if deltas.used != 1 {
		t.Fatalf("%d partitions", deltas.used)
	}
	only := deltas.all[0]
	held := map[string]uint64{}
	sound := slot{only.partition, only.slots[1]}.forEach(func(name []byte, seq uint64) bool {
		held[string(name)] = seq
		return true
	})
	if leaving := only.leaving(1); len(leaving) > 0 {
		t.Errorf("%x leaves", leaving)
	}
	if !sound || len(held) != 1 || held["c"] != 5<<partitionBits+7 {
		t.Errorf("%v, sound: %v", held, sound)
	}
}

// TestMalformedSlot: a truncation is detected anywhere but between two names.
func TestMalformedSlot(t *testing.T) {
	var deltas indexDeltas
	for _, name := range []string{"first", strings.Repeat("x", 300), "last"} {
		deltas.insert(0, []byte(name), 9)
	}
	whole := deltas.all[0].slots[0]
	sound := map[int]bool{0: true, 1 + 5 + offsetSize: true, len(whole) - 1 - 4 - offsetSize: true}
	for end := range whole {
		_, err := slot{0, whole[:end]}.find([]byte("none"))
		if sound[end] != (err == nil) || err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("%d of %d bytes: %v", end, len(whole), err)
		}
	}
	huge := append(bytes.Repeat([]byte{0xff}, 9), 1) // a length of 2^64 - 1
	if _, err := (slot{0, append(huge, whole...)}).find([]byte("none")); !errors.Is(err, ErrDamaged) {
		t.Errorf("a name without end: %v", err)
	}
}

// TestBloomFilters: an added name is never missed, also in a full range, and the false positive
// rate is the expected one.
func TestBloomFilters(t *testing.T) {
	const n = 1 << (partitionBits - rangeBits)
	filters := newBloomFilters(len(testSchema.Views))
	for i := range n {
		filters.add(names, fmt.Append(nil, "store-", i), uint64(75*n+i))
	}
	filters.add(names, []byte("store-0"), 65*n)
	if all := filters.groups[names]; len(all) != 2 || all[0] != nil || all[0].mayHave(nil) != 0 {
		t.Fatalf("%d groups, want the second only", len(all))
	}
	mayHave := func(name string, i int) uint64 {
		return filters.groups[names][1].mayHave(bloom.Locations(fmt.Append(nil, name, i), filterProbes))
	}
	wrong := 0
	for i := range n {
		if may := mayHave("store-", i); may&^(1<<1) != 1<<11 {
			t.Fatalf("store-%d may be in %b", i, may)
		}
		if mayHave("other-", i) != 0 {
			wrong++
		}
	}
	if mayHave("store-", 0) != 1<<1|1<<11 {
		t.Error("store-0 is in two ranges")
	}
	if wrong > n/2000 { // 0.012 % are expected
		t.Errorf("%d of %d are false positives", wrong, n)
	}
}

// TestSearchesWithFilters: a partition that is searched often gets filters, which have the names of the file, of the
// frozen memtable, of the active one, and those that are inserted later, in each of its ranges.
func TestSearchesWithFilters(t *testing.T) {
	defer func(n int) { searchesBeforeFilters = n }(searchesBeforeFilters)
	searchesBeforeFilters = 1
	h := newHarness(t)
	insert := func(m *Memtable, name string, seq uint64) { m.Insert(unfiltered, []byte(name), []byte(name), seq) }
	const ninth, aRange = 9 << partitionBits, 1 << (partitionBits - rangeBits)
	h.write(func(m *Memtable) {
		insert(m, "file", 1)
		insert(m, "first range", ninth)
		insert(m, "third range", ninth+2*aRange+5)
		insert(m, "last range", ninth+8*aRange-1)
		for i := range uint64(8) { // a name that each range has
			insert(m, "all", ninth+i*aRange+7)
		}
	})
	frozen, active, empty := NewMemtable(h.overlay), NewMemtable(h.overlay), NewMemtable(h.overlay)
	insert(frozen, "frozen", 2)
	h.overlay.Freeze(frozen)
	insert(active, "active", 3)
	wants := map[string]uint64{
		"file": 1, "frozen": 2, "active": 3, "none": 0,
		"first range": ninth, "third range": ninth + 2*aRange + 5, "last range": ninth + 8*aRange - 1,
	}
	compare := func(m *Memtable) {
		t.Helper()
		for name, seq := range wants {
			got, err := m.Sequences(unfiltered, []byte(name), []byte(name), 0)
			if _, found := got[seq]; err != nil || found != (seq > 0) || len(got) != min(1, int(seq)) {
				t.Errorf("%s: %d, %v, want %d", name, got, err, seq)
			}
		}
		if got, err := m.Sequences(unfiltered, []byte("all"), []byte("all"), 0); err != nil || len(got) != 8 {
			t.Errorf("a name of eight ranges: %d, %v", got, err)
		}
	}
	compare(active)
	if *h.searched.searchesOf(unfiltered, 0) != hasFilters || *h.searched.searchesOf(unfiltered, 9) != hasFilters {
		t.Error("the partition has no filters")
	}
	insert(active, "later", 4)
	wants["later"] = 4
	compare(active)
	for _, m := range []*Memtable{frozen, active} {
		h.overlay.Release()
		w, err := h.Begin()
		check(t, err)
		check(t, w.Commit(m, h.Position()))
		next := active
		if m == active {
			next = empty
		}
		h.overlay.Freeze(next)
	}
	compare(NewMemtable(h.overlay)) // all are in the file
}

// TestTransactionTouchesOneRange: names whose sequences follow one another are written to the 128 slots of one range.
func TestTransactionTouchesOneRange(t *testing.T) {
	h := newHarness(t)
	const first = 3<<(partitionBits-rangeBits) + 1
	h.write(func(m *Memtable) {
		for seq := uint64(first); seq < first+5*hashCount; seq++ {
			name := fmt.Append(nil, "name-", seq)
			m.Insert(names, name, name, seq)
		}
	})
	entries := 0
	h.read(func(r *Reader) {
		check(t, r.bucket(names).ForEach(func(key, _ []byte) error {
			if slot := int(binary.BigEndian.Uint16(key[partitionSize:])); slot>>hashBits != 3 {
				t.Errorf("slot %d of another range", slot)
			}
			entries++
			return nil
		}))
	})
	if entries == 0 || entries > hashCount {
		t.Errorf("%d entries, at most %d", entries, hashCount)
	}
}

// TestFirstOfSeveralRanges: of a name that several ranges of a partition have, look-ups find the first sequence, and
// all are passed in order; also when the later ones were inserted before.
func TestFirstOfSeveralRanges(t *testing.T) {
	h := newHarness(t)
	all := []uint64{5 << (partitionBits - rangeBits), 6 << (partitionBits - rangeBits), 7<<(partitionBits-rangeBits) + 9}
	name := []byte("name")
	for i := range all {
		h.write(func(m *Memtable) {
			m.Insert(names, name, name, all[len(all)-1-i])
			m.Insert(unfiltered, name, name, all[len(all)-1-i])
			m.Insert(resident, name, name, all[len(all)-1-i])
		})
	}
	h.overlay = NewOverlay(h.Store) // without a memtable
	if got, err := h.overlay.Lookup(names, "name"); got != all[0] || err != nil {
		t.Errorf("overlay: %d, %v, want %d", got, err, all[0])
	}
	if got, err := NewMemtable(h.overlay).Lookup(resident, "name"); got != all[0] || err != nil {
		t.Errorf("resident: %d, %v, want %d", got, err, all[0])
	}
	h.read(func(r *Reader) {
		if got, err := r.Lookup(names, name); got != all[0] || err != nil {
			t.Errorf("reader: %d, %v, want %d", got, err, all[0])
		}
		var got []uint64
		check(t, r.InSlot(unfiltered, name, 0, func(_ []byte, seq uint64) bool {
			got = append(got, seq)
			return true
		}))
		if !slices.Equal(got, all) {
			t.Errorf("in the slots: %d, want %d", got, all)
		}
		for _, hashed := range [][]byte{nil, name} {
			set := r.Match(NewBound(func() error { return nil }), unfiltered, hashed, func([]byte) bool { return true })
			compareNext(t, "name", set, SliceList(all), 0, false)
			compareNext(t, "name", set, SliceList(all), all[2], true)
		}
	})
}
