package eventlog

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockFile is the file in a data directory whose flock says that a server runs there, and which
// process that is. This program never deletes it. Somebody else may: two processes could then lock
// two different files. So a server holds a second flock, on the directory itself.
const lockFile = "lock"

// A LockInfo says which process runs a server on a data directory.
type LockInfo struct {
	PID  int
	NATS string // the URL of its NATS server; empty: in-process connections only
	HTTP string // the URL of its HTTP server; empty: none yet
}

func (h LockInfo) String() string {
	if h.PID == 0 {
		return "a process that cannot be told, since the file " + lockFile + " was deleted while it ran"
	}
	s := fmt.Sprintf("process %d", h.PID)
	if h.HTTP != "" {
		s += ", " + h.HTTP
	}
	if h.NATS != "" {
		s += ", " + h.NATS
	}
	return s
}

// A LockedError says that another server holds the lock of the data directory.
type LockedError struct {
	Dir   string
	Owner LockInfo
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("the data directory %s is in use by %s", e.Dir, e.Owner)
}

// LockOwner returns the process that runs a server on the data directory; held is false without
// one.
func LockOwner(dir string) (owner LockInfo, held bool, err error) {
	path := filepath.Join(dir, lockFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return LockInfo{}, dirLocked(dir), nil
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock()
	if err != nil {
		return LockInfo{}, false, fmt.Errorf("read the lock of %s: %w", dir, err)
	}
	if free {
		return LockInfo{}, dirLocked(dir), lock.Unlock()
	}
	owner, err = readLockInfo(path)
	return owner, true, err
}

// readLockInfo reads the lock file. A read during a write can mix two texts, so it is repeated
// until the checksum matches.
func readLockInfo(path string) (LockInfo, error) {
	for range 100 {
		text, err := os.ReadFile(path)
		if err != nil {
			return LockInfo{}, err
		}
		if h, whole := parseLockInfo(string(text)); whole {
			return h, nil
		}
		time.Sleep(time.Millisecond)
	}
	return LockInfo{}, fmt.Errorf("%s does not name the process that uses the data directory", path)
}

// text is the content of the lock file: three lines and their checksum. Bytes after the checksum
// are the rest of an earlier, longer text.
func (h LockInfo) text() string {
	lines := fmt.Sprintf("pid %d\nnats %s\nhttp %s\n", h.PID, h.NATS, h.HTTP)
	return lines + sumLine(lines)
}

func sumLine(lines string) string {
	return fmt.Sprintf("sum %08x\n", crc32.ChecksumIEEE([]byte(lines)))
}

func parseLockInfo(text string) (h LockInfo, whole bool) {
	lines, rest, _ := strings.Cut(text, "sum ")
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "pid":
			h.PID, _ = strconv.Atoi(value)
		case "nats":
			h.NATS = value
		case "http":
			h.HTTP = value
		}
	}
	return h, strings.HasPrefix("sum "+rest, sumLine(lines))
}

// A dirLock is the lock of a data directory.
type dirLock struct {
	flock *flock.Flock // of the lock file
	dir   *flock.Flock // of the directory; not locked where the system cannot
	path  string
	owner LockInfo
}

// lockDir locks the directory for this process, else returns a *[LockedError]. [LockOwner] holds
// the lock for a moment, which a short wait covers.
func lockDir(dir string) (*dirLock, error) {
	path := filepath.Join(dir, lockFile)
	lock := flock.New(path)
	locked, err := tryLock(lock)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory %s: %w", dir, err)
	}
	if !locked {
		owner, err := readLockInfo(path)
		return nil, errors.Join(&LockedError{Dir: dir, Owner: owner}, err)
	}
	l := &dirLock{flock: lock, dir: directoryLock(dir), path: path, owner: LockInfo{PID: os.Getpid()}}
	if locked, err = tryLock(l.dir); !locked && err == nil { // not with a system that cannot lock directories
		return nil, errors.Join(&LockedError{Dir: dir}, lock.Unlock())
	}
	return l, l.write()
}

// tryLock tries for a fifth of a second. It counts the tries, not the time: a process that the system let wait
// meanwhile would otherwise find a free lock held.
func tryLock(lock *flock.Flock) (locked bool, err error) {
	for range 20 {
		if locked, err = lock.TryLock(); locked || err != nil {
			return locked, err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false, nil
}

// directoryLock is the lock on a directory's inode.
func directoryLock(dir string) *flock.Flock { return flock.New(dir, flock.SetFlag(os.O_RDONLY)) }

// dirLocked reports whether a server holds the lock on the directory itself: the lock file was
// deleted while it ran. A system that cannot lock directories says no.
func dirLocked(dir string) bool {
	lock := directoryLock(dir)
	free, err := lock.TryRLock()
	if free {
		_ = lock.Unlock()
	}
	return !free && err == nil
}

// write overwrites the file's text in place, so that a reader never finds it empty.
func (l *dirLock) write() error {
	text := l.owner.text()
	f, err := os.OpenFile(l.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Truncate(int64(len(text))), f.Close())
}

func (l *dirLock) release() error { return errors.Join(l.dir.Unlock(), l.flock.Unlock()) }
