package viewstore

import (
	"os"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// DropResident is for the time after a large [WriteTx.Commit], or some small ones: they touch pages all over the
// indexes, and the kernel maps their neighbours too, so that soon the whole file would count as this process's
// memory.
func (w *WriteTx) DropResident() { dropResident(w.db, w.size) }

// dropResident returns the pages of the file that this process has mapped to the system, which keeps them in
// its page cache.
func dropResident(db *bolt.DB, size int64) {
	_ = unix.Madvise(mapped(db, size), unix.MADV_DONTNEED) // advice only
}

// readAheadAtOnce is what Linux reads ahead at one request, in bytes: it may ignore the rest of a longer one.
const readAheadAtOnce = 128 << 10

// readAhead has the system read a file into its page cache, from its beginning to its end, unless it takes more than
// half of the memory. A verification follows the tree, which lies anywhere in the file: that reads the file of ten
// million licenses in 35 s where nothing is in the cache, and this in 2 s.
func readAhead(path string, size int64) {
	var system unix.Sysinfo_t
	if unix.Sysinfo(&system) != nil {
		return
	}
	memory := uint64(system.Totalram) * uint64(system.Unit) //nolint:unconvert // it has 32 bits on some systems
	if uint64(size) > memory/2 {                            //nolint:gosec // a file's
		return
	}
	file, err := os.Open(path) //nolint:gosec // the views' own path
	if err != nil {
		return
	}
	defer file.Close() // it was only read
	for at := int64(0); at < size; at += readAheadAtOnce {
		_ = unix.Fadvise(int(file.Fd()), at, readAheadAtOnce, unix.FADV_WILLNEED) //nolint:gosec // a descriptor; advice only
	}
}
