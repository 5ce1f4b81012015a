//go:build cluster

package eventlog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// These tests start a cluster of three servers and wait for its elections, which may
// take half a minute: go test -tags cluster ./events/eventlog

// A cluster is three servers of NATS's own kind, as an operator runs them.
type cluster struct {
	options []*server.Options
	servers []*server.Server
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{}
	var ports []int
	var routes []*url.URL
	for range 3 {
		port := unusedPort(t)
		ports = append(ports, port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", port)})
	}
	for i, port := range ports {
		c.options = append(c.options, &server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: unusedPort(t),
			JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port},
			Routes:  routes,
		})
		c.servers = append(c.servers, nil)
		c.start(t, i)
	}
	t.Cleanup(func() {
		for i := range c.servers {
			c.stop(i)
		}
	})
	return c
}

func (c *cluster) start(t *testing.T, i int) {
	t.Helper()
	srv, err := server.NewServer(c.options[i].Clone())
	if err != nil {
		t.Fatal(err)
	}
	c.servers[i] = srv
	go srv.Start()
}

func (c *cluster) stop(i int) {
	c.servers[i].Shutdown()
	c.servers[i].WaitForShutdown()
}

func (c *cluster) url() string {
	var urls []string
	for _, o := range c.options {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", o.Port))
	}
	return strings.Join(urls, ",")
}

func unusedPort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func TestThreeReplicas(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	log := openReplicas(ctx, t, c, 1)
	if _, err := log.AppendFact(ctx, 9999, events.StartedSubject(9999), nil, 0); err != nil {
		t.Fatal(err)
	}
	log = openReplicas(ctx, t, c, 3) // more than there are now
	if state, err := log.State(ctx); err != nil || state.Replicas != 3 {
		t.Fatalf("%+v, %v", state, err)
	}
	t.Run("one writer wins each race", func(t *testing.T) { raceFacts(ctx, t, log) })
	t.Run("a license is stored once", func(t *testing.T) { raceLicense(ctx, t, log) })
	t.Run("leaders may go", func(t *testing.T) { outliveLeaders(ctx, t, log) })
}

func openReplicas(ctx context.Context, t *testing.T, c *cluster, replicas int) *Log {
	t.Helper()
	log, err := Open(ctx, Config{URL: c.url(), Replicas: replicas, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

// raceFacts lets a batch and single facts run against each other.
func raceFacts(ctx context.Context, t *testing.T, log *Log) {
	for job := range events.JobID(30) {
		var won atomic.Int32
		var writers sync.WaitGroup
		count := func(_ events.Seq, err error) {
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, ErrMoved) && !errors.Is(err, ErrConflict) {
				t.Error(err)
			}
		}
		for _, fact := range []string{"aborted", "sealed"} {
			writers.Go(func() { count(log.AppendFact(ctx, job, fmt.Sprintf("imports.%d.%s", job, fact), nil, 0)) })
		}
		writers.Go(func() {
			batch := log.NewBatch(job)
			_ = batch.Add(fmt.Sprintf("outcomes.%d.rejected", job), nil, false)
			count(batch.Commit(ctx, fmt.Sprintf("imports.%d.progressed", job), nil, 0))
		})
		writers.Wait()
		if won.Load() != 1 {
			t.Fatalf("job %d: %d writers won", job, won.Load())
		}
	}
}

// raceLicense lets batches of several jobs import the same license.
func raceLicense(ctx context.Context, t *testing.T, log *Log) {
	for i := range 20 {
		var won atomic.Int32
		var writers sync.WaitGroup
		for w := range 3 {
			job := events.JobID(1000 + 3*i + w)
			writers.Go(func() {
				batch := log.NewBatch(job)
				_ = batch.Add(events.LicenseSubject("race", fmt.Sprint(i)), nil, true)
				_, err := batch.Commit(ctx, fmt.Sprintf("imports.%d.progressed", job), nil, 0)
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, ErrConflict) {
					t.Error(err)
				}
			})
		}
		writers.Wait()
		if won.Load() > 1 {
			t.Fatalf("license %d was stored %d times", i, won.Load())
		}
	}
}

// outliveLeaders appends and follows while the streams change their leaders.
func outliveLeaders(ctx context.Context, t *testing.T, log *Log) {
	begin, err := log.State(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const total = 40
	enough := errors.New("enough")
	var follower sync.WaitGroup
	next := begin.Last + 1
	follower.Go(func() {
		err := log.Follow(ctx, begin.Last, nil, func(m Message) error {
			if m.Seq != next {
				t.Errorf("followed %d, want %d", m.Seq, next)
			}
			if next++; next > begin.Last+total {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Error(err)
		}
	})
	var fact, row events.Seq
	for i := range total {
		if i%20 == 5 {
			stepDown(ctx, t, log)
		}
		if fact, err = log.AppendFact(ctx, 9000, fmt.Sprintf("imports.9000.f%d", i), nil, fact); err != nil {
			t.Fatal(err)
		}
		if row, err = log.AppendRows(ctx, 9000, row, [][]byte{nil, nil, nil}); err != nil {
			t.Fatal(err)
		}
	}
	follower.Wait()
	reader, err := log.Rows(ctx, 9000, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Stop()
	rows := 0
	for ; err == nil; rows++ {
		_, err = reader.Next(ctx)
	}
	if rows-1 != 3*total {
		t.Errorf("%d rows are stored, want %d: %v", rows-1, 3*total, err)
	}
}

// stepDown has both streams elect another leader.
func stepDown(ctx context.Context, t *testing.T, log *Log) {
	t.Helper()
	for _, stream := range streams {
		err := log.untilDone(ctx, log.timeout, func(ctx context.Context) error { return inStep(ctx, log, stream.Name) })
		if err != nil {
			t.Fatal(err)
		}
		answer, err := log.conn.RequestWithContext(ctx, jetstream.DefaultAPIPrefix+"STREAM.LEADER.STEPDOWN."+stream.Name, nil)
		if err != nil || !strings.Contains(string(answer.Data), `"success":true`) {
			t.Fatalf("step down: %s, %v", answer.Data, err)
		}
	}
}

// inStep fails while a replica is behind: it could not lead.
func inStep(ctx context.Context, log *Log, name string) error {
	stream, err := log.js.Stream(ctx, name)
	if err != nil {
		return err
	}
	for _, replica := range stream.CachedInfo().Cluster.Replicas {
		if !replica.Current || replica.Lag > 0 {
			return errIncomplete
		}
	}
	return nil
}
