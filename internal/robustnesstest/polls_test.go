//go:build linux

package robustnesstest

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// polls holds the answers that many pollers got.
type polls struct {
	sync.Mutex
	answers map[int]int // by status
	took    time.Duration
	slowest time.Duration // of a pipeline of requests
}

func (p *polls) perSecond() int { return int(float64(p.answers[200]) / p.took.Seconds()) }

// pipeline is how many requests a poller sends at once. So it costs little itself: what
// is measured is the server.
const pipeline = 16

// pollRaw asks for an address over so many connections, as fast as the answers come, until
// the time is over and enough says so, too.
func (p *process) pollRaw(t *testing.T, path string, connections int, least time.Duration, enough func() bool) *polls {
	t.Helper()
	requests := []byte(strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: h\r\nAuthorization: Api-Key "+adminKey+"\r\n\r\n", pipeline))
	all := &polls{answers: map[int]int{}}
	began := time.Now()
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range connections {
		conn := p.dial(t)
		group.Go(func() {
			in := bufio.NewReaderSize(conn, 64<<10)
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := all.ask(conn, in, requests); err != nil {
					t.Errorf("a poll: %v", err)
					return
				}
			}
		})
	}
	for time.Since(began) < least || !enough() {
		time.Sleep(20 * time.Millisecond)
	}
	close(stop)
	group.Wait()
	all.took = time.Since(began)
	return all
}

// ask sends one pipeline of requests and reads its answers.
func (p *polls) ask(conn net.Conn, in *bufio.Reader, requests []byte) error {
	began := time.Now()
	_ = conn.SetDeadline(began.Add(patience))
	if _, err := conn.Write(requests); err != nil {
		return err
	}
	statuses := map[int]int{}
	for range pipeline {
		status, err := skipAnswer(in)
		if err != nil {
			return err
		}
		statuses[status]++
	}
	p.Lock()
	defer p.Unlock()
	p.slowest = max(p.slowest, time.Since(began))
	for status, n := range statuses {
		p.answers[status] += n
	}
	return nil
}

// skipAnswer reads one answer and gives its status. A refusal has to say when to come back.
func skipAnswer(in *bufio.Reader) (status int, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if _, err := fmt.Sscanf(string(line), "HTTP/1.1 %d", &status); err != nil {
		return 0, fmt.Errorf("%q: %w", line, err)
	}
	length, again := 0, false
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return 0, err
		}
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		switch string(name) {
		case "":
			if status != 200 && !again {
				return 0, fmt.Errorf("%d without Retry-After", status)
			}
			_, err = in.Discard(length)
			return status, err
		case "Content-Length":
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, err
			}
		case "Retry-After":
			again = true
		}
	}
}

// TestPolls: results are asked for as fast as the server answers, while an import is uploaded and
// decided. Memory is bounded, /healthz answers, the import comes to its end, and who is not
// answered is told when to come back.
func TestPolls(t *testing.T) {
	if !long { // then it is alone, since its numbers count
		t.Parallel()
	}
	p := serve(t)
	c := p.admin()
	done := c.imports(t, rows("done", 50)+strings.Repeat("bad,psc,too much\n", 100))
	p.watch(t, scaled(700, 1100))
	path := fmt.Sprintf("%s%d/", resultsPath, done.ID)
	idle := p.pollRaw(t, path, 8, time.Second, func() bool { return true })
	t.Logf("nothing else to do: %d polls a second of a result with 100 rejected rows, the slowest %v", idle.perSecond(), idle.slowest)

	n := scaled(20_000, 200_000)
	uploaded := make(chan answer, 1)
	go func() {
		a, err := c.post(rows("polled", n))
		if err != nil {
			t.Error(err)
		}
		uploaded <- a
	}()
	running := 0
	eventually(t, "the import", func() bool {
		running = max(running, c.get(t, 200, resultsPath).decode(t).Results[0].ID)
		return running > done.ID
	})
	path = fmt.Sprintf("%s%d/", resultsPath, running)
	var last answer
	busy := p.pollRaw(t, path, scaled(8, 64), time.Second, func() bool {
		a, err := c.send("GET", path, nil)
		last = a
		return err == nil && a.status == 200 && a.decode(t).FinishedAt != nil
	})
	t.Logf("during an import of %d rows: %d polls a second for %v, the slowest %v; %v", n, busy.perSecond(), busy.took, busy.slowest, busy.answers)
	if a := <-uploaded; a.status != 200 {
		t.Errorf("the upload: %d %s", a.status, a.body)
	}
	if r := last.decode(t); r.Status != "success" || r.Result.Imported != n {
		t.Errorf("the import: %+v %+v", r, r.Result)
	}
	for status := range busy.answers {
		if status != 200 && status != 503 && status != 429 {
			t.Errorf("%d polls were answered %d", busy.answers[status], status)
		}
	}
	if least := scaled(1, 10_000); busy.perSecond() < least {
		t.Errorf("%d polls a second were answered, want %d", busy.perSecond(), least)
	}
}
