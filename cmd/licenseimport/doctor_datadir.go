package main

import (
	"fmt"
	"os"
	"runtime"

	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/backup"
	"licenseimport/internal/fsx"
)

// dataDir checks the data directory: its process, its permissions and its disk.
func (d *diagnosis) dataDir() {
	info, err := os.Stat(d.Data)
	if err != nil {
		d.problem("data directory",
			"Name the right one by --data, or a deployment by --nats-url and --server; licenseimport serve makes a new one",
			"%v", err)
		return
	}
	if d.owner, d.held, err = eventlog.LockOwner(d.Data); err != nil {
		d.problem("data directory", "Run doctor as the user that the server runs as", "%v", err)
		return
	}
	unfinished := backup.CheckRestored(d.Data)
	switch {
	case d.held:
		d.ok("data directory", "%s is in use by %s", absolute(d.Data), d.owner)
	case unfinished != nil:
		d.problem("data directory", "No server starts on it until then", "%v", unfinished)
	case !holdsData(d.Data):
		d.warn("data directory", "Name another by --data if there should be some", "%s holds no streams", absolute(d.Data))
	default:
		d.ok("data directory", "%s; no server runs on it", absolute(d.Data))
	}
	d.permissions(info)
	d.disk()
}

// permissions checks that no other user may read secrets. On Windows the mode does not
// say.
func (d *diagnosis) permissions(info os.FileInfo) {
	if runtime.GOOS == "windows" {
		return
	}
	if !isPrivate(info) {
		d.warn("data directory's mode", "chmod 700 "+d.Data,
			"other users may look into %s, which holds customers' data", d.Data)
	}
	path := adminKeyPath(d.Data)
	d.secretFile("admin.key", path, "the admin key", secretAdvice{
		replace: "replace the key: licenseimport keys create, keys revoke",
		repair:  "Put the key back, or remove the file and make another key: " + d.command("keys", "create", "NAME", "--role", "admin"),
	}, func() error {
		if d.AdminKey != "" {
			return nil // no server reads the file
		}
		return access.CheckAdminKey(path)
	})
	path = eventlog.TokenPath(d.Data)
	d.secretFile(eventlog.TokenFileName, path, "the token of NATS", secretAdvice{
		replace: "remove the file and start the server again, which makes another",
		repair:  "Put the token back, or remove the file and start the server again, which makes another",
	}, func() error {
		_, err := eventlog.ReadToken(path)
		return err
	})
}

// secretAdvice says what to do with a secret that others may have read, and with one that cannot be read.
type secretAdvice struct{ replace, repair string }

// secretFile checks that only its owner may read a file, where there is one, and that a server can start with it.
func (d *diagnosis) secretFile(check, path, what string, advice secretAdvice, read func() error) {
	info, err := os.Lstat(path)
	switch {
	case err != nil: // no file, no problem
		return
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a regular file", path)
	case !isPrivate(info):
		d.problem(check, "chmod 600 "+path+", then "+advice.replace, "other users of this machine may read %s (mode %v)", what, info.Mode().Perm())
		return
	default:
		err = read()
	}
	if err != nil {
		d.problem(check, advice.repair, "no server starts with it: %v", err)
		return
	}
	d.ok(check, "only its owner may read it")
}

// disk checks the free space.
func (d *diagnosis) disk() {
	free, known := fsx.FreeSpace(d.Data)
	switch {
	case !known:
	case free < uint64(d.MinFree):
		d.problem("disk", "Free some space: uploads are refused when the disk is full", "%s free on the disk of %s", formatBytes(free), d.Data)
	default:
		d.ok("disk", "%s free", formatBytes(free))
	}
}

// formatBytes formats a size with a unit.
func formatBytes(bytes uint64) string {
	for _, unit := range []struct {
		name  string
		shift int
	}{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}} {
		if bytes>>unit.shift > 0 {
			return fmt.Sprintf("%.1f %s", float64(bytes)/float64(uint64(1)<<unit.shift), unit.name)
		}
	}
	return fmt.Sprintf("%d B", bytes)
}
