package projector

import (
	"encoding/binary"
	"hash/maphash"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
)

// Folding looks up every name, and most are in no part of their index or in one. So it
// remembers in a filter of each part what may be there, and reads no other.

// A filter has two bits for each name: at most 131,072 are made in an era, then one name in
// twenty that is not there seems to be.
const filterBits = 20

type filter [1 << (filterBits - 6)]uint64 // 128 KiB

func (f *filter) add(hash uint64) {
	for range 2 {
		f[hash>>6&(1<<(filterBits-6)-1)] |= 1 << (hash & 63)
		hash >>= filterBits
	}
}

func (f *filter) has(hash uint64) bool {
	for range 2 {
		if f[hash>>6&(1<<(filterBits-6)-1)]&(1<<(hash&63)) == 0 {
			return false
		}
		hash >>= filterBits
	}
	return true
}

// names are the filters of the views of names. They may know of names that were never
// written: that costs a look.
type names struct {
	seed  maphash.Seed
	parts [numViews][]*filter // by era; nil: nothing is there
}

func newNames() *names { return &names{seed: maphash.MakeSeed()} }

// add remembers that a name was made at a sequence.
func (n *names) add(v view, name []byte, seq events.Seq) {
	era := int(seq >> eraBits)
	for era >= len(n.parts[v]) {
		n.parts[v] = append(n.parts[v], nil)
	}
	if n.parts[v][era] == nil {
		n.parts[v][era] = new(filter)
	}
	n.parts[v][era].add(maphash.Bytes(n.seed, name))
}

// learn remembers all names of a bucket.
func (n *names) learn(v view, bucket *bolt.Bucket) error {
	cursor := bucket.Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if len(key) != eraSize+slotSize {
			return errDamaged
		}
		sound := slot{binary.BigEndian.Uint32(key), value}.each(func(name []byte, seq events.Seq) bool {
			n.add(v, name, seq)
			return true
		})
		if !sound {
			return errDamaged
		}
	}
	return nil
}
