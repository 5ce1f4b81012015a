package eventlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestLockInfoIsConsistent reads the lock file while it is overwritten: the process and the URL are
// always of the same write.
func TestLockInfoIsConsistent(t *testing.T) {
	l, err := lockDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.release()
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() {
		for pid := range 4000 {
			for _, owner := range []LockInfo{
				{PID: pid},
				{PID: pid, NATS: "nats://127.0.0.1:4222", HTTP: fmt.Sprintf("http://127.0.0.1:%05d", pid)},
			} {
				l.owner = owner
				if err := l.write(); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for range 10_000 {
		owner, err := readLockInfo(l.path)
		if err != nil {
			t.Fatal(err)
		}
		if owner.HTTP != "" && owner.HTTP != fmt.Sprintf("http://127.0.0.1:%05d", owner.PID) {
			t.Fatalf("the file mixes two owners: %s", owner)
		}
	}
}

// TestALockFileThatWasDeletedStillLocks: without its lock file a directory is in use all the same.
func TestALockFileThatWasDeletedStillLocks(t *testing.T) {
	dir := t.TempDir()
	l, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the refused server makes the file again
		if err := os.Remove(filepath.Join(dir, lockFile)); err != nil {
			t.Fatal(err)
		}
		if owner, held, err := LockOwner(dir); !held || err != nil || !strings.Contains(owner.String(), "was deleted") {
			t.Errorf("held %v by %s, %v", held, owner, err)
		}
		if _, err := lockDir(dir); !isLocked(err) {
			t.Fatalf("locked twice: %v", err)
		}
		if owner, held, err := LockOwner(dir); !held || err != nil {
			t.Errorf("held %v by %s, %v", held, owner, err)
		}
	}
	if err := l.release(); err != nil {
		t.Fatal(err)
	}
	again, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.release(); err != nil {
		t.Fatal(err)
	}
}

func isLocked(err error) bool {
	_, locked := errors.AsType[*LockedError](err)
	return locked
}
