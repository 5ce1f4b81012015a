//go:build linux

package robustnesstest

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

// resident is the process's resident memory in MiB.
func (p *process) resident(t *testing.T) int {
	t.Helper()
	var status procfs.ProcStatus
	proc, err := procfs.NewProc(p.cmd.Process.Pid)
	if err == nil {
		status, err = proc.NewStatus()
	}
	if err != nil {
		t.Fatal(err)
	}
	return int(status.VmRSS >> 20)
}

// watched is how one of the addresses for operators answered.
type watched struct {
	path        string
	asked, late int // late: after more than 100 ms
	slowest     time.Duration
}

func (w *watched) ask(t *testing.T, c *http.Client, url string) {
	began := time.Now()
	res, err := c.Get(url + w.path)
	if err != nil {
		t.Errorf("%s: %v", w.path, err)
		return
	}
	res.Body.Close()
	took := time.Since(began)
	w.slowest = max(w.slowest, took)
	if w.asked++; took > 100*time.Millisecond {
		w.late++
	}
}

// check wants each answer in time. How fast on a machine that does other things as well is a
// matter of luck, so the limit is wide; in the long run nine of ten of /healthz come within 100 ms.
func (w *watched) check(t *testing.T) {
	const within = 3 * time.Second
	t.Logf("%s answered %d times, %d of them after more than 100 ms, the slowest after %v", w.path, w.asked, w.late, w.slowest.Round(time.Millisecond))
	if w.slowest > within || w.asked == 0 || long && w.path == "/healthz" && w.late > w.asked/10 {
		t.Errorf("%s took %v", w.path, w.slowest)
	}
}

// watch asks for /healthz and /readyz again and again until the test ends, each over a
// separate connection, and looks at the memory.
func (p *process) watch(t *testing.T, mostMemory int) {
	done, stopped := make(chan struct{}), sync.WaitGroup{}
	most := 0
	all := []*watched{{path: "/healthz"}, {path: "/readyz"}}
	for _, w := range all {
		stopped.Go(func() {
			c := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
			defer c.CloseIdleConnections()
			for {
				select {
				case <-done:
					return
				case <-time.After(20 * time.Millisecond):
				}
				w.ask(t, c, p.url)
				if w == all[0] {
					most = max(most, p.resident(t))
				}
			}
		})
	}
	t.Cleanup(func() {
		close(done)
		stopped.Wait()
		for _, w := range all {
			w.check(t)
		}
		t.Logf("memory up to %d MiB", most)
		if most > mostMemory {
			t.Errorf("the process took %d MiB of memory, more than %d", most, mostMemory)
		}
	})
}
