package projector

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
)

// TestSegments compares licenses, written over several transactions, with what was written.
func TestSegments(t *testing.T) {
	s, err := openStore(filepath.Join(t.TempDir(), FileName))
	check(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	want := map[events.Seq]record{}
	var all list
	seq := events.Seq(1)
	for range 40 {
		l := newLanes(s, maxBatchEvents)
		l.open = l.begin(nil)
		for range random.IntN(200) {
			seq += events.Seq(1 + random.IntN(3))
			if random.IntN(100) == 0 {
				seq += 200 << segmentBits
			}
			r := record{nanos: random.Int64(), customer: seq, order: seq / 2, body: []byte(strings.Repeat(fmt.Sprint(seq), random.IntN(300)))}
			l.open.addLicense(seq, r)
			want[seq], all = r, append(all, uint64(seq))
		}
		w, err := l.turn()
		check(t, err)
		check(t, w.commit(l.closed))
	}
	check(t, s.verify())
	check(t, s.db.View(func(tx *bolt.Tx) error {
		r := newReader(tx)
		compareSets(t, "licenses", r.allLicenses(), all, uint64(seq))
		for n := range seq + 70 {
			compareRecord(t, r, n, want)
		}
		for range 1000 { // in no order
			compareRecord(t, r, events.Seq(random.Uint64N(uint64(seq))), want)
		}
		from, passed := all[len(all)/2], list{}
		check(t, eachLicense(r.view(licenses), events.Seq(from), func(seq events.Seq, _ record) error {
			passed = append(passed, uint64(seq))
			return nil
		}))
		if len(passed) != len(all)-len(all)/2 || passed[0] != from {
			t.Errorf("%d licenses from %d on, the first %d; want %d", len(passed), from, passed[0], len(all)-len(all)/2)
		}
		return nil
	}))
	check(t, s.close())
}

func compareRecord(t *testing.T, r reader, seq events.Seq, all map[events.Seq]record) {
	t.Helper()
	s, ok := r.segment(uint64(seq >> segmentBits))
	if !ok {
		t.Fatalf("the segment of %d is not sound", seq)
	}
	got, there, ok := s.record(seq)
	want, known := all[seq]
	if !ok || there != known || got.nanos != want.nanos || got.customer != want.customer || got.order != want.order || !bytes.Equal(got.body, want.body) {
		t.Fatalf("license %d: %+v, there %v, sound %v; want %+v, %v", seq, got, there, ok, want, known)
	}
}

// TestSegmentsAreTheSame however many licenses came at once.
func TestSegmentsAreTheSame(t *testing.T) {
	bodies := benchBodies(t, segmentMask+1)[2:]
	stored := func(ends ...int) (value []byte) {
		s, err := openStore(filepath.Join(t.TempDir(), FileName))
		check(t, err)
		at := 0
		for _, end := range append(ends, segmentMask+1) {
			l := newLanes(s, maxBatchEvents)
			l.open = l.begin(nil)
			for ; at < end; at++ {
				l.open.addLicense(events.Seq(at), record{nanos: int64(at), body: bodies[at]})
			}
			w, err := l.turn()
			check(t, err)
			check(t, w.commit(l.closed))
		}
		check(t, s.verify())
		check(t, s.db.View(func(tx *bolt.Tx) error {
			value = bytes.Clone(newReader(tx).view(licenses).Get(number(uint64(0))))
			return nil
		}))
		check(t, s.close())
		return value
	}
	want := stored()
	for _, ends := range [][]int{{1}, {63}, {5, 40}, {0, 31, 32, 33}} {
		if got := stored(ends...); !bytes.Equal(got, want) {
			t.Errorf("with ends at %d: %d bytes, want %d, the same", ends, len(got), len(want))
		}
	}
}

// TestUnsoundSegments: what cannot have been written is an error, and no panic.
func TestUnsoundSegments(t *testing.T) {
	var s segment
	s.add(3, record{body: []byte("three")})
	s.add(5, record{body: []byte("five")})
	good := s.pack(new(slab))
	more := bytes.Clone(good)
	more[segmentHead-1] |= 1 // one that is not there
	fewer := bytes.Clone(good)
	fewer[segmentHead-1] &^= 1 << 3
	for name, value := range map[string][]byte{"empty": {}, "a head": good[:segmentHead], "cut off": good[:len(good)-1], "more in its head": more, "fewer in its head": fewer} {
		var s segment
		ok := s.open(0, value)
		if ok {
			_, _, ok = s.record(segmentMask)
		}
		if ok {
			t.Errorf("%s: taken", name)
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
			if _, err := r.license(events.Seq(3 + rand.IntN(n))); err != nil {
				return err
			}
		}
		return nil
	}))
	check(b, s.close())
}
