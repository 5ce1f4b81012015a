package viewstore

import (
	"os"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestReadAhead: what is not in the page cache is in it soon after.
func TestReadAhead(t *testing.T) {
	const size = 4 << 20
	path := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(path, make([]byte, size), 0o600))
	file, err := os.Open(path)
	check(t, err)
	defer file.Close()
	check(t, file.Sync())
	check(t, unix.Fadvise(int(file.Fd()), 0, size, unix.FADV_DONTNEED))
	mapped, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	check(t, err)
	defer func() { check(t, unix.Munmap(mapped)) }()
	t.Logf("of %d pages %d are in the cache", size/os.Getpagesize(), cached(t, mapped))
	readAhead(path, size)
	for deadline := time.Now().Add(time.Minute); cached(t, mapped) < size/os.Getpagesize(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("only %d pages are in the cache", cached(t, mapped))
		}
	}
}

// cached is the number of pages that the page cache has.
func cached(t *testing.T, mapped []byte) (pages int) {
	t.Helper()
	resident := make([]byte, len(mapped)/os.Getpagesize())
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&mapped[0])),
		uintptr(len(mapped)), uintptr(unsafe.Pointer(&resident[0])))
	if errno != 0 {
		t.Fatal(errno)
	}
	for _, page := range resident {
		pages += int(page & 1)
	}
	return pages
}
