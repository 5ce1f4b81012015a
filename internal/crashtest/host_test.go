//go:build unix

package crashtest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

// observeHost logs, when the test ends, how the machine was meanwhile. A disk that stands still and
// memory that is used up look like faults of the system that is tested.
func observeHost(t *testing.T) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "synced"))
	if err != nil {
		t.Fatal(err)
	}
	o := &hostState{least: availableMemory()}
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
	least    uint64 // bytes of memory that processes could get; 0: not known
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
	o.least = min(o.least, availableMemory())
}

func (o *hostState) String() string {
	s := fmt.Sprintf("the slowest of %d small writes took %v (%s), and this test was woken %v late at most (%s)",
		o.syncs, o.slowest.Round(time.Millisecond), o.slowAt.Format(time.TimeOnly),
		o.latest.Round(time.Millisecond), o.latestAt.Format(time.TimeOnly))
	if o.least > 0 {
		s += fmt.Sprintf("; %d MB of memory were left at least, and this test had %d MB at most",
			o.least>>20, peakMemory()>>20)
	}
	if o.err != nil {
		s += "; " + o.err.Error()
	}
	return s
}

// availableMemory is how many bytes of memory processes can get; 0: not known.
func availableMemory() uint64 {
	system, err := procfs.NewDefaultFS()
	if err != nil {
		return 0
	}
	memory, err := system.Meminfo()
	if err != nil || memory.MemAvailableBytes == nil {
		return 0
	}
	return *memory.MemAvailableBytes
}

// peakMemory is how many bytes of memory this process had at most; 0: not known.
func peakMemory() uint64 {
	self, err := procfs.Self()
	if err != nil {
		return 0
	}
	status, err := self.NewStatus()
	if err != nil {
		return 0
	}
	return status.VmHWM
}

// systemLoad is how many threads ran or waited for a core or the disk, on average of the last minute; 0: not known.
func systemLoad() float64 {
	system, err := procfs.NewDefaultFS()
	if err != nil {
		return 0
	}
	average, err := system.LoadAvg()
	if err != nil {
		return 0
	}
	return average.Load1
}
