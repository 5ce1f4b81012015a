package robustnesstest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestStopInTheMiddle: SIGTERM while an upload comes in, an import is processed and
// event streams are open. The upload gets the time to end, the streams end at once,
// the process says 0, and the next one finishes what was acknowledged.
func TestStopInTheMiddle(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data)
	c := p.admin()
	release, uploaded := make(chan struct{}), make(chan answer, 1)
	go func() {
		a, err := c.stream(&opening{first: strings.NewReader(rows("late", 3_000)), release: release})
		if err != nil {
			t.Error(err)
		}
		uploaded <- a
	}()
	eventually(t, "the upload", func() bool { return c.get(t, 200, resultsPath).decode(t).Count == 1 })
	big := c.upload(t, 200, rows("big", scaled(40_000, 1_000_000))).decode(t).JobID
	streams := p.openStreams(t, scaled(300, 3000), 1)

	began := time.Now()
	p.signal(t, syscall.SIGTERM)
	eventually(t, "an end to new uploads", func() bool {
		a, err := c.post(rows("new", 1))
		return err != nil || a.status == 503
	})
	close(release)
	if a := <-uploaded; a.status != 200 {
		t.Errorf("the upload in flight: %d %s", a.status, a.body)
	}
	p.awaitExit(t, 35*time.Second)
	for _, stream := range streams {
		if err := endsWhole(stream); err != nil {
			t.Fatalf("an event stream: %v", err)
		}
	}
	t.Logf("stopped after %v", time.Since(began).Round(time.Millisecond))
	if time.Since(began) > 20*time.Second {
		t.Error("that took too long: nothing was left to wait for")
	}

	c = serveOn(t, data).admin()
	for job, want := range map[int]int{1: 3_000, big: scaled(40_000, 1_000_000)} {
		if r := c.await(t, job); r.Status != "success" || r.Result.Imported != want {
			t.Errorf("import %d: %+v %+v", job, r, r.Result)
		}
	}
}

// openStreams opens event streams of an import, and reads the head of each.
func (p *process) openStreams(t *testing.T, n, job int) []*http.Response {
	t.Helper()
	streams := make([]*http.Response, n)
	for i := range streams {
		conn := p.dial(t)
		fmt.Fprintf(conn, "GET %s%d/events/ HTTP/1.1\r\nHost: h\r\nAuthorization: Api-Key %s\r\n\r\n", resultsPath, job, adminKey)
		_ = conn.SetReadDeadline(time.Now().Add(2 * patience))
		res, err := http.ReadResponse(bufio.NewReaderSize(conn, 1<<10), nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("an event stream: %v %v", res, err)
		}
		streams[i] = res
	}
	return streams
}

// endsWhole reads an answer to its end, which must not look like a connection that broke.
func endsWhole(stream *http.Response) error {
	text, err := io.ReadAll(stream.Body)
	if err == nil && !strings.Contains(string(text), "event: progress\n") {
		err = fmt.Errorf("without an event: %q", text)
	}
	return err
}

// TestStopRebuild: SIGTERM while the views are rebuilt leaves the old views.
func TestStopRebuild(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data)
	p.admin().imports(t, rows("r", scaled(30_000, 300_000)))
	before := p.admin().get(t, 200, "/api/v1/licenses/?limit=3").body
	p.stop(t)

	rebuild := exec.Command(program, "rebuild", "--data", data)
	rebuild.Env = environment()
	if err := rebuild.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the beginning of the rebuild", func() bool {
		_, err := os.Stat(filepath.Join(data, "views.bolt.new"))
		return err == nil
	})
	if err := rebuild.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err := rebuild.Wait()
	if err == nil {
		t.Log("the rebuild was done before the signal came")
	}
	t.Logf("the rebuild ended after %v: %v", time.Since(began).Round(time.Millisecond), err)
	if time.Since(began) > 10*time.Second {
		t.Error("the rebuild does not stop")
	}
	p = serveOn(t, data)
	eventually(t, "readiness", func() bool { a, err := p.admin().send("GET", "/readyz", nil); return err == nil && a.status == 200 })
	after := p.admin().get(t, 200, "/api/v1/licenses/?limit=3").body
	if normal := strings.ReplaceAll(string(after), p.url, ""); !sameBut(string(before), normal) {
		t.Errorf("the views differ:\n%s\n%s", before, after)
	}
	if strings.Contains(p.logs.String(), "folded again") {
		t.Errorf("the old views are gone: %s", p.logs.String())
	}
}

// sameBut compares two lists but for the address in them.
func sameBut(a, b string) bool {
	_, a, _ = strings.Cut(a, `"results"`)
	_, b, _ = strings.Cut(b, `"results"`)
	return a != "" && a == b
}

// TestRollingRestart restarts every role in turn, NATS as well, while an import runs and an
// upload is under way: both come to their end, and nobody is refused.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	s := startSplit(t)
	second := launch(t, s.nats.with("processor")...)
	n := scaled(30_000, 1_000_000)
	job := s.ingest.admin().upload(t, 200, rows("roll", n)).decode(t).JobID
	var group sync.WaitGroup
	again := func(p **process) {
		args := (*p).cmd.Args[1:]
		(*p).stop(t)
		*p = launch(t, args...)
	}
	group.Go(func() { again(&s.processor); again(&second) })
	group.Go(func() { again(&s.projector) })
	group.Wait()

	release, uploaded := make(chan struct{}), make(chan answer, 1)
	go func() {
		file := rows("across", 3000)
		half := len(file) / 2
		a, err := s.ingest.admin().stream(io.MultiReader(&opening{first: strings.NewReader(file[:half]), release: release}, strings.NewReader(file[half:])))
		if err != nil {
			t.Error(err)
		}
		uploaded <- a
	}()
	eventually(t, "the upload", func() bool {
		a, err := s.projector.admin().send("GET", resultsPath, nil)
		return err == nil && a.status == 200 && a.decode(t).Count == 2
	})
	port := s.nats.nats[strings.LastIndex(s.nats.nats, ":")+1:]
	s.nats.cmd.Args[slices.Index(s.nats.cmd.Args, "--nats-port")+1] = port // where the others look for it
	again(&s.nats)
	close(release)
	a := <-uploaded
	if a.status != 200 {
		t.Fatalf("the upload across the restart of NATS: %d %s", a.status, a.body)
	}
	again(&s.ingest)
	if r := s.projector.admin().await(t, a.decode(t).JobID); r.Status != "success" || r.Result.Imported != 3000 {
		t.Errorf("the upload across the restart of NATS: %+v %+v", r, r.Result)
	}
	if r := s.projector.admin().await(t, job); r.Status != "success" || r.Result.Imported != n {
		t.Errorf("the import: %+v %+v", r, r.Result)
	}
	if r := s.projector.admin().await(t, s.ingest.admin().upload(t, 200, rows("after", 10)).decode(t).JobID); r.Status != "success" {
		t.Errorf("an import afterwards: %+v", r)
	}
}

// TestStopWhileFolding: SIGTERM while a server folds its views from nothing ends it soon and
// in order; the next one goes on and has everything.
func TestStopWhileFolding(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	n := scaled(30_000, 300_000)
	p := serveOn(t, data)
	p.admin().imports(t, rows("f", n))
	p.stop(t)
	if err := os.Remove(filepath.Join(data, "views.bolt")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		p = serveOn(t, data)
		if took := p.stop(t); took > 10*time.Second {
			t.Errorf("it stopped after %v", took)
		}
	}
	p = serveOn(t, data)
	eventually(t, "readiness", func() bool { a, err := p.admin().send("GET", "/readyz", nil); return err == nil && a.status == 200 })
	if got := p.admin().get(t, 200, "/api/v1/licenses/?limit=1").decode(t).Count; got != n {
		t.Errorf("%d licenses, want %d", got, n)
	}
}
