package viewstore

import (
	"math"

	"github.com/bits-and-blooms/bloom/v3"
	bolt "go.etcd.io/bbolt"
)

// Folding looks up every name, and most names are in one range of their index or in none. One
// Bloom filter for each range avoids the reads of all others.

// A filter is sized for the 16,384 names that a range gets at most. Its false positive rate is then 0.012 %: a name
// that is new among ten million costs 0.07 reads in vain.
const (
	filterBits   = 3 << 17 // 48 KiB
	filterProbes = 6
	firstProbes  = 4 // that are made in any case; one look-up in seven needs the others
)

// filterGroup are the filters of groupSize ranges that follow one another, which are those of eight partitions:
// bit i of number n is bit n of the filter of range i. So a look-up reads four to six numbers for all, which are
// rarely in the processor's cache.
type filterGroup [filterBits]uint64

const groupSize = 64

// bloomFilters are filters of ranges, of some views. They may hold names of a transaction that
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

// group is that of a range; nil: its ranges are empty.
func (f *bloomFilters) group(v View, r uint32) *filterGroup {
	if number := int(r / groupSize); number < len(f.groups[v]) {
		return f.groups[v][number]
	}
	return nil
}

// mayHave are the ranges of the group that may have a name with these positions: a bit for each.
func (g *filterGroup) mayHave(positions []uint64) uint64 {
	if g == nil {
		return 0
	}
	all := uint64(math.MaxUint64)
	for _, at := range positions[:firstProbes] {
		all &= g[at%filterBits]
	}
	if all == 0 {
		return 0
	}
	for _, at := range positions[firstProbes:] {
		all &= g[at%filterBits]
	}
	return all
}

// load adds all names of an index.
func (f *bloomFilters) load(v View, cursor *bolt.Cursor) error {
	return forEachName(cursor, func(name []byte, seq uint64) bool {
		f.add(v, name, seq)
		return true
	})
}

// searchesBeforeFilters is how many searches of a partition cost about as much as its filters, but for tests.
var searchesBeforeFilters = 500

// hasFilters stands in the place of a number of searches.
const hasFilters = -1

// searchedPartitions are the partitions of indexes that are searched for all sequences of a name. Folding does that
// for few events, but for each one of an undo; so those partitions that are searched often get filters. These may hold
// names of a transaction that failed.
type searchedPartitions struct {
	filters  *bloomFilters
	searches [][]int // by view and partition: how many there were without filters, or hasFilters
}

func newSearchedPartitions(views int) *searchedPartitions {
	return &searchedPartitions{newBloomFilters(views), make([][]int, views)}
}

// searchesOf are those of a partition.
func (s *searchedPartitions) searchesOf(v View, p uint32) *int {
	for uint32(len(s.searches[v])) <= p {
		s.searches[v] = append(s.searches[v], 0)
	}
	return &s.searches[v][p]
}

// add adds a name to the filter of its sequence's range, if its partition has filters.
func (s *searchedPartitions) add(v View, name []byte, seq uint64) {
	if p := partitionOf(seq); p < uint32(len(s.searches[v])) && s.searches[v][p] == hasFilters {
		s.filters.add(v, name, seq)
	}
}
