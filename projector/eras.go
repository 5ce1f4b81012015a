package projector

import (
	"encoding/binary"
	"iter"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
)

// An index whose names come in no order is kept in parts, one for each era of the stream: all
// sequences between two multiples of 131,072. An entry's key begins with the number of the era
// of the sequences that it is about. So a transaction writes pages of the last part only, however
// many licenses there are: with one part it would touch nearly every page of the index. A
// reader's look-up asks each part; at a million licenses these are eight. Folding asks those that may
// have what it looks for (names.go).
const (
	eraBits = 17
	eraSize = 4 // bytes of a key
)

// eras are the eras that an index may have names of, from a sequence's on.
func eras(bucket *bolt.Bucket, from events.Seq) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		cursor := bucket.Cursor()
		first, _ := cursor.First()
		last, _ := cursor.Last()
		if len(first) < eraSize || len(last) < eraSize {
			return
		}
		end := binary.BigEndian.Uint32(last)
		for era := max(binary.BigEndian.Uint32(first), uint32(from>>eraBits)); era <= end; era++ {
			if !yield(era) {
				return
			}
		}
	}
}
