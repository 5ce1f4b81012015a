//go:build linux || darwin || freebsd

package fsx

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// Owner is the user to whom a file or directory belongs: the id, and the name where there is one, else the id; known
// is false where the system does not tell.
func Owner(path string) (uid int, name string, known bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, "", false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, "", false
	}
	id := strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return int(stat.Uid), u.Username, true
	}
	return int(stat.Uid), id, true
}
