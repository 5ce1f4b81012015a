package viewstore

import (
	"encoding/binary"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Reader reads the views as one commit left them. It belongs to one goroutine and to one call of
// [Store.Read].
type Reader struct {
	tx      *bolt.Tx
	schema  *Schema
	buckets []*bolt.Bucket // of tx, by view; nil: not opened yet
	cache   chunkCache
}

// Read calls f with the views of the last commit. f must not retain anything of the transaction,
// and should not wait: an open transaction keeps the file from reusing pages. Damaged pages that f
// meets are an ErrDamaged.
//
// f runs in a separate goroutine. After 10 s, or when the file is damaged meanwhile, Read returns
// [ErrHangs] or [ErrDamaged] although f may still run: what f has written must not be read then.
func (s *Store) Read(f func(r *Reader) error) error { return s.read(readTime, f) }

// ReadAll is Read for what reads much of the file: it has no time limit.
func (s *Store) ReadAll(f func(r *Reader) error) error { return s.read(0, f) }

func (s *Store) read(limit time.Duration, f func(r *Reader) error) error {
	return s.attempt(limit, func() error {
		r, _ := s.readers.Get().(*Reader)
		if r == nil {
			r = &Reader{schema: &s.schema, buckets: make([]*bolt.Bucket, len(s.schema.Views))}
		}
		defer s.readers.Put(r)
		r.cache.reset()
		return s.db.View(func(tx *bolt.Tx) error {
			r.tx = tx
			defer func() {
				r.tx = nil
				clear(r.buckets)
			}()
			return f(r)
		})
	})
}

func (r *Reader) bucket(v View) *bolt.Bucket {
	if r.buckets[v] == nil {
		r.buckets[v] = r.tx.Bucket([]byte(r.schema.Views[v].Name))
	}
	return r.buckets[v]
}

// Entry reads an entry of a view; nil if there is none. It is valid during the transaction.
func (r *Reader) Entry(v View, key []byte) []byte { return r.bucket(v).Get(key) }

// Counter reads a counter; 0 if there is none.
func (r *Reader) Counter(v View, name string) uint64 {
	value := r.bucket(v).Get([]byte(name))
	if len(value) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(value)
}

// CounterNames yields what follows a prefix in the names of the counters that begin with it, sorted. The names
// of those that went down to 0 are among them.
func (r *Reader) CounterNames(v View, prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		cursor := r.bucket(v).Cursor()
		for key, _ := cursor.Seek([]byte(prefix)); key != nil; key, _ = cursor.Next() {
			name, ok := strings.CutPrefix(string(key), prefix)
			if !ok || !yield(name) {
				return
			}
		}
	}
}

// Keys is the set of the numbers at the end of the keys that begin with a prefix.
func (r *Reader) Keys(v View, prefix []byte) Postings {
	return &keyPostings{cursor: r.bucket(v).Cursor(), prefix: prefix}
}

// Postings is a list of a view of posting lists. It is empty if there is none of that name.
func (r *Reader) Postings(v View, list string) Postings {
	return &blockPostings{cursor: r.bucket(v).Cursor(), prefix: TextPrefix(list), bits: blockBits, nextFn: nextInBlock}
}

// All is the set of the numbers that have a value in a chunk set.
func (r *Reader) All(set ChunkSet) Postings {
	return &blockPostings{cursor: r.bucket(set.View).Cursor(), prefix: set.prefix(), bits: chunkBits, nextFn: nextInChunk}
}

// Lookup finds the first sequence of a name in a hash index whose names are hashed whole; 0 if there
// is none. It reads eight slots in each partition.
func (r *Reader) Lookup(v View, name []byte) (found uint64, err error) {
	err = r.InSlot(v, name, 0, func(other []byte, seq uint64) bool {
		if string(other) == string(name) {
			found = seq
		}
		return found == 0
	})
	return found, err
}

// InSlot passes the names that share the hash of hashed, in ascending order of their sequences, until
// f returns false. It begins with the partition of a sequence. f must not retain the name.
func (r *Reader) InSlot(v View, hashed []byte, from uint64, f func(name []byte, seq uint64) bool) error {
	bucket, slots, more := r.bucket(v), slotsOf(hashOf(hashed)), true
	for p := range partitions(bucket, from) {
		for _, number := range slots {
			sound := slot{p, bucket.Get(appendSlotKey(nil, p, number))}.forEach(func(name []byte, seq uint64) bool {
				more = f(name, seq)
				return more
			})
			if !sound {
				return ErrDamaged
			}
			if !more {
				return nil
			}
		}
	}
	return nil
}

// Names passes all names of a hash index, by partition and slot, until f returns false. f must not
// retain the name.
func (r *Reader) Names(v View, f func(name []byte, seq uint64) bool) error {
	return forEachName(r.bucket(v).Cursor(), f)
}

// Size is the size of the file as of the commit, in bytes.
func (r *Reader) Size() int64 { return r.tx.Size() }

// Usage is the space that the file takes as of the last commit. It is cheap.
func (s *Store) Usage() (Usage, error) {
	var size int64
	if err := s.Read(func(r *Reader) error { size = r.Size(); return nil }); err != nil {
		return Usage{}, err
	}
	stats := s.db.Stats()
	return Usage{Size: size, Free: int64(stats.FreePageN+stats.PendingPageN) * int64(os.Getpagesize())}, nil
}

// WriteTo writes a copy of the file as the commit left it.
func (r *Reader) WriteTo(w io.Writer) (int64, error) { return r.tx.WriteTo(w) }
