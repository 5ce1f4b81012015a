//go:build linux

package hardtest

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// resident is the process's resident memory in MiB.
func (p *process) resident(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

// watch asks for /healthz again and again until the test ends, over a connection of
// its own, and looks at the memory. Each answer must come, and in time; how fast on a machine
// that does other things as well is a matter of luck, so the limit is wide; in the long run
// nineteen of twenty come within 100 ms.
func (p *process) watch(t *testing.T, mostMemory int) {
	const within = 3 * time.Second
	done, stopped := make(chan struct{}), sync.WaitGroup{}
	var asked, late, most int
	var slowest time.Duration
	c := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	stopped.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
			began := time.Now()
			res, err := c.Get(p.url + "/healthz")
			if err != nil {
				t.Errorf("/healthz: %v", err)
				return
			}
			res.Body.Close()
			took := time.Since(began)
			slowest, most = max(slowest, took), max(most, p.resident(t))
			if asked++; took > 100*time.Millisecond {
				late++
			}
		}
	})
	t.Cleanup(func() {
		close(done)
		stopped.Wait()
		c.CloseIdleConnections()
		t.Logf("/healthz answered %d times, %d of them after more than 100 ms, the slowest after %v; memory up to %d MiB",
			asked, late, slowest.Round(time.Millisecond), most)
		if slowest > within || asked == 0 || long && late > asked/20 {
			t.Errorf("/healthz took %v", slowest)
		}
		if most > mostMemory {
			t.Errorf("the process took %d MiB of memory, more than %d", most, mostMemory)
		}
	})
}
