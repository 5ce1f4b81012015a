package viewstore

import (
	"os"

	bolt "go.etcd.io/bbolt"
)

// An Opening opens a file in the background: it verifies the file, and finds the free pages, which takes some 0.3 s for
// each million entries.
type Opening struct {
	path   string
	schema Schema
	done   chan struct{}
	sound  os.FileInfo // of the file that was verified, and is sound; nil: there is none
	store  *Store      // that file; nil: it was not opened
}

// BeginOpen begins to open a file, which it locks. It creates none.
func BeginOpen(path string, schema Schema) *Opening {
	o := &Opening{path: path, schema: schema, done: make(chan struct{})}
	go func() {
		defer close(o.done)
		before, err := os.Stat(path)
		if err != nil {
			return
		}
		err = verifyFile(path, schema, func(tx *bolt.Tx) error {
			if unchanged(path, before) {
				o.sound = before
			}
			return dropFreelist(tx)
		})
		if err == nil && o.sound != nil {
			o.store, _ = openVerified(path, schema)
		}
		// Finish tells what was wrong.
	}()
	return o
}

// Finish waits until the file is open and is [Open]. It verifies the file again unless it is the one that was found
// sound, and nobody has written it since.
func (o *Opening) Finish() (*Store, error) {
	if s, opened := o.opened(); opened {
		o.store = nil
		return s, nil
	}
	o.Close()
	return Open(o.path, o.schema)
}

// Position waits until the file is open, and is its position. Without one that is sound it is that of [ReadPosition].
func (o *Opening) Position() (Position, error) {
	if s, opened := o.opened(); opened {
		return s.position, nil
	}
	o.Close()
	return ReadPosition(o.path)
}

// opened waits until the file is open, and returns it if it is still the one at the path.
func (o *Opening) opened() (s *Store, opened bool) {
	<-o.done
	return o.store, o.store != nil && unchanged(o.path, o.sound)
}

// Close closes the file, if Finish has not returned it.
func (o *Opening) Close() {
	<-o.done
	if o.store != nil {
		_ = o.store.Close() // nothing was written
		o.store = nil
	}
}

// unchanged reports whether a file is still the same, with the size and the time of change that it had.
func unchanged(path string, before os.FileInfo) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, before) && now.Size() == before.Size() && now.ModTime().Equal(before.ModTime())
}
