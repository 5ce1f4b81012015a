package projector

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
)

// TestSegments compares what was kept of three sets, over several transactions, with what was written: in
// order mostly, and also not, and some of it a second time.
func TestSegments(t *testing.T) {
	s, err := openStore(filepath.Join(t.TempDir(), FileName))
	check(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	sets := []segmented{{view: licenses}, {existed, 1}, {existed, 2}, {rejected, 2}}
	want := make([]map[uint64][]byte, len(sets))
	for i := range sets {
		want[i] = map[uint64][]byte{}
	}
	n := uint64(1)
	for range 40 {
		l := newBatchWriter(s, maxBatchEvents)
		l.active = l.begin(nil)
		for range random.IntN(800) {
			i := random.IntN(len(sets))
			n += uint64(random.IntN(2))
			if random.IntN(400) == 0 {
				n += 200 << segmentBits
			}
			at := n
			if random.IntN(10) == 0 {
				at -= min(at, random.Uint64N(100))
			}
			value := []byte(strings.Repeat(fmt.Sprint(at), random.IntN(300)))
			l.active.keep(sets[i], at, value)
			want[i][at] = value
		}
		w, err := l.rotate()
		check(t, err)
		check(t, w.commit(l.immutable))
	}
	check(t, s.verify())
	check(t, s.db.View(func(tx *bolt.Tx) error {
		r := newReader(tx)
		keys := map[view][]string{}
		for i, of := range sets {
			all := list(slices.Sorted(maps.Keys(want[i])))
			compareSets(t, fmt.Sprint(of), r.allKept(of), all, n)
			for at := range n + 70 {
				compareKept(t, r, of, at, want[i])
			}
			for _, at := range all {
				keys[of.view] = append(keys[of.view], string(append(of.prefix(), number(at)...)))
			}
		}
		for range 1000 { // in no order
			i := random.IntN(len(sets))
			compareKept(t, r, sets[i], random.Uint64N(n), want[i])
		}
		for v, all := range keys {
			var passed []string
			from := len(all) / 2
			begin := []byte(all[from])
			begin = append(begin[:len(begin)-8], number(binary.BigEndian.Uint64(begin[len(begin)-8:])>>segmentBits)...)
			check(t, eachKept(r.view(v), begin, func(key, _ []byte) error {
				if string(key) >= all[from] {
					passed = append(passed, string(key))
				}
				return nil
			}))
			if !slices.Equal(passed, all[from:]) {
				t.Errorf("view %d: %d values from the middle on, want %d", v, len(passed), len(all)-from)
			}
		}
		return nil
	}))
	check(t, s.close())
}

func compareKept(t *testing.T, r reader, of segmented, at uint64, all map[uint64][]byte) {
	t.Helper()
	got, err := r.kept(of, at)
	want, there := all[at]
	if err != nil || (got != nil) != there || !bytes.Equal(got, want) {
		t.Fatalf("%v, %d: %q, %v; want %q, %v", of, at, got, err, want, there)
	}
}

// TestSegmentsAreTheSame however much came at once, and in whatever order.
func TestSegmentsAreTheSame(t *testing.T) {
	bodies := benchBodies(t, segmentMask+1)[2:]
	of := segmented{existed, 7}
	stored := func(order []int, ends ...int) (value []byte) {
		s, err := openStore(filepath.Join(t.TempDir(), FileName))
		check(t, err)
		at := 0
		for _, end := range append(ends, segmentMask+1) {
			l := newBatchWriter(s, maxBatchEvents)
			l.active = l.begin(nil)
			for ; at < end; at++ {
				l.active.keep(of, uint64(order[at]), bodies[order[at]])
			}
			w, err := l.rotate()
			check(t, err)
			check(t, w.commit(l.immutable))
		}
		check(t, s.verify())
		check(t, s.db.View(func(tx *bolt.Tx) error {
			value = bytes.Clone(newReader(tx).view(existed).Get(numbers(of.job, uint64(0))))
			return nil
		}))
		check(t, s.close())
		return value
	}
	var rising []int
	for i := range segmentMask + 1 {
		rising = append(rising, i)
	}
	want := stored(rising)
	for _, ends := range [][]int{{1}, {63}, {5, 40}, {0, 31, 32, 33}} {
		order := slices.Clone(rising)
		for range 3 {
			if got := stored(order, ends...); !bytes.Equal(got, want) {
				t.Errorf("with ends at %d, in the order %d: %d bytes, want %d, the same", ends, order, len(got), len(want))
			}
			rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
	}
}

// TestUnsoundSegments: what cannot have been written is an error, and no panic, for who reads it and for
// who adds to it.
func TestUnsoundSegments(t *testing.T) {
	var s segment
	s.add(3, []byte("three"))
	s.add(5, []byte("five"))
	good := s.pack(new(slab))
	more := bytes.Clone(good)
	more[segmentHead-1] |= 1 // one that is not there
	fewer := bytes.Clone(good)
	fewer[segmentHead-1] &^= 1 << 3
	for name, value := range map[string][]byte{"empty": {}, "a head": good[:segmentHead], "cut off": good[:len(good)-1], "more in its head": more, "fewer in its head": fewer} {
		var s segment
		if s.open(value) {
			if _, ok := s.value(segmentMask); ok {
				t.Errorf("%s: read", name)
			}
			if s.take(&segment{}) {
				t.Errorf("%s: added to", name)
			}
		}
	}
}

// BenchmarkLicense reads one license after the other, in no order.
func BenchmarkLicense(b *testing.B) {
	s, err := openStore(filepath.Join(b.TempDir(), FileName))
	check(b, err)
	const n = 20_000
	benchFold(b, s, benchBodies(b, n))
	check(b, s.db.View(func(tx *bolt.Tx) error {
		r := newReader(tx)
		for b.Loop() {
			if _, err := (&Reader{r}).License(events.Seq(3 + rand.IntN(n))); err != nil {
				return err
			}
		}
		return nil
	}))
	check(b, s.close())
}
