//go:build unix

package crashtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/internal/freeport"
)

// newClusterSystem starts two processors and one of each other role on a cluster of NATS servers. An upload that stands
// still for so long is given up.
func newClusterSystem(t *testing.T, abandoned time.Duration) *system {
	t.Helper()
	cluster := eventlogtest.StartCluster(t)
	api, reads, url := freeport.Address(), freeport.Address(), cluster.URL()
	s := &system{
		data: filepath.Join(t.TempDir(), "views"), url: url, cluster: cluster,
		client: newClient("http://" + api), reads: newClient("http://" + reads),
	}
	role := func(name string, args ...string) *process {
		p := newProcess(t, name, append(args, "--nats-url", url, "--replicas", "3")...)
		must(t, p.start())
		return p
	}
	s.projector = role("projector", "projector", "--http", reads, "--data", s.data)
	s.ingest = role("ingest", "ingest", "--http", api, "--projector-url", "http://"+reads, "--abandoned-after", abandoned.String())
	for i, name := range []string{"processor-1", "processor-2"} {
		s.processors[i] = role(name, "processor")
	}
	must(t, s.ready())
	cluster.WaitForReplicas()
	return s
}

// trouble strikes one node of a cluster. The repair comes once the others go on without that node.
type trouble struct {
	name   string
	strike func(*eventlogtest.Cluster) (node int)
	repair func(c *eventlogtest.Cluster, node int)
}

var troubles = []trouble{
	{"the leader of LICENSES is killed", killLeader(events.LicensesStream), (*eventlogtest.Cluster).Start},
	{"the leader of ROWS is killed", killLeader(events.RowsStream), (*eventlogtest.Cluster).Start},
	{"a follower loses its disk", killFollower, wipeAndStart},
	{"the leader of LICENSES is cut off the network", cutLeader(events.LicensesStream), (*eventlogtest.Cluster).Heal},
}

func killLeader(stream string) func(*eventlogtest.Cluster) int {
	return func(c *eventlogtest.Cluster) int {
		node := c.Leader(stream)
		c.Kill(node)
		return node
	}
}

func killFollower(c *eventlogtest.Cluster) int {
	node := c.Follower()
	c.Kill(node)
	return node
}

func cutLeader(stream string) func(*eventlogtest.Cluster) int {
	return func(c *eventlogtest.Cluster) int {
		node := c.Leader(stream)
		c.Cut(node)
		return node
	}
}

func cutFollower(c *eventlogtest.Cluster) int {
	node := c.Follower()
	c.Cut(node)
	return node
}

// wipeAndStart starts a node with an empty disk. The others have elected leaders and hold the same before:
// with an empty node, one that lags could be elected.
func wipeAndStart(c *eventlogtest.Cluster, node int) {
	for _, stream := range []string{events.LicensesStream, events.RowsStream} {
		c.LeaderExcept(node, stream)
	}
	c.WaitForCurrent(node)
	c.Wipe(node)
	c.Start(node)
}

// TestClusterInTrouble imports on three NATS nodes with three replicas. Each trouble
// comes while one file is decided and another one is uploaded. Every row that was
// acknowledged has one outcome, and all replicas hold the same in the end.
func TestClusterInTrouble(t *testing.T) {
	t.Parallel()
	s := newClusterSystem(t, 10*time.Second)
	c := s.cluster
	refusals := eventlogtest.WatchRejects(t, c.URL())
	var files []*file
	rows := number(t, "CLUSTER_ROWS", 10000)
	for i, trouble := range troubles {
		f := shape{name: fmt.Sprintf("uploaded-%d", i), rows: rows / 2, shared: 5, pool: 500, seed: uint64(i)}.generate()
		other := shape{name: fmt.Sprintf("decided-%d", i), rows: rows, shared: 5, pool: 500, seed: uint64(100 + i)}.generate()
		files = append(files, f, other)
		began := time.Now()
		s.importDuring(t, c, trouble, f, other)
		t.Logf("%s: whole again after %v", trouble.name, time.Since(began).Round(time.Millisecond))
	}
	report := verify(t, c.URL(), s.client, files...)
	if want := len(troubles) * (rows + rows/2); report.Acknowledged != want {
		t.Errorf("%d rows were acknowledged, want all %d", report.Acknowledged, want)
	}
	s.rebuilt(t)
	t.Logf("refusals by the server's codes: %v", refusals)
}

// importDuring strikes when half of one file is uploaded and another one is being decided. The
// upload is tried until it is acknowledged.
func (s *system) importDuring(t *testing.T, c *eventlogtest.Cluster, trouble trouble, f, other *file) {
	t.Helper()
	half, struck, uploaded := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	a := attempt{key: f.Name, at: len(f.text) / 2}
	a.spring = func() {
		a.spring = nil
		close(half)
		<-struck
	}
	go func() {
		uploaded <- waitFor("the answer to "+f.Name, func() error { return s.client.send(t.Context(), f, a) })
	}()
	<-half
	must(t, waitFor("the answer to "+other.Name, func() error { return s.client.send(t.Context(), other, attempt{key: other.Name}) }))
	must(t, decided(s.url, other.Job, 1))
	node := trouble.strike(c)
	close(struck)
	for _, stream := range []string{events.LicensesStream, events.RowsStream} {
		c.LeaderExcept(node, stream)
	}
	if shown, err := s.reads.result(other.Job); err == nil && shown.Result != nil {
		t.Logf("%d of %d rows are shown as decided by the time the others go on", shown.Result.Total, len(other.Rows))
	}
	trouble.repair(c, node)
	c.WaitForReplicas()
	must(t, <-uploaded)
}

// TestChangesInAClusterInTrouble has clients change the same licenses on three NATS nodes while one node
// after the other is in trouble and the processors are killed.
func TestChangesInAClusterInTrouble(t *testing.T) {
	t.Parallel()
	c := newChangeChaosOn(t, newClusterSystem(t, 10*time.Second))
	cluster := c.cluster
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var clients sync.WaitGroup
	for i := range 3 {
		clients.Go(func() { c.change(ctx, i, rand.New(rand.NewPCG(c.seed, uint64(300+i)))) })
	}
	for i, trouble := range troubles {
		before := c.acknowledged()
		must(t, waitFor("an import before the trouble", func() error { return c.acknowledgedMore(before) }))
		node := trouble.strike(cluster)
		for _, stream := range []string{events.LicensesStream, events.RowsStream} {
			cluster.LeaderExcept(node, stream)
		}
		must(t, c.processors[i%2].restartByKill())
		trouble.repair(cluster, node)
		cluster.WaitForReplicas()
	}
	stop()
	clients.Wait()
	for _, err := range c.faults {
		t.Error(err)
	}
	t.Logf("%d uploads, %d requests, refused %v", len(c.uploads), c.attempts, c.refused)
	c.verifyChanges(t)
	c.rebuilt(t, c.featureFiles()...)
}

// acknowledged is how many uploads were acknowledged.
func (c *changeChaos) acknowledged() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.uploads {
		if u.Acknowledged {
			n++
		}
	}
	return n
}

func (c *changeChaos) acknowledgedMore(before int) error {
	if n := c.acknowledged(); n <= before {
		return fmt.Errorf("%d uploads were acknowledged", n)
	}
	return nil
}
