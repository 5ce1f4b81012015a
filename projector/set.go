package projector

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// set is a set of numbers (sequences, jobs or rows) that can be passed in order.
type set interface {
	// next gives the first member from a number on: upwards or, if down, downwards.
	next(from uint64, down bool) (uint64, bool)
}

// index is the set of the numbers at the end of the keys that begin with a prefix.
type index struct {
	cursor *bolt.Cursor
	prefix []byte
	at     uint64 // where the cursor stands
	placed bool   // whether it stands at a member
}

func (x *index) next(from uint64, down bool) (uint64, bool) {
	var key []byte
	switch {
	case x.placed && !down && from == x.at+1:
		key, _ = x.cursor.Next()
	case x.placed && down && from == x.at-1:
		key, _ = x.cursor.Prev()
	default:
		key, _ = seek(x.cursor, x.prefix, from, down)
	}
	x.at, x.placed = numbered(key, x.prefix)
	return x.at, x.placed
}

// seek places a cursor at the first entry from a prefix and a number on, in a direction.
func seek(cursor *bolt.Cursor, prefix []byte, number uint64, down bool) (key, value []byte) {
	wanted := binary.BigEndian.AppendUint64(slices.Clip(prefix), number)
	key, value = cursor.Seek(wanted)
	switch {
	case !down || bytes.Equal(key, wanted):
		return key, value
	case key == nil:
		return cursor.Last()
	default:
		return cursor.Prev()
	}
}

// numbered is the number at the end of a key that begins with a prefix; false where
// the key is another one.
func numbered(key, prefix []byte) (uint64, bool) {
	if len(key) != len(prefix)+8 || !bytes.HasPrefix(key, prefix) {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[len(prefix):]), true
}

// list is a set of few numbers, sorted upwards.
type list []uint64

func (l list) next(from uint64, down bool) (uint64, bool) {
	i, found := slices.BinarySearch(l, from)
	if down && !found {
		i--
	}
	if i < 0 || i >= len(l) {
		return 0, false
	}
	return l[i], true
}

// without is the set of the numbers in one set and not in another.
type without struct{ all, but set }

func (s without) next(from uint64, down bool) (uint64, bool) {
	for {
		n, ok := s.all.next(from, down)
		if !ok {
			return 0, false
		}
		if m, ok := s.but.next(n, false); !ok || m != n {
			return n, true
		}
		if from, ok = beside(n, down); !ok {
			return 0, false
		}
	}
}

// both is the set of the numbers that are in every one of several sets.
type both []set

func (s both) next(from uint64, down bool) (uint64, bool) {
	for agreed := 0; ; {
		for _, x := range s {
			n, ok := x.next(from, down)
			if !ok {
				return 0, false
			}
			if n != from {
				from, agreed = n, 0
			}
			if agreed++; agreed >= len(s) {
				return from, true
			}
		}
	}
}

// either is the set of the numbers that are in any of several sets.
type either []set

func (s either) next(from uint64, down bool) (best uint64, found bool) {
	for _, x := range s {
		n, ok := x.next(from, down)
		if ok && (!found || down && n > best || !down && n < best) {
			best, found = n, true
		}
	}
	return best, found
}

// beside is the number after n in a direction; false at the end.
func beside(n uint64, down bool) (uint64, bool) {
	if down {
		return n - 1, n > 0
	}
	return n + 1, n < math.MaxUint64
}
