package eventlog

import (
	"fmt"
	"sync"
	"testing"
)

// TestHoldingIsOfOne reads the lock file while servers take turns: what it tells is of one
// of them, never the process of the one with the address of the one before.
func TestHoldingIsOfOne(t *testing.T) {
	l, err := lockDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.release()
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() {
		for pid := range 4000 {
			for _, by := range []LockInfo{
				{PID: pid},
				{PID: pid, NATS: "nats://127.0.0.1:4222", HTTP: fmt.Sprintf("http://127.0.0.1:%05d", pid)},
			} {
				l.owner = by
				if err := l.write(); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for range 10_000 {
		by, err := readLockInfo(l.path)
		if err != nil {
			t.Fatal(err)
		}
		if by.HTTP != "" && by.HTTP != fmt.Sprintf("http://127.0.0.1:%05d", by.PID) {
			t.Fatalf("the file tells of two holders: %s", by)
		}
	}
}
