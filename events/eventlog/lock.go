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

// A Holding says which process runs a server on a data folder.
type Holding struct {
	PID  int
	NATS string // where its NATS server listens; empty when only in its own process
	HTTP string // where it answers HTTP; empty when it does not (yet)
}

func (h Holding) String() string {
	s := fmt.Sprintf("process %d", h.PID)
	if h.HTTP != "" {
		s += ", " + h.HTTP
	}
	if h.NATS != "" {
		s += ", " + h.NATS
	}
	return s
}

// A HeldError says that another server has the data folder.
type HeldError struct {
	Dir string
	By  Holding
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("the data folder %s is in use by %s", e.Dir, e.By)
}

// Holder tells whether a server runs on the data folder, and who it is.
func Holder(dir string) (by Holding, held bool, err error) {
	path := filepath.Join(dir, lockFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return Holding{}, false, nil
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock()
	if err != nil {
		return Holding{}, false, fmt.Errorf("look at the lock of %s: %w", dir, err)
	}
	if free {
		return Holding{}, false, lock.Unlock()
	}
	by, err = readHolding(path)
	return by, true, err
}

// readHolding reads what the holder states. A read beside a write may begin with the
// one statement and end with the other, so it is made again until its sum is right.
func readHolding(path string) (Holding, error) {
	for range 100 {
		text, err := os.ReadFile(path)
		if err != nil {
			return Holding{}, err
		}
		if h, whole := parseHolding(string(text)); whole {
			return h, nil
		}
		time.Sleep(time.Millisecond)
	}
	return Holding{}, fmt.Errorf("%s does not say who has the data folder", path)
}

// text states the holder: the process, where it listens, and a sum of these lines. What
// stands behind the sum is left of a longer statement.
func (h Holding) text() string {
	lines := fmt.Sprintf("pid %d\nnats %s\nhttp %s\n", h.PID, h.NATS, h.HTTP)
	return lines + sumLine(lines)
}

func sumLine(lines string) string {
	return fmt.Sprintf("sum %08x\n", crc32.ChecksumIEEE([]byte(lines)))
}

func parseHolding(text string) (h Holding, whole bool) {
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
type folderLock struct {
	flock *flock.Flock
	path  string
	by    Holding
}

// lockFolder takes the folder for this process or says who has it. A short wait
// covers the moment in which [Holder] looks.
func lockFolder(dir string) (*folderLock, error) {
	path := filepath.Join(dir, lockFile)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	lock := flock.New(path)
	locked, err := lock.TryLockContext(ctx, 10*time.Millisecond)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("lock the data folder %s: %w", dir, err)
	}
	if !locked {
		by, err := readHolding(path)
		return nil, errors.Join(&HeldError{Dir: dir, By: by}, err)
	}
	l := &folderLock{flock: lock, path: path, by: Holding{PID: os.Getpid()}}
	return l, l.write()
}

// write states the holder in the file, over what stood there, so that a reader
// finds no moment with an empty file.
func (l *folderLock) write() error {
	text := l.by.text()
	f, err := os.OpenFile(l.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Truncate(int64(len(text))), f.Close())
}

func (l *folderLock) release() error { return l.flock.Unlock() }
