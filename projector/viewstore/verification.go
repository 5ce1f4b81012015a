package viewstore

import (
	"os"

	bolt "go.etcd.io/bbolt"
)

// A Verification verifies a file in the background, for a later [Verification.Open].
type Verification struct {
	path   string
	schema Schema
	done   chan struct{}
	sound  os.FileInfo // of the file that was verified, and is sound; nil: there is none
}

// Verify begins to verify a file, which it locks against writers meanwhile.
func Verify(path string, schema Schema) *Verification {
	v := &Verification{path: path, schema: schema, done: make(chan struct{})}
	go func() {
		defer close(v.done)
		before, err := os.Stat(path)
		if err != nil {
			return
		}
		_ = verifyFile(path, schema, func(tx *bolt.Tx) error { // Open tells what is wrong
			if unchanged(path, before) {
				v.sound = before
			}
			return dropFreelist(tx)
		})
	}()
	return v
}

// Open waits for the verification's end and is [Open], which verifies the file again unless it is the one that
// was found sound, and nobody has written it since.
func (v *Verification) Open() (*Store, error) {
	<-v.done
	if v.sound == nil || !unchanged(v.path, v.sound) {
		return Open(v.path, v.schema)
	}
	return openVerified(v.path, v.schema)
}

// unchanged reports whether a file is still the same, with the size and the time of change that it had.
func unchanged(path string, before os.FileInfo) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, before) && now.Size() == before.Size() && now.ModTime().Equal(before.ModTime())
}
