package viewstore

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// Match is the set of the sequences of those names of a hash index that match. If hashed is not
// nil, it looks at the names that share its hash only. It holds the matches of one partition at a
// time, 16 KiB, however many there are. match must not retain the name. A damaged slot ends the set
// and is the Bound's error; the Bound may not be nil.
func (r *Reader) Match(b *Bound, v View, hashed []byte, match func(name []byte) bool) Postings {
	x := &matchPostings{bound: b, bucket: r.bucket(v), hash: allHashes, match: match}
	if hashed != nil {
		x.hash = hashOf(hashed)
	}
	first, _ := x.bucket.Cursor().First()
	last, _ := x.bucket.Cursor().Last()
	if len(first) < partitionSize || len(last) < partitionSize {
		return SliceList{}
	}
	x.first, x.last = uint64(binary.BigEndian.Uint32(first)), uint64(binary.BigEndian.Uint32(last))
	return x
}

const allHashes = -1

// matchPostings searches one partition after the other.
type matchPostings struct {
	bound       *Bound
	bucket      *bolt.Bucket
	hash        int // or allHashes
	match       func(name []byte) bool
	first, last uint64 // partitions of the index

	searched  bool   // found holds the matches of partition
	partition uint64 // the last one searched
	found     bitset
}

// Next implements [Postings].
func (x *matchPostings) Next(from uint64, desc bool) (uint64, bool) {
	p := from >> partitionBits
	switch {
	case desc && p > x.last:
		p, from = x.last, (x.last+1)<<partitionBits-1
	case !desc && p < x.first:
		p, from = x.first, x.first<<partitionBits
	}
	for x.first <= p && p <= x.last && x.search(p) {
		if offset, ok := x.found.next(from&(1<<partitionBits-1), desc); ok {
			return p<<partitionBits | offset, true
		}
		if desc {
			from = p<<partitionBits - 1 // of the last partition before; p is 0 only where that is the first
			p--
		} else {
			p++
			from = p << partitionBits
		}
	}
	return 0, false
}

// search finds the matches in a partition. It is false if the bound is exceeded.
func (x *matchPostings) search(p uint64) bool {
	if x.searched && x.partition == p {
		return true
	}
	x.found = bitset{}
	x.searched, x.partition = false, p
	if x.hash != allHashes {
		for _, number := range slotsOf(x.hash) {
			if !x.searchSlot(x.bucket.Get(appendSlotKey(nil, uint32(p), number))) {
				return false
			}
		}
		x.searched = true
		return true
	}
	cursor := x.bucket.Cursor()
	key, value := cursor.Seek(appendSlotKey(nil, uint32(p), 0))
	for ; len(key) >= partitionSize && uint64(binary.BigEndian.Uint32(key)) == p; key, value = cursor.Next() {
		if !x.searchSlot(value) {
			return false
		}
	}
	x.searched = true
	return true
}

// searchSlot adds the matches of one slot. It is false if the bound is exceeded.
func (x *matchPostings) searchSlot(value []byte) (ok bool) {
	ok = x.bound.Step()
	sound := slot{0, value}.forEach(func(name []byte, offset uint64) bool {
		if x.match(name) {
			x.found.add(offset)
		}
		ok = ok && x.bound.Step()
		return ok
	})
	if !sound {
		x.bound.Fail(ErrDamaged)
	}
	return ok && sound
}
