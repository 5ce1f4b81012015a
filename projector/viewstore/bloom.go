package viewstore

import (
	"encoding/binary"

	"github.com/bits-and-blooms/bloom/v3"
	bolt "go.etcd.io/bbolt"
)

// Folding looks up every name, and most names are in one partition of their index or in none. One
// Bloom filter for each partition avoids the reads of all others.

// A filter is sized for the 131,072 names that a partition gets at most. Its false positive rate is
// then 5 %.
const (
	filterBits   = 1 << 20 // 128 KiB
	filterProbes = 2
)

// bloomFilters are the filters of all filtered views. They may hold names of a transaction that
// failed; such a false positive costs one read.
type bloomFilters struct {
	byPartition [][]*bloom.BloomFilter // by view and partition; nil: the partition is empty
}

func newBloomFilters(views int) *bloomFilters {
	return &bloomFilters{byPartition: make([][]*bloom.BloomFilter, views)}
}

// add adds a name to the filter of its sequence's partition.
func (f *bloomFilters) add(v View, name []byte, seq uint64) {
	p := int(partitionOf(seq))
	for p >= len(f.byPartition[v]) {
		f.byPartition[v] = append(f.byPartition[v], nil)
	}
	if f.byPartition[v][p] == nil {
		f.byPartition[v][p] = bloom.New(filterBits, filterProbes)
	}
	f.byPartition[v][p].Add(name)
}

// load adds all names of a bucket.
func (f *bloomFilters) load(v View, bucket *bolt.Bucket) error {
	cursor := bucket.Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if len(key) != partitionSize+slotSize {
			return ErrDamaged
		}
		sound := slot{binary.BigEndian.Uint32(key), value}.forEach(func(name []byte, seq uint64) bool {
			f.add(v, name, seq)
			return true
		})
		if !sound {
			return ErrDamaged
		}
	}
	return nil
}
