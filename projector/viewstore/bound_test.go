package viewstore

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
)

var errEnough = errors.New("enough")

// parity has all even or all odd numbers below a limit. The intersection of both is searched to
// the end.
type parity struct{ remainder, limit uint64 }

func (p parity) Next(from uint64, desc bool) (uint64, bool) {
	if from%2 != p.remainder {
		var ok bool
		if from, ok = Step(from, desc); !ok {
			return 0, false
		}
	}
	return from, from < p.limit
}

// TestSetsEndWithTheirBound: a set that finds nothing asks its bound in every step.
func TestSetsEndWithTheirBound(t *testing.T) {
	h := newHarness(t)
	h.write(func(m *Memtable) {
		for seq := range uint64(20 * stepsPerCheck) {
			name := fmt.Appendf(nil, "name-%d", seq)
			m.Insert(unfiltered, name[:4], name, seq) // all in one slot
		}
	})
	h.read(func(r *Reader) {
		evens, odds := parity{0, 1 << 40}, parity{1, 1 << 40}
		none := func([]byte) bool { return false }
		for name, set := range map[string]func(*Bound) Postings{
			"intersection":     func(b *Bound) Postings { return Intersect(b, evens, odds) },
			"without":          func(b *Bound) Postings { return Without(b, evens, evens) },
			"match":            func(b *Bound) Postings { return r.Match(b, unfiltered, nil, none) },
			"match in a slot":  func(b *Bound) Postings { return r.Match(b, unfiltered, []byte("name"), none) },
			"sets within sets": func(b *Bound) Postings { return Merge(evens, Intersect(b, evens, odds)) },
		} {
			checks := 0
			b := NewBound(func() error {
				if checks++; checks == 3 {
					return errEnough
				}
				return nil
			})
			set(b).Next(0, false)
			if !errors.Is(b.Err(), errEnough) || checks != 3 {
				t.Errorf("%s: %v after %d checks", name, b.Err(), checks)
			}
			if b.Step() || checks != 3 {
				t.Errorf("%s: goes on", name)
			}
		}
	})
}

// TestMatchesAreNotCollected: to count matches takes no memory for each of them.
func TestMatchesAreNotCollected(t *testing.T) {
	h := newHarness(t)
	const n = 300_000
	h.write(func(m *Memtable) {
		for seq := range uint64(n) {
			name := fmt.Appendf(nil, "name-%d", seq)
			m.Insert(unfiltered, name, name, seq)
		}
	})
	h.read(func(r *Reader) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		set := r.Match(NewBound(func() error { return nil }), unfiltered, nil, func([]byte) bool { return true })
		count := 0
		for at, more := uint64(0), true; more; count++ {
			found, ok := set.Next(at, false)
			if !ok {
				break
			}
			at, more = Step(found, false)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; count != n || used > n {
			t.Errorf("%d counted with %d bytes, want %d with less than one byte each", count, used, n)
		}
	})
}

// TestMatchOfDamagedSlot: a set that cannot be read to its end says so.
func TestMatchOfDamagedSlot(t *testing.T) {
	b := NewBound(func() error { return nil })
	x := &matchPostings{bound: b, match: func([]byte) bool { return true }}
	if x.searchSlot([]byte{200}) || !errors.Is(b.Err(), ErrDamaged) {
		t.Errorf("%v", b.Err())
	}
}
