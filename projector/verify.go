package projector

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// Verify reads the whole views' file of a folder that no projector has open, and
// says what is wrong with it; nil if it is sound or not there.
func Verify(dir string) error {
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	s, err := openStore(path)
	if err != nil {
		return err
	}
	return s.close()
}

// verify reads all views and compares them with their checksums. It reports
// whatever differs from what was written as errDamaged.
func (s *store) verify() error {
	if s.position.Format != format {
		return nil // to be folded anew in any case
	}
	const workers = 2
	var group sync.WaitGroup
	var errs [workers]error
	for w := range workers {
		group.Go(func() {
			defer catchDamage(&errs[w])()
			errs[w] = s.db.View(func(tx *bolt.Tx) error {
				for v := w; v < int(numViews); v += workers {
					if err := verifyView(tx, view(v), s.sums[v]); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	group.Wait()
	return errors.Join(errs[:]...)
}

func verifyView(tx *bolt.Tx, v view, want uint64) error {
	bucket := tx.Bucket([]byte(viewTable[v].name))
	if bucket == nil {
		return fmt.Errorf("%w: no view %s", errDamaged, viewTable[v].name)
	}
	var sum uint64
	var last []byte
	cursor := bucket.Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if last != nil && bytes.Compare(last, key) >= 0 {
			return fmt.Errorf("%w: view %s is out of order", errDamaged, viewTable[v].name)
		}
		sum += entrySum(key, value)
		last = key
	}
	if sum != want {
		return fmt.Errorf("%w: view %s differs from its checksum", errDamaged, viewTable[v].name)
	}
	return nil
}

// catchDamage is to be called where pages that may be damaged are read, and what
// it returns is to be deferred: it makes an error of the panics and of the memory faults that
// such pages lead to.
func catchDamage(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if p := recover(); p != nil {
			*err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}
}

// digest is the SHA-256, in hex, over all entries of all views, in order.
// Position and checksums are left out: they follow from the rest. What is kept in segments counts as
// entries of its own: how segments are compressed may change with the library and differs from one kind
// of processor to another.
func (s *store) digest() (string, error) {
	hash := sha256.New()
	err := s.db.View(func(tx *bolt.Tx) error {
		for v := range viewTable {
			hashed(hash.Write, []byte(viewTable[v].name))
			bucket := tx.Bucket([]byte(viewTable[v].name))
			each := bucket.ForEach
			if viewTable[v].grows == inSegments {
				each = func(f func(key, value []byte) error) error { return eachKept(bucket, nil, f) }
			}
			if err := each(func(key, value []byte) error {
				hashed(hash.Write, key)
				hashed(hash.Write, value)
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return hex.EncodeToString(hash.Sum(nil)), err
}

// hashed writes a text with its length, so that no two lists of texts look alike.
func hashed(write func([]byte) (int, error), text []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(text)))
	_, _ = write(length[:]) // a hash never fails
	_, _ = write(text)
}
