package fsx

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Sync writes a directory's names, or a file's content, to the disk.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// SyncTree is [Sync] for a directory and everything below it. What is removed meanwhile is left out.
func SyncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = Sync(path)
		}
		if path != dir && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// Rename moves a file or directory and makes the move durable. It replaces a file at the new path.
// Both paths must be on one disk; only the directory of the new path is synced.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return Sync(filepath.Dir(to))
}

// WritePrivate writes a file of mode 0600. After a crash the file has the old content or the new
// one. It replaces what stands at path and follows no link.
func WritePrivate(path string, data []byte) error {
	return StreamPrivate(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// StreamPrivate is [WritePrivate] with the content that write writes. If write fails, what stands at path
// stays, and the error is that of write.
func StreamPrivate(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	if err := write(f); err != nil {
		_ = f.Close()
		return err
	}
	if err = errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return Rename(f.Name(), path)
}
