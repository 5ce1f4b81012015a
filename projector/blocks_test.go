package projector

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
)

// TestBlocks compares sets in blocks, written over several transactions, with
// sorted lists of the same members.
func TestBlocks(t *testing.T) {
	s, err := openStore(filepath.Join(t.TempDir(), FileName))
	check(t, err)
	names := []string{"", "a", "ab", "b"}
	want := map[string]list{}
	random := rand.New(rand.NewPCG(1, 2))
	seq := events.Seq(1)
	for range 20 {
		l := newBatchWriter(s, maxBatchEvents)
		l.active = l.begin(nil)
		for range random.IntN(2000) {
			seq += events.Seq(1 + random.IntN(3))
			if random.IntN(500) == 0 {
				seq += 3 << blockBits
			}
			name := names[1+random.IntN(len(names)-1)]
			l.active.join(productLicenses, name, seq)
			l.active.join(disabled, "", seq)
			want[name], want[""] = append(want[name], uint64(seq)), append(want[""], uint64(seq))
		}
		w, err := l.rotate()
		check(t, err)
		check(t, w.commit(l.immutable))
	}
	check(t, s.verify())
	check(t, s.db.View(func(tx *bolt.Tx) error {
		for _, name := range names {
			v := productLicenses
			if name == "" {
				v = disabled
			}
			compareSets(t, name, newReader(tx).blocks(v, name), want[name], uint64(seq))
		}
		if n, ok := (newReader(tx).blocks(productLicenses, "c").next(0, false)); ok {
			t.Errorf("a set without members holds %d", n)
		}
		return nil
	}))
	check(t, s.close())
}

func compareSets(t *testing.T, name string, got set, want list, last uint64) {
	t.Helper()
	for _, down := range []bool{false, true} {
		from, more := uint64(0), true
		if down {
			from = last + 1
		}
		for more {
			n, ok := got.next(from, down)
			if m, found := want.next(from, down); n != m && found || ok != found {
				t.Fatalf("%q from %d, down %v: %d %v, want %d %v", name, from, down, n, ok, m, found)
			}
			if !ok {
				break
			}
			from, more = beside(n, down)
		}
	}
	for range 2000 { // in no order
		from, down := rand.Uint64N(last+2), rand.IntN(2) == 0
		n, ok := got.next(from, down)
		if m, found := want.next(from, down); n != m && found || ok != found {
			t.Fatalf("%q from %d, down %v: %d %v, want %d %v", name, from, down, n, ok, m, found)
		}
	}
}
