package viewstore

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPostingBlocks compares lists in blocks, written over several transactions, with sorted slices
// of the same members.
func TestPostingBlocks(t *testing.T) {
	h := newHarness(t)
	all := []string{"", "a", "ab", "b"}
	want := map[string]SliceList{}
	random := rand.New(rand.NewPCG(1, 2))
	last := uint64(1)
	for range 20 {
		h.write(func(m *Memtable) {
			for range random.IntN(2000) {
				last += uint64(1 + random.IntN(3))
				if random.IntN(500) == 0 {
					last += 3 << blockBits
				}
				name := all[random.IntN(len(all))]
				m.Append(lists, name, last)
				want[name] = append(want[name], last)
			}
		})
	}
	check(t, h.Verify())
	h.read(func(r *Reader) {
		for _, name := range all {
			compareSets(t, name, r.Postings(lists, name), want[name], last)
		}
		if n, ok := r.Postings(lists, "c").Next(0, false); ok {
			t.Errorf("a list without members holds %d", n)
		}
	})
}

// TestKeys: the numbers behind one prefix, among keys of others.
func TestKeys(t *testing.T) {
	h := newHarness(t)
	random := rand.New(rand.NewPCG(1, 2))
	want := map[string]SliceList{}
	last := uint64(0)
	h.write(func(m *Memtable) {
		for range 1000 {
			last += 1 + random.Uint64N(3)
			name := []string{"a", "ab", "b"}[random.IntN(3)]
			m.PutNew(plain, TextNumberKey(name, last), nil)
			m.PutNew(plain, []byte("a\x00"+string(NumberKey(last))+"longer"), nil)
			want[name] = append(want[name], last)
		}
	})
	h.read(func(r *Reader) {
		for _, name := range []string{"ab", "b"} {
			compareSets(t, name, r.Keys(plain, TextPrefix(name)), want[name], last)
		}
	})
}

// compareSets compares a set with a slice: upwards, downwards and in no order.
func compareSets(t *testing.T, name string, got Postings, want SliceList, last uint64) {
	t.Helper()
	for _, desc := range []bool{false, true} {
		from, more := uint64(0), true
		if desc {
			from = last + 1
		}
		for more {
			if !compareNext(t, name, got, want, from, desc) {
				break
			}
			n, _ := want.Next(from, desc)
			from, more = Step(n, desc)
		}
	}
	for range min(2000, 20+10*len(want)) {
		compareNext(t, name, got, want, rand.Uint64N(last+2), rand.IntN(2) == 0)
	}
}

func compareNext(t *testing.T, name string, got Postings, want SliceList, from uint64, desc bool) bool {
	t.Helper()
	n, ok := got.Next(from, desc)
	if m, found := want.Next(from, desc); n != m && found || ok != found {
		t.Fatalf("%q from %d, desc %v: %d %v, want %d %v", name, from, desc, n, ok, m, found)
	}
	return ok
}

func TestSetOperations(t *testing.T) {
	a, b := SliceList{1, 3, 5, 7, 9}, SliceList{3, 4, 5, 9, 11}
	tests := []struct {
		name string
		set  Postings
		want SliceList
	}{
		{"list", a, a}, {"empty", SliceList{}, nil},
		{"intersection", Intersect(nil, a, b), SliceList{3, 5, 9}},
		{"intersection of one", Intersect(nil, a), a},
		{"intersection with nothing", Intersect(nil, a, SliceList{}), nil},
		{"merged", Merge(a, b), SliceList{1, 3, 4, 5, 7, 9, 11}},
		{"merged nothing", Merge(), nil},
		{"without", Without(nil, a, b), SliceList{1, 7}}, {"without all", Without(nil, a, a), nil},
		{"without zero", Without(nil, SliceList{0, 1}, SliceList{0}), SliceList{1}},
		{"nested", Intersect(nil, Merge(a, b), Without(nil, b, SliceList{4}), SliceList{3, 4, 11}), SliceList{3, 11}},
	}
	for _, test := range tests {
		compareSets(t, test.name, test.set, test.want, 12)
		if !slices.IsSorted(test.want) {
			t.Errorf("%s: the wanted list is not sorted", test.name)
		}
	}
}

// TestWithoutRuns: a set without long runs of its members, at the ends of blocks and within them.
func TestWithoutRuns(t *testing.T) {
	h := newHarness(t)
	const last = 4 << blockBits
	var want SliceList
	h.write(func(m *Memtable) {
		for n, out := uint64(1), false; n <= last; n++ {
			if rand.IntN(700) == 0 || n&blockMask == 0 && rand.IntN(2) == 0 {
				out = !out
			}
			m.Append(lists, "all", n)
			if out {
				m.Append(lists, "but", n)
			} else {
				want = append(want, n)
			}
		}
	})
	h.read(func(r *Reader) {
		compareSets(t, "without runs", Without(nil, r.Postings(lists, "all"), r.Postings(lists, "but")), want, last)
		compareSets(t, "without all", Without(nil, r.Postings(lists, "all"), r.Postings(lists, "all")), nil, last)
	})
}
