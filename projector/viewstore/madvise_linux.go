package viewstore

import (
	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// DropResident is for the time after a large [WriteTx.Commit]: such a transaction touches pages all over the
// indexes, and the kernel maps their neighbours too, so that soon the whole file would count as this process's
// memory.
func (w *WriteTx) DropResident() { dropResident(w.db, w.size) }

// dropResident returns the pages of the file that this process has mapped to the system, which keeps them in
// its page cache.
func dropResident(db *bolt.DB, size int64) {
	_ = unix.Madvise(mapped(db, size), unix.MADV_DONTNEED) // advice only
}
