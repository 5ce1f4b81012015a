package main

import (
	"context"
	"fmt"
	"licenseimport/internal/freeport"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// nodes is the size of the NATS cluster, and the number of replicas of each stream.
const nodes = 3

// replicated measures an ordinary file on three NATS nodes against the baseline on three nodes. All of it runs
// on this machine, so the nodes take the cores that on separate machines the program would have.
func (b *bench) replicated(ctx context.Context) ([]line, error) {
	s := b.ordinary()
	file, err := b.file(s)
	if err != nil {
		return nil, err
	}
	var ours, baselines sample
	var size sizes
	for range b.runs {
		err := b.withCluster(ctx, func(cluster string) error {
			f, err := b.importOnCluster(ctx, cluster, file)
			ours = append(ours, f)
			if err == nil && size == (sizes{}) {
				size, err = bodySizes(ctx, cluster, s.rows)
			}
			return err
		})
		if err == nil {
			err = b.withCluster(ctx, func(cluster string) error {
				f, err := runBaseline(ctx, s.rows, size, "-cluster", cluster)
				baselines = append(baselines, f)
				return err
			})
		}
		if err != nil {
			return nil, err
		}
	}
	return []line{atLeast(0.8, baselines.wall().Seconds()/ours.wall().Seconds(),
		fmt.Sprintf("%d NATS nodes on this machine, %d rows of 12 columns", nodes, s.rows),
		"wall: the floor's on as many nodes ÷ ours",
		fmt.Sprintf("ours %s, floor %s; %s thousand rows/s", ours, baselines, thousands(ours.rate(s.rows))))}, nil
}

func (b *bench) importOnCluster(ctx context.Context, cluster, file string) (figures, error) {
	dir, err := b.newDir()
	if err != nil {
		return figures{}, err
	}
	defer os.RemoveAll(dir)
	p, err := startRole(ctx, b.program, "serve", "--data", dir, "--nats-url", cluster, "--replicas", fmt.Sprint(nodes))
	if err != nil {
		return figures{}, err
	}
	defer p.kill()
	f, err := p.importFile(ctx, file)
	if err != nil {
		return figures{}, err
	}
	return f, p.stop()
}

// withCluster runs work with a new NATS cluster in this process.
func (b *bench) withCluster(ctx context.Context, work func(urls string) error) error {
	dir, err := b.newDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var options [nodes]*server.Options
	var routes []*url.URL
	for i := range options {
		o := &server.Options{
			ServerName: fmt.Sprint("node-", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: fmt.Sprint(dir, "/", i), MaxPending: 256 << 20,
			Cluster: server.ClusterOpts{Name: "benchmark", Host: "127.0.0.1", Port: freeport.Port()},
		}
		options[i] = o
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", o.Cluster.Port)})
	}
	var urls []string
	for _, o := range options {
		o.Routes = routes
		s, err := server.NewServer(o)
		if err != nil {
			return err
		}
		go s.Start()
		defer func() {
			s.Shutdown()
			s.WaitForShutdown()
		}()
		if !s.ReadyForConnections(time.Minute) {
			return fmt.Errorf("the NATS server %s did not start", o.ServerName)
		}
		urls = append(urls, s.ClientURL())
	}
	cluster := strings.Join(urls, ",")
	if err := awaitJetStream(ctx, cluster); err != nil {
		return err
	}
	return work(cluster)
}

// awaitJetStream waits until a cluster has elected the leader that makes streams.
func awaitJetStream(ctx context.Context, cluster string) error {
	nc, err := nats.Connect(cluster)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	for end := time.Now().Add(time.Minute); ; {
		config := jetstream.StreamConfig{Name: "READY", Subjects: []string{"ready"}, Replicas: nodes}
		if _, err = js.CreateStream(ctx, config); err == nil {
			return js.DeleteStream(ctx, config.Name)
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// connectCluster is startJetStream for a cluster that runs already.
func connectCluster(cluster string) (jetstream.JetStream, func(), error) {
	nc, err := nats.Connect(cluster)
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc)
	return js, nc.Close, err
}
