//go:build cluster

package hardtest

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// nodes are three NATS servers of one cluster, in this process.
type nodes struct {
	options [3]*server.Options
	servers [3]*server.Server
}

func startNodes(t *testing.T) *nodes {
	t.Helper()
	n := &nodes{}
	var routes []*url.URL
	for i := range n.options {
		peers := freePort(t)
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", peers)})
		n.options[i] = &server.Options{
			ServerName: fmt.Sprint("node-", i), Host: "127.0.0.1", Port: freePort(t), NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), Cluster: server.ClusterOpts{Name: "hard", Host: "127.0.0.1", Port: peers},
		}
	}
	for i := range n.options {
		n.options[i].Routes = routes
		n.start(t, i)
	}
	t.Cleanup(func() {
		for i := range n.servers {
			n.stop(i)
		}
	})
	return n
}

func (n *nodes) start(t *testing.T, i int) {
	t.Helper()
	s, err := server.NewServer(n.options[i].Clone())
	if err != nil {
		t.Fatal(err)
	}
	n.servers[i] = s
	go s.Start()
}

func (n *nodes) stop(i int) {
	n.servers[i].Shutdown()
	n.servers[i].WaitForShutdown()
}

func (n *nodes) url() string {
	var urls []string
	for _, o := range n.options {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", o.Port))
	}
	return strings.Join(urls, ",")
}

// leader is the node that leads a stream.
func (n *nodes) leader(t *testing.T, stream string) int {
	t.Helper()
	nc, err := nats.Connect(n.url(), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	found := -1
	eventually(t, "a leader of "+stream, func() bool {
		s, err := js.Stream(t.Context(), stream)
		if err != nil || s.CachedInfo().Cluster == nil {
			return false
		}
		for i, o := range n.options {
			if o.ServerName == s.CachedInfo().Cluster.Leader {
				found = i
			}
		}
		return found >= 0
	})
	return found
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// TestLeadersGoDuringAnImport runs two of each role on three nodes with three replicas,
// and ends the node that leads LICENSES, then the one that leads ROWS, while an import is uploaded
// and decided. Every row has one outcome.
func TestLeadersGoDuringAnImport(t *testing.T) {
	n := startNodes(t)
	flags := []string{"--nats-url", n.url(), "--replicas", "3"}
	role := func(args ...string) *process { return launch(t, append(args, flags...)...) }
	projector := role("projector", "--http", "127.0.0.1:0", "--data", t.TempDir())
	role("processor")
	role("processor")
	ingest := role("ingest", "--http", "127.0.0.1:0", "--projector-url", projector.url)
	c := ingest.admin()
	eventually(t, "readiness", func() bool { a, err := c.send("GET", "/readyz", nil); return err == nil && a.status == 200 })

	total := scaled(40_000, 400_000)
	for round, stream := range []string{"LICENSES", "ROWS"} {
		file := rows(fmt.Sprint("round-", round), total)
		release, uploaded := make(chan struct{}), make(chan answer, 1)
		go func() { // half of the file comes after the leader is gone
			a, err := c.stream(&halves{text: file, release: release})
			if err != nil {
				t.Error(err)
			}
			uploaded <- a
		}()
		before := c.upload(t, 200, rows(fmt.Sprint("before-", round), total)).decode(t).JobID
		gone := n.leader(t, stream)
		n.stop(gone)
		began := time.Now()
		close(release)
		a := <-uploaded
		if a.status != 200 {
			t.Fatalf("the upload across the change of leaders: %d %s", a.status, a.body)
		}
		for _, job := range []int{before, a.decode(t).JobID} {
			if r := c.await(t, job); r.Status != "success" || r.Result.Imported != total || r.Result.Total != total {
				t.Errorf("import %d: %+v %+v", job, r, r.Result)
			}
		}
		t.Logf("%s lost its leader; both imports were done %v later", stream, time.Since(began).Round(time.Millisecond))
		n.start(t, gone)
		eventually(t, "the node", func() bool { return n.servers[gone].ReadyForConnections(10 * time.Millisecond) })
	}
	if got := c.get(t, 200, "/api/v1/licenses/?limit=1").decode(t).Count; got != 4*total {
		t.Errorf("%d licenses, want %d", got, 4*total)
	}
}

// halves is a file whose second half waits.
type halves struct {
	text    string
	at      int
	release chan struct{}
}

func (h *halves) Read(p []byte) (int, error) {
	if h.at >= len(h.text)/2 {
		<-h.release
	}
	if h.at == len(h.text) {
		return 0, io.EOF
	}
	n := copy(p, h.text[h.at:])
	h.at += n
	return n, nil
}
