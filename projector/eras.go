package projector

import (
	"encoding/binary"
	"iter"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
)

// An index whose keys come in no order is kept in parts, one for each era of the stream: all
// sequences between two multiples of 131,072. An entry's key begins with the number of the era
// of the sequence that it is about. So a transaction writes pages of the last part only, however
// many licenses there are: with one part it would touch nearly every page of the index. A
// reader's look-up asks each part; at a million licenses these are eight. Folding asks those that may
// have what it looks for (names.go).
const (
	eraBits = 17
	eraSize = 4 // bytes of a key
)

func appendEra(b []byte, seq events.Seq) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(seq>>eraBits))
}

// eras are the beginnings of the keys in each part of an index, from a sequence's on. The cursor
// may be moved meanwhile.
func eras(cursor *bolt.Cursor, from events.Seq) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		first, _ := cursor.First()
		last, _ := cursor.Last()
		if len(first) < eraSize || len(last) < eraSize {
			return
		}
		for era := max(binary.BigEndian.Uint32(first), uint32(from>>eraBits)); era <= binary.BigEndian.Uint32(last); era++ {
			if !yield(binary.BigEndian.AppendUint32(nil, era)) {
				return
			}
		}
	}
}
