package eventlog

import (
	"context"
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

// lockFile is the file in a data folder whose flock says that a server runs there.
// It is never deleted: two processes would then lock two files.
const lockFile = "lock"

// A LockInfo says which process runs a server on a data folder.
type LockInfo struct {
	PID  int
	NATS string // where its NATS server listens; empty when only in its own process
	HTTP string // where it answers HTTP; empty when it does not (yet)
}

func (h LockInfo) String() string {
	s := fmt.Sprintf("process %d", h.PID)
	if h.HTTP != "" {
		s += ", " + h.HTTP
	}
	if h.NATS != "" {
		s += ", " + h.NATS
	}
	return s
}

// A LockedError says that another server has the data folder.
type LockedError struct {
	Dir   string
	Owner LockInfo
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("the data folder %s is in use by %s", e.Dir, e.Owner)
}

// LockOwner tells whether a server runs on the data folder, and who it is.
func LockOwner(dir string) (by LockInfo, held bool, err error) {
	path := filepath.Join(dir, lockFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return LockInfo{}, false, nil
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock()
	if err != nil {
		return LockInfo{}, false, fmt.Errorf("look at the lock of %s: %w", dir, err)
	}
	if free {
		return LockInfo{}, false, lock.Unlock()
	}
	by, err = readLockInfo(path)
	return by, true, err
}

// readLockInfo reads what the holder states. A read beside a write may begin with the
// one statement and end with the other, so it is made again until its sum is right.
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
	return LockInfo{}, fmt.Errorf("%s does not say who has the data folder", path)
}

// text states the holder: the process, where it listens, and a sum of these lines. What
// stands behind the sum is left of a longer statement.
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

// A folderLock is the hold on a data folder.
type dirLock struct {
	flock *flock.Flock
	path  string
	owner LockInfo
}

// lockFolder takes the folder for this process or says who has it. A short wait
// covers the moment in which [LockOwner] looks.
func lockDir(dir string) (*dirLock, error) {
	path := filepath.Join(dir, lockFile)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	lock := flock.New(path)
	locked, err := lock.TryLockContext(ctx, 10*time.Millisecond)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("lock the data folder %s: %w", dir, err)
	}
	if !locked {
		by, err := readLockInfo(path)
		return nil, errors.Join(&LockedError{Dir: dir, Owner: by}, err)
	}
	l := &dirLock{flock: lock, path: path, owner: LockInfo{PID: os.Getpid()}}
	return l, l.write()
}

// write states the holder in the file, over what stood there, so that a reader
// finds no moment with an empty file.
func (l *dirLock) write() error {
	text := l.owner.text()
	f, err := os.OpenFile(l.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Truncate(int64(len(text))), f.Close())
}

func (l *dirLock) release() error { return l.flock.Unlock() }
