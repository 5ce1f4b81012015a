package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// emptyNode is a process with HTTP, over a pipe, and no roles.
func emptyNode(t *testing.T) (*node, *http.Client) {
	t.Helper()
	pipe := newPipeListener()
	n, err := startNode(t.Context(), settings{http: httpx.ServerConfig{Listener: pipe}})
	if err != nil {
		t.Fatal(err)
	}
	return n, pipe.client()
}

func ask(t *testing.T, c *http.Client, path string) (int, string) {
	t.Helper()
	resp, err := c.Get("http://in-process" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// TestRaiseGOMAXPROCS: the value is the number of cores plus one, however many nodes
// start. An operator's value stays.
func TestRaiseGOMAXPROCS(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	runtime.GOMAXPROCS(raisedProcs - 1)
	t.Setenv("GOMAXPROCS", "2")
	if raiseGOMAXPROCS(); runtime.GOMAXPROCS(0) != raisedProcs-1 {
		t.Errorf("%d, want the operator's", runtime.GOMAXPROCS(0))
	}
	t.Setenv("GOMAXPROCS", "")
	for range 2 {
		if raiseGOMAXPROCS(); runtime.GOMAXPROCS(0) != raisedProcs {
			t.Errorf("%d, want %d", runtime.GOMAXPROCS(0), raisedProcs)
		}
	}
}

// TestStoppedComponent: a component that stops leaves the process alive and not ready.
func TestStoppedComponent(t *testing.T) {
	n, client := emptyNode(t)
	if status, _ := ask(t, client, "/readyz"); status != http.StatusOK {
		t.Errorf("ready: %d", status)
	}
	n.startComponent("views", component{run: func(context.Context) error { return errors.New("bad event at sequence 17") }})
	if err := <-n.failed; !strings.Contains(err.Error(), "views stopped: bad event at sequence 17") {
		t.Error(err)
	}
	status, body := ask(t, client, "/readyz")
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "views: bad event at sequence 17") {
		t.Errorf("readyz: %d %s", status, body)
	}
	if status, _ := ask(t, client, "/healthz"); status != http.StatusOK {
		t.Errorf("healthz: %d", status)
	}
	if err := n.stop(); err != nil {
		t.Error(err)
	}
}

// TestStopsInOrder: work in flight is completed first, then the port is closed, then
// the components end in the reverse order of their start.
func TestStopsInOrder(t *testing.T) {
	n, client := emptyNode(t)
	var order []string
	record := func(step string) { order = append(order, step) }
	for _, name := range []string{"nats", "ingest"} {
		n.startComponent(name, component{
			run: func(ctx context.Context) error { <-ctx.Done(); record("end " + name); return nil },
			finish: func(context.Context) error {
				if status, _ := ask(t, client, "/healthz"); status != http.StatusOK {
					t.Errorf("no HTTP while %s finishes", name)
				}
				record("finish " + name)
				return nil
			},
			close: func() error {
				if _, err := client.Get("http://in-process/healthz"); err == nil {
					t.Errorf("HTTP is served still when %s closes", name)
				}
				record("close " + name)
				return nil
			},
		})
	}
	if err := n.stop(); err != nil {
		t.Error(err)
	}
	want := []string{"finish ingest", "finish nats", "end ingest", "close ingest", "end nats", "close nats"}
	if !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}

// TestStopAnswersUploads: a client that goes on sending an upload that the stop has ended gets its answer, although the
// server reads for a while before it answers.
func TestStopAnswersUploads(t *testing.T) {
	t.Parallel()
	n, client := emptyNode(t)
	router := httpx.NewRouter(httpx.Options{})
	begun := make(chan struct{})
	router.Handle("POST", "/upload", func(_ http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		close(begun)
		<-httpx.Stopping(r.Context())
		return httpx.Unavailable(time.Second, "stopping", "The server is stopping.")
	})
	handler, err := router.Handler()
	if err != nil {
		t.Fatal(err)
	}
	n.handler.set(handler)
	read, write := io.Pipe()
	go func() {
		for err := error(nil); err == nil; time.Sleep(100 * time.Millisecond) {
			_, err = io.WriteString(write, "a,b\n")
		}
	}()
	stopped := make(chan error, 1)
	go func() {
		<-begun
		stopped <- n.stop()
	}()
	answer, err := client.Post("http://in-process/upload", "text/csv", read)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	read.Close()
	if answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered %d", answer.StatusCode)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestStoppingIsNotReady: while uploads in flight come to their end, load balancers are told to send no more.
func TestStoppingIsNotReady(t *testing.T) {
	n, client := emptyNode(t)
	asked := false
	n.startComponent("ingest", component{finish: func(context.Context) error {
		asked = true
		status, body := ask(t, client, "/readyz")
		if status != http.StatusServiceUnavailable || !strings.Contains(body, `"code":"stopping"`) {
			t.Errorf("readyz: %d %s", status, body)
		}
		if status, _ := ask(t, client, "/healthz"); status != http.StatusOK {
			t.Errorf("healthz: %d", status)
		}
		return nil
	}})
	if status, body := ask(t, client, "/readyz"); status != http.StatusOK {
		t.Errorf("readyz before the stop: %d %s", status, body)
	}
	if err := n.stop(); err != nil || !asked {
		t.Error(err, asked)
	}
}

// TestFailedStartLocksNothing: after a start that NATS ended, another process may use the views and the directory.
func TestFailedStartLocksNothing(t *testing.T) {
	dir := t.TempDir()
	_, _, stop := startAll(t, dir, "the-key-of-this-test-1234")
	stop()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	n, err := startNode(t.Context(), settings{
		roles: allRoles, data: dir,
		embedded: &eventlog.ServerConfig{Dir: dir, Port: taken.Addr().(*net.TCPAddr).Port},
	})
	if err == nil {
		_ = n.stop()
		t.Fatal("it started at a port that is taken")
	}
	if claims, err := projector.Held(dir); err != nil || len(claims) != 1 {
		t.Errorf("the views are locked: %v, %v", claims, err)
	}
	startAll(t, dir, "the-key-of-this-test-1234")
}
