package viewstore

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// TestScan passes every value of a set once, or those of the chunks with wanted numbers, with any number of
// workers; a damaged chunk is the bound's error.
func TestScan(t *testing.T) {
	h := newHarness(t)
	random := rand.New(rand.NewPCG(7, 8))
	set, want := ChunkSet{View: values}, map[uint64]string{}
	h.write(func(m *Memtable) {
		for n := uint64(0); n < 10_000; n += 1 + random.Uint64N(40) {
			want[n] = fmt.Sprint("value ", n)
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
					for _, span := range c.Spans {
						got[c.ID(span)] += string(c.Plain[span.Begin:span.End])
					}
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

// TestScanFindsDamage: a chunk that is no chunk ends the scan with ErrDamaged.
func TestScanFindsDamage(t *testing.T) {
	var c chunk
	var found Scanned
	err := scanBatchOf([]rawChunk{{0, []byte("not a chunk, for sure")}}, &c, &found,
		func(*Scanned) { t.Error("a chunk was passed") })
	if err != ErrDamaged {
		t.Errorf("damage is %v", err)
	}
}
