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
		_ = verifyFile(path, schema, v.found) // Open tells what is wrong
	}()
	return v
}

func (v *Verification) found(tx *bolt.Tx) error {
	if err := dropFreelist(tx); err != nil {
		return err
	}
	info, err := os.Stat(v.path)
	if err == nil {
		v.sound = info
	}
	return err
}

// Open waits for the verification's end and is [Open], which verifies the file again unless it is the one that
// was found sound, and nobody has written it since.
func (v *Verification) Open() (*Store, error) {
	<-v.done
	if !v.unchanged() {
		return Open(v.path, v.schema)
	}
	return openVerified(v.path, v.schema)
}

func (v *Verification) unchanged() bool {
	if v.sound == nil {
		return false
	}
	now, err := os.Stat(v.path)
	return err == nil && os.SameFile(now, v.sound) && now.Size() == v.sound.Size() && now.ModTime().Equal(v.sound.ModTime())
}
