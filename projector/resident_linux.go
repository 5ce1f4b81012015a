package projector

import (
	"syscall"
	"unsafe"

	bolt "go.etcd.io/bbolt"
)

// release gives the pages of the views' file that this process has mapped back to the
// system, which keeps them in its cache as before. Each transaction touches pages all
// over the indexes, and the kernel maps their neighbours as well, so that soon the whole
// file would count as this process's memory.
func release(db *bolt.DB, size int64) {
	at := db.Info().Data
	mapped := unsafe.Slice(*(**byte)(unsafe.Pointer(&at)), size)
	_ = syscall.Madvise(mapped, syscall.MADV_DONTNEED) // advice only
}
