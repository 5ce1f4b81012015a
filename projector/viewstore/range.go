package viewstore

import (
	"bytes"
	"iter"
)

// Entries yields the entries of a view whose keys begin with a prefix, sorted by key. Both are valid during the
// transaction.
func (r *Reader) Entries(v View, prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		cursor := r.bucket(v).Cursor()
		for key, value := cursor.Seek(prefix); key != nil && bytes.HasPrefix(key, prefix); key, value = cursor.Next() {
			if !yield(key, value) {
				return
			}
		}
	}
}
