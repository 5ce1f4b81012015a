//go:build unix

package crashtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// observeHost logs, when the test ends, how the machine was meanwhile. A disk that stands still and
// memory that is used up look like faults of the system that is tested.
func observeHost(t *testing.T) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "synced"))
	if err != nil {
		t.Fatal(err)
	}
	o := &hostState{least: kibibytes("/proc/meminfo", "MemAvailable:")}
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for ticks := time.Tick(time.Second); ; {
			asked := time.Now()
			select {
			case <-done:
				return
			case <-ticks:
				o.sample(file, time.Since(asked)-time.Second)
			}
		}
	})
	t.Cleanup(func() {
		close(done)
		group.Wait()
		_ = file.Close()
		t.Logf("the machine meanwhile: %v", o)
	})
}

// hostState is the worst that was seen of the machine.
type hostState struct {
	syncs    int
	slowest  time.Duration // of all writes of a small file
	slowAt   time.Time
	latest   time.Duration // that this process was called after the time it asked for
	latestAt time.Time
	least    int // KiB of memory that processes could get; 0: not known
	err      error
}

func (o *hostState) sample(file *os.File, late time.Duration) {
	begin := time.Now()
	if late > o.latest {
		o.latest, o.latestAt = late, begin
	}
	_, err := file.WriteAt(make([]byte, 4096), 0)
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		o.err = err
	}
	o.syncs++
	if took := time.Since(begin); took > o.slowest {
		o.slowest, o.slowAt = took, begin
	}
	o.least = min(o.least, kibibytes("/proc/meminfo", "MemAvailable:"))
}

func (o *hostState) String() string {
	s := fmt.Sprintf("the slowest of %d small writes took %v (%s), and this test was woken %v late at most (%s)",
		o.syncs, o.slowest.Round(time.Millisecond), o.slowAt.Format(time.TimeOnly),
		o.latest.Round(time.Millisecond), o.latestAt.Format(time.TimeOnly))
	if o.least > 0 {
		s += fmt.Sprintf("; %d MB of memory were left at least, and this test had %d MB at most",
			o.least>>10, kibibytes("/proc/self/status", "VmHWM:")>>10)
	}
	if o.err != nil {
		s += "; " + o.err.Error()
	}
	return s
}

// kibibytes is a number of a file of Linux's /proc; 0 on other systems.
func kibibytes(path, name string) int {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(content) {
		if fields := bytes.Fields(line); len(fields) > 1 && string(fields[0]) == name {
			n, err := strconv.Atoi(string(fields[1]))
			if err == nil {
				return n
			}
		}
	}
	return 0
}
