package viewstore

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// Postings is a set of numbers (sequences, imports or rows) that is read lazily and in order. It is
// valid during the transaction of its reader only, and not safe for concurrent use.
type Postings interface {
	// Next finds the first member at or after a number; with desc, at or before it.
	Next(from uint64, desc bool) (uint64, bool)
}

// SliceList is a set of few numbers, in ascending order.
type SliceList []uint64

// Next implements [Postings].
func (l SliceList) Next(from uint64, desc bool) (uint64, bool) {
	i, found := slices.BinarySearch(l, from)
	if desc && !found {
		i--
	}
	if i < 0 || i >= len(l) {
		return 0, false
	}
	return l[i], true
}

// Intersect is the set of the numbers that are in every set. It needs at least one.
func Intersect(b *Bound, sets ...Postings) Postings {
	if len(sets) == 1 {
		return sets[0]
	}
	return intersection{b, sets}
}

type intersection struct {
	bound *Bound
	sets  []Postings
}

func (s intersection) Next(from uint64, desc bool) (uint64, bool) {
	for agreed := 0; ; {
		for _, x := range s.sets {
			n, ok := x.Next(from, desc)
			if !ok || !s.bound.Step() {
				return 0, false
			}
			if n != from {
				from, agreed = n, 0
			}
			if agreed++; agreed >= len(s.sets) {
				return from, true
			}
		}
	}
}

// Merge is the set of the numbers that are in any of the sets.
func Merge(sets ...Postings) Postings {
	if len(sets) == 1 {
		return sets[0]
	}
	return union(sets)
}

type union []Postings

func (s union) Next(from uint64, desc bool) (best uint64, found bool) {
	for _, x := range s {
		n, ok := x.Next(from, desc)
		if ok && (!found || desc && n > best || !desc && n < best) {
			best, found = n, true
		}
	}
	return best, found
}

// Without is the set of the numbers that are in all and not in but.
func Without(b *Bound, all, but Postings) Postings { return difference{b, all, but} }

type difference struct {
	bound    *Bound
	all, but Postings
}

func (s difference) Next(from uint64, desc bool) (uint64, bool) {
	for {
		n, ok := s.all.Next(from, desc)
		if !ok || !s.bound.Step() {
			return 0, false
		}
		if m, ok := s.but.Next(n, false); !ok || m != n {
			return n, true
		}
		if list, ok := s.but.(*blockPostings); ok {
			n = list.endOfRun(n, desc)
		}
		if from, ok = Step(n, desc); !ok {
			return 0, false
		}
	}
}

// Step is the number after n in a direction; false at the end of all numbers.
func Step(n uint64, desc bool) (uint64, bool) {
	if desc {
		return n - 1, n > 0
	}
	return n + 1, n < math.MaxUint64
}

// keyPostings is the set of the numbers at the end of the keys that begin with a prefix.
type keyPostings struct {
	cursor *bolt.Cursor
	prefix []byte
	at     uint64 // where the cursor stands
	placed bool   // the cursor stands at a member
}

func (x *keyPostings) Next(from uint64, desc bool) (uint64, bool) {
	var key []byte
	switch {
	case x.placed && !desc && from == x.at+1:
		key, _ = x.cursor.Next()
	case x.placed && desc && from == x.at-1:
		key, _ = x.cursor.Prev()
	default:
		key, _ = seek(x.cursor, x.prefix, from, desc)
	}
	x.at, x.placed = numberBehind(key, x.prefix)
	return x.at, x.placed
}

// seek moves a cursor to the first entry at or after a prefix and a number; with desc, at or before.
func seek(cursor *bolt.Cursor, prefix []byte, number uint64, desc bool) (key, value []byte) {
	wanted := binary.BigEndian.AppendUint64(slices.Clip(prefix), number)
	key, value = cursor.Seek(wanted)
	switch {
	case !desc || bytes.Equal(key, wanted):
		return key, value
	case key == nil:
		return cursor.Last()
	default:
		return cursor.Prev()
	}
}
