//go:build linux || darwin || freebsd

package fsx

import "syscall"

// FreeSpace is how many bytes this user may still write to the disk of a directory; known is false
// where the system does not tell.
func FreeSpace(dir string) (bytes uint64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true
}
