package projector

import (
	"encoding/binary"

	"licenseimport/events"

	"github.com/bits-and-blooms/bloom/v3"
	bolt "go.etcd.io/bbolt"
)

// Folding looks up every name, and most are in no part of their index or in one. So it
// remembers in a filter of each part what may be there, and reads no other.

// A filter has room for the 131,072 names that are made in an era at most; then one in twenty
// that is not there seems to be.
const (
	filterBits   = 1 << 20 // 128 KiB
	filterProbes = 2
)

// names are the filters of the views of names. They may know of names that were never
// written: that costs a look.
type names struct {
	parts [numViews][]*bloom.BloomFilter // by era; nil: nothing is there
}

// add remembers that a name was made at a sequence.
func (n *names) add(v view, name []byte, seq events.Seq) {
	era := int(seq >> eraBits)
	for era >= len(n.parts[v]) {
		n.parts[v] = append(n.parts[v], nil)
	}
	if n.parts[v][era] == nil {
		n.parts[v][era] = bloom.New(filterBits, filterProbes)
	}
	n.parts[v][era].Add(name)
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
