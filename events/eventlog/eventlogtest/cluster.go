package eventlogtest

import (
	"fmt"
	"math"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/freeport"

	"github.com/nats-io/nats-server/v2/server"
)

// Nodes is the number of servers of a [Cluster].
const Nodes = 3

// waitTimeout bounds the wait for an election or for a replica to catch up.
const waitTimeout = 3 * time.Minute

// A Cluster is three NATS servers in this process, configured as an operator would. Their
// connections to each other go through proxies, which a test can cut. One goroutine calls its
// methods.
type Cluster struct {
	t       testing.TB
	options [Nodes]*server.Options
	servers [Nodes]*server.Server // nil: not running
	logs    [Nodes]*serverLog
	proxies [Nodes][Nodes]*proxy // by dialing node and target
}

// StartCluster starts three servers on new directories. They end with the test.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for i := range Nodes {
		c.logs[i] = &serverLog{}
		c.options[i] = &server.Options{
			ServerName: fmt.Sprint("node-", i), Host: "127.0.0.1", Port: freeport.Port(), NoSigs: true,
			JetStream: true, StoreDir: t.TempDir(),
			Cluster: server.ClusterOpts{
				Name: "test", Host: "127.0.0.1", Port: freeport.Port(),
				Advertise: "127.0.0.1:1", // unreachable: servers connect through the proxies only
			},
		}
	}
	for i := range Nodes {
		for j := range Nodes {
			if i != j {
				c.proxies[i][j] = newProxy(t, fmt.Sprintf("127.0.0.1:%d", c.options[j].Cluster.Port))
				c.options[i].Routes = append(c.options[i].Routes, &url.URL{Scheme: "nats", Host: c.proxies[i][j].address})
			}
		}
	}
	t.Cleanup(func() {
		for i := range Nodes {
			c.stop(i)
		}
	})
	for i := range Nodes {
		c.Start(i)
	}
	c.waitFor("a cluster of three", c.formed)
	return c
}

// URL has the addresses of all servers.
func (c *Cluster) URL() string { return c.URLExcept(-1) }

// URLExcept has the addresses of all servers except one.
func (c *Cluster) URLExcept(node int) string {
	var urls []string
	for i := range Nodes {
		if i != node {
			urls = append(urls, c.NodeURL(i))
		}
	}
	return strings.Join(urls, ",")
}

// NodeURL has the address of one server.
func (c *Cluster) NodeURL(node int) string {
	return fmt.Sprintf("nats://127.0.0.1:%d", c.options[node].Port)
}

// Start starts a server that was killed.
func (c *Cluster) Start(node int) {
	c.t.Helper()
	s, err := server.NewServer(c.options[node].Clone())
	if err != nil {
		c.t.Fatal(err)
	}
	c.Heal(node)
	s.SetLoggerV2(c.logs[node], false, false, false)
	c.servers[node] = s
	go s.Start()
	if !s.ReadyForConnections(waitTimeout) { // before, it would say of streams what one that is alone does
		c.t.Fatalf("node %d does not start", node)
	}
}

// Kill stops a server. Its connections are cut first, so the others get no notice.
func (c *Cluster) Kill(node int) {
	c.Cut(node)
	c.stop(node)
}

func (c *Cluster) stop(node int) {
	if s := c.servers[node]; s != nil {
		s.Shutdown()
		s.WaitForShutdown()
		c.servers[node] = nil
	}
}

// Wipe deletes the data of a server that was killed.
func (c *Cluster) Wipe(node int) {
	c.t.Helper()
	dir := c.options[node].StoreDir
	if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 || c.servers[node] != nil {
		c.t.Fatalf("node %d cannot be wiped: it runs, or has stored nothing: %v", node, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		c.t.Fatal(err)
	}
}

// Cut partitions a server from the others. Clients still reach it.
func (c *Cluster) Cut(node int) { c.eachProxy(node, (*proxy).cut) }

// Heal ends the partition.
func (c *Cluster) Heal(node int) { c.eachProxy(node, (*proxy).heal) }

func (c *Cluster) eachProxy(node int, f func(*proxy)) {
	for other := range Nodes {
		if other != node {
			f(c.proxies[node][other])
			f(c.proxies[other][node])
		}
	}
}

// formed reports whether the servers have formed a cluster with one leader.
func (c *Cluster) formed() bool {
	leaders := 0
	for _, s := range c.servers {
		if !s.JetStreamIsCurrent() {
			return false
		}
		if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == Nodes {
			leaders++
		}
	}
	return leaders == 1
}

// Leader waits until a stream has one leader, and returns its node.
func (c *Cluster) Leader(stream string) int {
	c.t.Helper()
	return c.LeaderExcept(-1, stream)
}

// LeaderExcept waits until one node other than the given one leads a stream. A partitioned node may
// still consider itself the leader.
func (c *Cluster) LeaderExcept(node int, stream string) int {
	c.t.Helper()
	leader := -1
	c.waitFor("a leader of "+stream, func() bool {
		leading := 0
		for i, s := range c.servers {
			if i != node && s != nil && s.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
				leader = i
				leading++
			}
		}
		return leading == 1
	})
	return leader
}

// Follower returns a node that leads neither stream.
func (c *Cluster) Follower() int {
	c.t.Helper()
	a, b := c.Leader(events.LicensesStream), c.Leader(events.RowsStream)
	for i := range Nodes {
		if i != a && i != b {
			return i
		}
	}
	panic("three nodes, and two lead")
}

// StepDown makes a stream elect another leader.
func (c *Cluster) StepDown(stream string) {
	c.t.Helper()
	if err := c.servers[c.Leader(stream)].JetStreamStepdownStream(server.DEFAULT_GLOBAL_ACCOUNT, stream); err != nil {
		c.t.Fatal(err)
	}
}

// WaitForReplicas waits until every server runs, has all messages of all streams, and follows the same leaders as the
// others. From then on any one of them may fail.
func (c *Cluster) WaitForReplicas() {
	c.t.Helper()
	c.waitFor("three current replicas", func() bool {
		first := c.contents(0)
		for i := 1; i < Nodes; i++ {
			if first == "" || c.contents(i) != first {
				return false
			}
		}
		return true
	})
}

// WaitForCurrent waits until every server except the given one (-1: none) runs and has all messages that
// any of them had at the time of the call. Meanwhile, clients may write.
func (c *Cluster) WaitForCurrent(except int) {
	c.t.Helper()
	want := map[string]uint64{}
	for i := range Nodes {
		for stream, last := range c.lastSeqs(i) {
			want[stream] = max(want[stream], last)
		}
	}
	c.waitFor("replicas that have caught up", func() bool {
		for i, s := range c.servers {
			if i != except && (s == nil || !s.JetStreamIsCurrent() || !c.has(i, want)) {
				return false
			}
		}
		return true
	})
}

// WaitForConsumer waits until one node has a consumer of LICENSES, whose state is not replicated.
func (c *Cluster) WaitForConsumer(name string) {
	c.t.Helper()
	c.waitFor("one consumer "+name, func() bool {
		nodes := 0
		for i := range Nodes {
			for _, stream := range c.describe(i, server.JSzOptions{Consumer: true}) {
				for _, consumer := range stream.Consumer {
					if stream.Name == events.LicensesStream && consumer.Name == name {
						nodes++
					}
				}
			}
		}
		return nodes == 1
	})
}

func (c *Cluster) has(node int, want map[string]uint64) bool {
	got := c.lastSeqs(node)
	for stream, last := range want {
		if got[stream] < last || !c.servers[node].JetStreamIsStreamCurrent(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
			return false
		}
	}
	return true
}

// lastSeqs returns the last sequence of each stream that a node has.
func (c *Cluster) lastSeqs(node int) map[string]uint64 {
	last := map[string]uint64{}
	for _, stream := range c.streams(node) {
		last[stream.Name] = stream.State.LastSeq
	}
	return last
}

// leastStored is the sum of the last sequences that the slowest node has.
func (c *Cluster) leastStored() uint64 {
	least := uint64(math.MaxUint64)
	for i := range Nodes {
		var sum uint64
		for _, last := range c.lastSeqs(i) {
			sum += last
		}
		least = min(least, sum)
	}
	return least
}

// streams returns what a node says of its streams; none: it does not run.
func (c *Cluster) streams(node int) []server.StreamDetail {
	return c.describe(node, server.JSzOptions{})
}

// describe is streams with more options of what the node says.
func (c *Cluster) describe(node int, options server.JSzOptions) (streams []server.StreamDetail) {
	s := c.servers[node]
	if s == nil {
		return nil
	}
	options.Accounts, options.Streams = true, true
	info, err := s.Jsz(&options)
	if err != nil || len(info.AccountDetails) != 1 {
		return nil
	}
	for _, stream := range info.AccountDetails[0].Streams {
		if stream.Name != "KV_"+eventlog.Sessions && stream.Name != "KV_"+eventlog.LastUsed {
			streams = append(streams, stream) // nothing depends on the others
		}
	}
	return streams
}

// contents describes a node's messages of each stream, and the leaders that it follows; empty: the node is not current.
//
// A node that was cut off is current by its own word, without any leader. It has become a candidate of a later term
// meanwhile, so the others lose their leader, too, once they hear of it: only nodes that agree on one will keep it.
func (c *Cluster) contents(node int) string {
	s := c.servers[node]
	if s == nil || !s.JetStreamIsCurrent() {
		return ""
	}
	info, err := s.Jsz(nil)
	streams := c.streams(node)
	if err != nil || info.Meta == nil || info.Meta.Leader == "" || len(streams) == 0 {
		return ""
	}
	held := map[string]string{"all streams": "led by " + info.Meta.Leader}
	for _, stream := range streams {
		leader := stream.Cluster.Leader
		if leader == "" || !s.JetStreamIsStreamCurrent(server.DEFAULT_GLOBAL_ACCOUNT, stream.Name) {
			return ""
		}
		held[stream.Name] = fmt.Sprintf("%d messages to %d, led by %s", stream.State.Msgs, stream.State.LastSeq, leader)
	}
	return fmt.Sprint(held) // sorted by name
}

// waitFor asks again until it holds. Time runs out only while the slowest replica stores nothing: after an hour of
// chaos it may have millions of messages to catch up with.
func (c *Cluster) waitFor(what string, holds func() bool) {
	c.t.Helper()
	var last uint64
	for end := time.Now().Add(waitTimeout); !holds(); time.Sleep(20 * time.Millisecond) {
		now := time.Now()
		if stored := c.leastStored(); stored != last {
			last, end = stored, now.Add(waitTimeout)
		}
		if now.After(end) {
			for i := range Nodes {
				c.t.Logf("node %d has %q\n%s", i, c.contents(i), c.logs[i])
			}
			c.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// serverLog has the last lines of a server's log, for a test that fails.
type serverLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *serverLog) add(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines[max(0, len(l.lines)-20):], fmt.Sprintf(format, v...))
}

func (l *serverLog) Noticef(format string, v ...any) { l.add(format, v...) }
func (l *serverLog) Warnf(format string, v ...any)   { l.add(format, v...) }
func (l *serverLog) Errorf(format string, v ...any)  { l.add(format, v...) }
func (l *serverLog) Fatalf(format string, v ...any)  { l.add(format, v...) }
func (l *serverLog) Debugf(string, ...any)           {}
func (l *serverLog) Tracef(string, ...any)           {}

// String is the lines.
func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
