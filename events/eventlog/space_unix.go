//go:build linux || darwin || freebsd

package eventlog

import "syscall"

// freeSpace is what this user may still write to the disk of a folder, in bytes.
func freeSpace(dir string) (bytes uint64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true
}
