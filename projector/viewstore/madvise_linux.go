package viewstore

import "golang.org/x/sys/unix"

// DropResident returns the pages of the file that this process has mapped to the system, which keeps
// them in its page cache. To be called after a large [WriteTx.Commit]: such a transaction touches
// pages all over the indexes, and the kernel maps their neighbours too, so that soon the whole file
// would count as this process's memory.
func (w *WriteTx) DropResident() {
	_ = unix.Madvise(mapped(w.db, w.size), unix.MADV_DONTNEED) // advice only
}
