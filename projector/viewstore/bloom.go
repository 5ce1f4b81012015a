package viewstore

import (
	"encoding/binary"
	"math"

	"github.com/bits-and-blooms/bloom/v3"
	bolt "go.etcd.io/bbolt"
)

// Folding looks up every name, and most names are in one range of their index or in none. One
// Bloom filter for each range avoids the reads of all others.

// A filter is sized for the 32,768 names that a range gets at most. Its false positive rate is
// then 0.24 %.
const (
	filterBits   = 1 << 19 // 64 KiB
	filterProbes = 4
)

// filterGroup are the filters of groupSize ranges that follow one another, which are those of eight partitions:
// bit i of number n is bit n of the filter of range i. So a look-up reads filterProbes numbers for all, which are
// rarely in the processor's cache.
type filterGroup [filterBits]uint32

const groupSize = 32

// bloomFilters are the filters of all filtered views. They may hold names of a transaction that
// failed; such a false positive costs one read.
type bloomFilters struct {
	groups [][]*filterGroup // by view; nil: its ranges are empty
}

func newBloomFilters(views int) *bloomFilters {
	return &bloomFilters{groups: make([][]*filterGroup, views)}
}

// add adds a name to the filter of its sequence's range.
func (f *bloomFilters) add(v View, name []byte, seq uint64) {
	r := rangeOf(seq)
	number := int(r / groupSize)
	for number >= len(f.groups[v]) {
		f.groups[v] = append(f.groups[v], nil)
	}
	if f.groups[v][number] == nil {
		f.groups[v][number] = new(filterGroup)
	}
	for _, at := range bloom.Locations(name, filterProbes) {
		f.groups[v][number][at%filterBits] |= 1 << (r % groupSize)
	}
}

// mayHave are the ranges of the group that may have a name with these positions: a bit for each.
func (g *filterGroup) mayHave(positions []uint64) uint32 {
	if g == nil {
		return 0
	}
	all := uint32(math.MaxUint32)
	for _, at := range positions {
		all &= g[at%filterBits]
	}
	return all
}

// load adds all names of an index.
func (f *bloomFilters) load(v View, cursor *bolt.Cursor) error {
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

// A filter of searchedPartitions is of a whole partition. Each probe is a look into memory for each partition.
const (
	searchBits   = 1 << 20 // 128 KiB
	searchProbes = 2
)

// searchesBeforeFilter is how many searches of a partition cost about as much as its filter, but for tests.
var searchesBeforeFilter = 500

// searchedPartitions are the partitions of indexes that are searched for all sequences of a name, by view and
// partition. Folding does that for few events, but for each one of an undo; so those partitions that are searched
// often get a filter. It may hold names of a transaction that failed.
type searchedPartitions [][]searchedPartition

// searchedPartition has a filter, or the number of searches without one.
type searchedPartition struct {
	filter   *bloom.BloomFilter
	searches int
}

func (s searchedPartitions) of(v View, p uint32) *searchedPartition {
	for uint32(len(s[v])) <= p {
		s[v] = append(s[v], searchedPartition{})
	}
	return &s[v][p]
}

// add adds a name to the filter of its sequence's partition, if that has one.
func (s searchedPartitions) add(v View, name []byte, seq uint64) {
	if p := partitionOf(seq); p < uint32(len(s[v])) && s[v][p].filter != nil {
		s[v][p].filter.Add(name)
	}
}
