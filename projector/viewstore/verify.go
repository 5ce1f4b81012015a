package viewstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// Usage is the space that a file takes, in bytes.
type Usage struct {
	Size int64 // of all pages
	Free int64 // of those that hold nothing: commits use them again, and only a new file is smaller
}

// Check verifies a file that no process writes, and changes nothing. A file that does not exist, or is
// empty, is sound. Errors are those of [Open].
func Check(path string, schema Schema) (u Usage, err error) {
	err = verifyFile(path, schema, func(tx *bolt.Tx) error {
		u, err = usage(tx)
		return err
	})
	return u, err
}

// verifyFile verifies a file without writing it, and calls then, which may be nil, while the file is
// locked against writers.
func verifyFile(path string, schema Schema, then func(tx *bolt.Tx) error) (err error) {
	defer catchDamage(&err)()
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	db, err := open(path, &bolt.Options{Timeout: lockTimeout, ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if info != nil {
		readAhead(path, info.Size())
	}
	if err := db.View(verifyPages); err != nil {
		return err
	}
	s, fresh := newStore(db, schema), false
	if err := db.View(func(tx *bolt.Tx) error {
		if fresh, err = isFresh(tx); fresh || err != nil {
			return err
		}
		return s.readMeta(tx)
	}); err != nil {
		return err
	}
	if !fresh {
		if err := s.Verify(); err != nil {
			return err
		}
	}
	if then == nil {
		return nil
	}
	return db.View(then)
}

// Verify reads all views and compares them with their checksums. Any difference is an [ErrDamaged].
// A file of another version is not verified.
func (s *Store) Verify() error {
	if s.position.Format != s.schema.Version {
		return nil
	}
	const workers = 2
	var group sync.WaitGroup
	var errs [workers]error
	for w := range workers {
		group.Go(func() {
			defer catchDamage(&errs[w])()
			errs[w] = s.db.View(func(tx *bolt.Tx) error {
				for v := w; v < len(s.schema.Views); v += workers {
					if err := verifyView(tx, s.schema.Views[v].Name, s.sums[v]); err != nil {
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

func verifyView(tx *bolt.Tx, name string, want uint64) error {
	bucket := tx.Bucket([]byte(name))
	if bucket == nil {
		return fmt.Errorf("%w: no view %s", ErrDamaged, name)
	}
	var sum uint64
	var last []byte
	var mapped int
	defer dropResident(tx.DB(), tx.Size())
	cursor := bucket.Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if last != nil && bytes.Compare(last, key) >= 0 {
			return fmt.Errorf("%w: view %s is out of order", ErrDamaged, name)
		}
		sum += entrySum(key, value)
		last = key
		if mapped += len(key) + len(value); mapped > maxMapped {
			dropResident(tx.DB(), tx.Size())
			mapped = 0
		}
	}
	if sum != want {
		return fmt.Errorf("%w: view %s differs from its checksum", ErrDamaged, name)
	}
	return nil
}

// catchDamage turns the panics and memory faults that damaged pages lead to into an error. Call it
// where such pages may be read, and defer what it returns.
func catchDamage(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if p := recover(); p != nil {
			*err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}
}

// Digest is the SHA-256, in hex, over all entries of all views, in order. It reads the whole file.
// Position and checksums are left out: they follow from the rest. The values of chunks count as
// entries by themselves, since compression may change with the library and between processor
// architectures.
func (s *Store) Digest() (string, error) {
	hash := sha256.New()
	err := s.attempt(0, func() error { return s.db.View(s.hashInto(hash)) })
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// hashInto hashes all entries.
func (s *Store) hashInto(hash io.Writer) func(tx *bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		for _, spec := range s.schema.Views {
			writeText(hash.Write, []byte(spec.Name))
			bucket := tx.Bucket([]byte(spec.Name))
			each := bucket.ForEach
			if spec.Layout == Chunks {
				each = func(f func(key, value []byte) error) error { return forEachChunk(bucket, spec.Columns, nil, f) }
			}
			if err := each(func(key, value []byte) error {
				writeText(hash.Write, key)
				writeText(hash.Write, value)
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	}
}

// writeText writes a text after its length, so that different lists of texts differ.
func writeText(write func([]byte) (int, error), text []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(text)))
	_, _ = write(length[:]) // a hash never fails
	_, _ = write(text)
}
