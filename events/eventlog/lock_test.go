package eventlog

import (
	"fmt"
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
