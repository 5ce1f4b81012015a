package fsx

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// checkedBytes is how much is written between two looks at the free space of the disk.
const checkedBytes = 4 << 20

// TempFile is a file that is gone when it is closed, and on Unix whatever ends the process: its name is
// removed as soon as the file is open.
type TempFile struct {
	file      *os.File // not embedded: its ReadFrom would pass the check of the free space
	dir       string
	minFree   uint64
	size      int64
	unchecked int
}

// CreateTemp makes a file of mode 0600 in a directory; "": the system's for temporary files. A write
// that would leave less than minFree bytes free on the disk fails with ENOSPC.
//
// A process that is killed between two system calls leaves the name. [RemoveTemp] removes it.
func CreateTemp(dir, prefix string, minFree uint64) (*TempFile, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	f, err := os.CreateTemp(dir, prefix+"*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // Windows refuses it while the file is open: Close does it there
	return &TempFile{file: f, dir: dir, minFree: minFree, unchecked: checkedBytes}, nil
}

// Write appends to the file.
func (f *TempFile) Write(p []byte) (int, error) {
	if f.unchecked += len(p); f.unchecked >= checkedBytes {
		f.unchecked = 0
		if free, known := FreeSpace(f.dir); known && free < f.minFree {
			return 0, &fs.PathError{Op: "write", Path: f.file.Name(), Err: syscall.ENOSPC}
		}
	}
	n, err := f.file.Write(p)
	f.size += int64(n)
	return n, err
}

// ReadAt is that of [io.ReaderAt].
func (f *TempFile) ReadAt(p []byte, at int64) (int, error) { return f.file.ReadAt(p, at) }

// Size returns how many bytes were written.
func (f *TempFile) Size() int64 { return f.size }

// Close closes the file, which is gone then.
func (f *TempFile) Close() error {
	err := f.file.Close()
	if removed := os.Remove(f.file.Name()); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

// RemoveTemp removes the files that killed processes have left in a directory. No other process may use
// the directory. One that does not exist has none.
func RemoveTemp(dir, prefix string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), prefix) {
			continue
		}
		if removed := os.Remove(filepath.Join(dir, entry.Name())); !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}
	return err
}
