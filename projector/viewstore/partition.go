package viewstore

import (
	"encoding/binary"
	"iter"
	"math"

	bolt "go.etcd.io/bbolt"
)

// A hash index is partitioned by sequence: partition p holds the names whose sequences lie in
// [p<<17, (p+1)<<17), that is 131,072 sequences. An entry's key begins with the partition's number.
// A transaction therefore writes pages of the newest partition only, however large the index is.
// Without partitions it would touch nearly every page of the index. A reader looks into each
// partition, which is eight for a million sequences. A memtable looks only into those ranges whose Bloom
// filter may have the name, or has all names in memory.
const (
	partitionBits = 17
	partitionSize = 4 // bytes in a key
)

// partitionOf is the number of the partition of a sequence.
func partitionOf(seq uint64) uint32 { return uint32(seq >> partitionBits) }

// partitions are the numbers of the partitions of an index, from that of a sequence on. Some may
// be empty.
func partitions(bucket *bolt.Bucket, from uint64) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		cursor := bucket.Cursor()
		first, _ := cursor.First()
		last, _ := cursor.Last()
		if len(first) < partitionSize || len(last) < partitionSize {
			return
		}
		end := binary.BigEndian.Uint32(last)
		for p := max(binary.BigEndian.Uint32(first), partitionOf(from)); p <= end; p++ {
			if !yield(p) || p == math.MaxUint32 {
				return
			}
		}
	}
}
