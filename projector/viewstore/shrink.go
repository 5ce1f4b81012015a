package viewstore

import (
	"fmt"
	"runtime"
	"slices"

	bolt "go.etcd.io/bbolt"
)

const (
	minWasteful = 16 << 20 // bytes of a file
	copyBatch   = 8 << 20  // bytes of entries in one transaction of a copy
)

// Wasteful reports whether a file is worth a smaller one: it has 16 MiB, and more than half of it is free.
func (u Usage) Wasteful() bool { return u.Size >= minWasteful && u.Free > u.Size/2 }

// CopyTo writes the views of the last commit into a new file, without the free pages, and opens that.
// Commits and reads go on meanwhile; no commit can reuse what is being read. Each view is compared with
// its checksum. The new file is not synced. After an error it is closed, and may be there.
func (s *Store) CopyTo(path string, b *Bound) (*Store, error) {
	to, err := openStore(path, s.schema)
	if err != nil {
		return nil, err
	}
	err = s.attempt(0, func() error {
		return s.db.View(func(tx *bolt.Tx) error { return to.copyFrom(tx, b) })
	})
	if err == nil {
		err = to.load()
	}
	if err != nil {
		_ = to.Close() // it is of no use
		return nil, fmt.Errorf("copy the views: %w", err)
	}
	return to, nil
}

// copyFrom writes all that a transaction sees. The position comes last: without it Open takes no file.
func (s *Store) copyFrom(tx *bolt.Tx, b *Bound) error {
	from := newStore(tx.DB(), s.schema)
	if err := from.readMeta(tx); err != nil {
		return err
	}
	for v, spec := range s.schema.Views {
		sum, err := s.copyView(tx.Bucket([]byte(spec.Name)), []byte(spec.Name), b)
		if err != nil {
			return err
		}
		if sum != from.sums[v] {
			return fmt.Errorf("%w: view %s differs from its checksum", ErrDamaged, spec.Name)
		}
	}
	return s.db.Update(func(to *bolt.Tx) error {
		if _, err := to.CreateBucket(metaBucket); err != nil {
			return err
		}
		return writeMeta(to, from.position, from.sums)
	})
}

// copyView copies one view and returns its checksum.
func (s *Store) copyView(from *bolt.Bucket, name []byte, b *Bound) (sum uint64, err error) {
	cursor := from.Cursor()
	key, value := cursor.First()
	for first := true; first || key != nil; first = false {
		err := s.db.Update(func(to *bolt.Tx) error {
			bucket, err := to.CreateBucketIfNotExists(name)
			if err != nil {
				return err
			}
			bucket.FillPercent = 0.9
			for size, n := 0, 0; key != nil && size < copyBatch; key, value = cursor.Next() {
				if n++; n%yieldEntries == 0 {
					runtime.Gosched()
				}
				if !b.Step() {
					return b.Err()
				}
				if err := bucket.Put(key, value); err != nil {
					return err
				}
				sum += entrySum(key, value)
				size += len(key) + len(value)
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return sum, nil
}

// Same reports whether two files hold the same views up to the same position: their checksums are equal.
// Nothing may be writing to either.
func (s *Store) Same(other *Store) bool {
	return s.position.Seq == other.position.Seq && s.position.ID == other.position.ID && slices.Equal(s.sums, other.sums)
}
