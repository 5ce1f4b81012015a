//go:build !linux && !darwin && !freebsd

package fsx

// FreeSpace is not known on this system.
func FreeSpace(string) (bytes uint64, known bool) { return 0, false }
