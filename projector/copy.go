package projector

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"licenseimport/internal/fsx"
	"licenseimport/projector/viewstore"
)

// copyReserve is the free space that a copy of the views leaves on the disk. An embedded server refuses
// uploads below it by default.
const copyReserve = 256 << 20

// copyPrefix begins the names of temporary files beside the views.
const copyPrefix = FileName + ".copy-"

// Copy is a copy of the views' file as one commit left it. It is a temporary file beside the views, of
// which nothing is left after Close, nor, where the system lets open files be removed, after a crash.
type Copy struct {
	*os.File
	Size int64 // in bytes
}

// Copy copies the views' file to the disk, at the disk's speed, and returns the copy at its beginning.
// Send it to a client without a transaction: while one is open, commits that have to grow the file's
// mapping wait. It is an ENOSPC where the copy would leave less than 256 MiB free.
func (p *Projector) Copy() (c *Copy, err error) {
	file, err := p.createTemp()
	if err != nil {
		return nil, err
	}
	c = &Copy{File: file}
	var size int64
	err = p.readAll(func(r *viewstore.Reader) error {
		if err := p.hasSpace(r.Size()); err != nil {
			return err
		}
		n, err := r.WriteTo(file)
		size = n
		return err
	})
	if err == nil {
		c.Size = size
		_, err = file.Seek(0, 0)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// hasSpace is an ENOSPC where a file of a size beside the views would leave less than 256 MiB free.
func (p *Projector) hasSpace(size int64) error {
	if free, known := fsx.FreeSpace(filepath.Dir(p.path)); known && free < uint64(size)+copyReserve {
		return fmt.Errorf("copy the views: %d bytes, %d free: %w", size, free, syscall.ENOSPC)
	}
	return nil
}

// readAll reads the views of one commit without a limit.
func (p *Projector) readAll(f func(*viewstore.Reader) error) error {
	return p.onStore(func(s *viewstore.Store) error { return s.ReadAll(f) })
}

// createTemp creates a temporary file beside the views, of which nothing is left after a crash where the
// system lets open files be removed.
func (p *Projector) createTemp() (*os.File, error) {
	file, err := os.CreateTemp(filepath.Dir(p.path), copyPrefix+"*") // mode 0600
	if err == nil && runtime.GOOS != "windows" {
		_ = os.Remove(file.Name()) // who closes it tries again
	}
	return file, err
}

// Close closes and removes the file.
func (c *Copy) Close() error { return errors.Join(c.File.Close(), removeIfThere(c.Name())) }
