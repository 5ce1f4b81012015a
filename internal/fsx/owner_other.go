//go:build !linux && !darwin && !freebsd

package fsx

// Owner is not known on this system.
func Owner(string) (uid int, name string, known bool) { return 0, "", false }
