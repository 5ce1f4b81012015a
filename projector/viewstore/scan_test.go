package viewstore

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// TestScan passes every text of a set once, or those of the chunks with wanted numbers, with any number of
// workers; a damaged chunk is the bound's error.
func TestScan(t *testing.T) {
	h := newHarness(t)
	random := rand.New(rand.NewPCG(7, 8))
	set, want := ChunkSet{View: texts}, map[uint64]string{}
	h.write(func(m *Memtable) {
		for n := uint64(0); n < 10_000; n += 1 + random.Uint64N(40)*random.Uint64N(2) {
			want[n] = fmt.Sprintf("value %d\x00%s\x00%d\x00", n, strings.Repeat("x", random.IntN(3)), n%7)
			m.Put(set, n, []byte(want[n]))
		}
	})
	var some NumberSet
	some.Add(9)
	some.Add(5000)
	for _, wanted := range []*NumberSet{nil, &some} {
		for workers := 1; workers <= 3; workers++ {
			got, lock := map[uint64]string{}, sync.Mutex{}
			visitors := make([]func(*Scanned), workers)
			for i := range visitors {
				visitors[i] = func(c *Scanned) {
					lock.Lock()
					defer lock.Unlock()
					collectTexts(t, c, got)
				}
			}
			check(t, h.Read(func(r *Reader) error {
				b := NewBound(func() error { return nil })
				r.Scan(b, set, wanted, visitors)
				return b.Err()
			}))
			for n, value := range want {
				if inScan := wanted == nil || n>>chunkBits == 0 || n>>chunkBits == 5000>>chunkBits; got[n] != value && inScan ||
					got[n] != "" && !inScan {
					t.Errorf("%d workers: %d is %q, want %q", workers, n, got[n], value)
				}
			}
		}
	}
}

// collectTexts adds all texts of a chunk, and verifies that the places of the first values, and of each second
// one, are those.
func collectTexts(t *testing.T, c *Scanned, to map[uint64]string) {
	t.Helper()
	for column := range c.Columns {
		for place, text := range c.Texts(column) {
			to[c.ID(place)] += string(text) + "\x00"
		}
	}
	var places []uint64
	for place := range c.Texts(0) {
		places = append(places, place)
	}
	for _, step := range []int{1, 2} {
		ranks, want := uint64(0), uint64(0)
		for i := 0; i < len(places); i += step {
			ranks, want = ranks|1<<i, want|1<<places[i]
		}
		if got := c.PlacesOf(ranks); got != want {
			t.Errorf("the places of %b among %b are %b, want %b", ranks, c.Places, got, want)
		}
	}
}

// TestScanFindsDamage: a chunk that is no chunk ends the scan with ErrDamaged.
func TestScanFindsDamage(t *testing.T) {
	var found Scanned
	err := scanBatchOf([]rawChunk{{0, []byte("not a chunk, for sure")}}, 3, &found, func(*Scanned) { t.Error("a chunk was passed") })
	if err != ErrDamaged {
		t.Errorf("damage is %v", err)
	}
}
