package viewstore

import (
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// An Opening opens a file in the background: it verifies the file, and finds the free pages, which takes some 0.3 s for
// each million entries. Its methods belong to one goroutine.
type Opening struct {
	path   string
	schema Schema
	done   chan struct{}
	sound  os.FileInfo           // of the file that was verified, and is sound; nil: there is none
	store  atomic.Pointer[Store] // that file; nil: it was not opened, or is the one that Finish returned
}

// BeginOpen begins to open a file, which it locks. Without a file there is nothing to do before Finish.
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
			var s *Store
			if s, err = openVerified(path, schema); err == nil {
				o.store.Store(s)
			}
		}
		if err != nil { // Finish tries again
			slog.Debug("the views were not opened in the background", "file", path, "reason", err)
		}
	}()
	return o
}

// Finish waits until the file is open and is [Open]. It verifies the file again unless it is the one that was found
// sound, and nobody has written it since.
func (o *Opening) Finish() (*Store, error) {
	if s, opened := o.opened(); opened && o.store.CompareAndSwap(s, nil) {
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
	s = o.store.Load()
	return s, s != nil && unchanged(o.path, o.sound)
}

// Close closes the file, if Finish has not returned it. It waits for closeTime at most: then the file is closed when
// what goes on has ended.
func (o *Opening) Close() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		<-o.done
		if s := o.store.Swap(nil); s != nil {
			_ = s.Close() // nobody has used it
		}
	}()
	select {
	case <-closed:
	case <-time.After(closeTime):
	}
}

// unchanged reports whether a file is still the same, with the size and the time of change that it had.
func unchanged(path string, before os.FileInfo) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, before) && now.Size() == before.Size() && now.ModTime().Equal(before.ModTime())
}
