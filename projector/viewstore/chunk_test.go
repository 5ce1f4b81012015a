package viewstore

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestChunks compares three sets, written over several transactions, with what was put: mostly in
// order, and some of it twice.
func TestChunks(t *testing.T) {
	h := newHarness(t)
	random := rand.New(rand.NewPCG(1, 2))
	sets := []ChunkSet{{View: values}, {grouped, 1}, {grouped, 2}}
	want := make([]map[uint64][]byte, len(sets))
	for i := range sets {
		want[i] = map[uint64][]byte{}
	}
	n := uint64(1)
	for range 40 {
		h.write(func(m *Memtable) {
			for range random.IntN(800) {
				i := random.IntN(len(sets))
				n += uint64(random.IntN(2))
				if random.IntN(400) == 0 {
					n += 200 << chunkBits
				}
				at := n
				if random.IntN(10) == 0 {
					at -= min(at, random.Uint64N(100))
				}
				value := []byte(strings.Repeat(fmt.Sprint(at), random.IntN(300)))
				m.Put(sets[i], at, value)
				want[i][at] = value
			}
		})
	}
	check(t, h.Verify())
	h.read(func(r *Reader) {
		for i, set := range sets {
			all := SliceList(slices.Sorted(maps.Keys(want[i])))
			compareSets(t, fmt.Sprint(set), r.All(set), all, n)
			for at := range n + 70 {
				compareValue(t, r, set, at, want[i])
			}
			compareForEach(t, r, set, all, all[len(all)/2])
			compareForEach(t, r, set, all, 0)
			compareForEach(t, r, set, all, n+1)
		}
		for range 1000 { // in no order
			i := random.IntN(len(sets))
			compareValue(t, r, sets[i], random.Uint64N(n), want[i])
		}
	})
}

func compareValue(t *testing.T, r *Reader, set ChunkSet, at uint64, all map[uint64][]byte) {
	t.Helper()
	got, err := r.Get(set, at)
	want, there := all[at]
	if err != nil || (got != nil) != there || !bytes.Equal(got, want) {
		t.Fatalf("%v, %d: %q, %v; want %q, %v", set, at, got, err, want, there)
	}
}

func compareForEach(t *testing.T, r *Reader, set ChunkSet, all []uint64, from uint64) {
	t.Helper()
	var passed []uint64
	check(t, r.ForEach(set, from, func(n uint64, _ []byte) error {
		passed = append(passed, n)
		return nil
	}))
	if first, _ := slices.BinarySearch(all, from); !slices.Equal(passed, all[first:]) {
		t.Errorf("%v: %d values from %d on, want %d", set, len(passed), from, len(all)-first)
	}
}

// TestChunkBytes: a chunk's bytes do not depend on the order of its values, nor on the number of
// transactions.
func TestChunkBytes(t *testing.T) {
	set := ChunkSet{grouped, 7}
	random := rand.New(rand.NewPCG(3, 4))
	bodies := make([][]byte, chunkMask+1)
	for i := range bodies {
		bodies[i] = fmt.Appendf(nil, `{"row":%d,"key":"%x","product":"psc"}`, i, random.Uint64())
	}
	stored := func(order []int, ends ...int) (value []byte) {
		h := newHarness(t)
		at := 0
		for _, end := range append(ends, len(bodies)) {
			h.write(func(m *Memtable) {
				for ; at < end; at++ {
					m.Put(set, uint64(order[at]), bodies[order[at]])
				}
			})
		}
		check(t, h.Verify())
		h.read(func(r *Reader) { value = bytes.Clone(r.Entry(grouped, set.key(nil, 0))) })
		return value
	}
	inOrder := make([]int, len(bodies))
	for i := range inOrder {
		inOrder[i] = i
	}
	want := stored(inOrder)
	if len(want) == 0 {
		t.Fatal("nothing is stored")
	}
	for _, ends := range [][]int{{1}, {63}, {1, 2, 3, 40}} {
		if got := stored(inOrder, ends...); !bytes.Equal(got, want) {
			t.Errorf("in transactions up to %d: %d bytes, want the same %d", ends, len(got), len(want))
		}
	}
	for range 5 {
		if order := random.Perm(len(bodies)); !bytes.Equal(stored(order, 30), want) {
			t.Errorf("in the order %d the bytes differ", order)
		}
	}
}

// TestColumns: a value with too many texts, or too few, becomes one of as many as there are columns. A chunk
// that lacks a text, or has one too many, is malformed.
func TestColumns(t *testing.T) {
	c := chunk{columns: 3}
	for place, value := range []string{"a\x00b\x00c\x00", "", "a\x00b", "\x00\x00\x00", "a\x00b\x00c\x00d\x00"} {
		c.put(uint64(place), []byte(value))
	}
	good := bytes.Clone(c.encode(new(arena)))
	if !c.decode(good) {
		t.Fatal("the chunk is malformed")
	}
	for place, want := range []string{"a\x00b\x00c\x00", "\x00\x00\x00", "a\x00b\x00\x00", "\x00\x00\x00", "a\x00b\x00c\x00"} {
		if got, ok := c.value(uint64(place)); !ok || string(got) != want {
			t.Errorf("value %d is %q, want %q", place, got, want)
		}
	}
	_, block, _ := decompress(nil, good)
	for i := range block {
		if i >= 3*columnHead && block[i] != 0 {
			continue // a letter may be any other
		}
		bad := bytes.Clone(block)
		bad[i] ^= 1
		if _, ok := splitColumns(nil, bad, 3, 5); ok {
			t.Errorf("byte %d may be %d", i, bad[i])
		}
		if _, ok := splitColumns(nil, block[:i], 3, 5); ok {
			t.Errorf("a block may end after %d bytes", i)
		}
	}
}

// TestMalformedChunks: neither a reader nor a transaction that adds to it takes a chunk that cannot
// have been written.
func TestMalformedChunks(t *testing.T) {
	var c chunk
	c.put(3, []byte("three"))
	c.put(5, []byte("five"))
	good := c.encode(new(arena))
	more := bytes.Clone(good)
	more[chunkHead-1] |= 1 // a value that is not there
	fewer := bytes.Clone(good)
	fewer[chunkHead-1] &^= 1 << 3
	for name, value := range map[string][]byte{
		"empty": {}, "bitmap only": good[:chunkHead], "truncated": good[:len(good)-1],
		"a bit too many": more, "a bit too few": fewer,
	} {
		var c chunk
		if c.decode(value) {
			if _, ok := c.value(chunkMask); ok {
				t.Errorf("%s: read", name)
			}
			if c.merge(&chunk{}) {
				t.Errorf("%s: merged", name)
			}
		}
	}
}
