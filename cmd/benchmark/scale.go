package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// scaleCommand measures what the plan in docs/scaling-out.md is made of: what a license costs a NATS server that
// only keeps it, and what a company with its own streams costs.
func scaleCommand(args []string) error {
	flags := flag.NewFlagSet("scale", flag.ExitOnError)
	licenses := flags.Int("licenses", 2_000_000, "licenses in one stream")
	companies := flags.Int("companies", 200, "companies, each with its own streams and buckets")
	if err := flags.Parse(args); err != nil {
		return err
	}
	fmt.Println("| what | measured |\n|---|--:|")
	report := func(what, value string, args ...any) { fmt.Printf("| %s | %s |\n", what, fmt.Sprintf(value, args...)) }
	if err := scaleLicenses(context.Background(), *licenses, report); err != nil {
		return err
	}
	return scaleCompanies(context.Background(), *companies, report)
}

// scaleLicenses fills one stream with a message for each license and starts the server again: in order, and
// after a crash, which leaves no index of the stream.
func scaleLicenses(ctx context.Context, n int, report func(string, string, ...any)) error {
	return withScaleServer(func(restart func(crash bool) (jetstream.JetStream, time.Duration, error)) error {
		js, _, err := restart(false)
		if err != nil {
			return err
		}
		if _, err := js.CreateStream(ctx,
			jetstream.StreamConfig{Name: "LICENSES", Subjects: []string{"licenses.*.*"}, AllowDirect: true}); err != nil {
			return err
		}
		empty := heap()
		body := []byte(strings.Repeat("x", 500))
		for i := range n {
			if _, err := js.PublishAsync(baselineSubject(i), body); err != nil {
				return err
			}
			if i%4096 == 0 {
				<-js.PublishAsyncComplete()
			}
		}
		<-js.PublishAsyncComplete()
		report("a license, memory of the NATS server that stored it", "%d bytes", (heap()-empty)/int64(n))
		for _, crash := range []bool{false, true} {
			how := "in order"
			if crash {
				how = "after a crash"
			}
			js, took, err := restart(crash)
			if err != nil {
				return err
			}
			report(fmt.Sprintf("… started again %s, with %d million", how, n/1_000_000), "%.2f s", took.Seconds())
			info, err := js.Stream(ctx, "LICENSES")
			if err != nil || info.CachedInfo().State.Msgs != uint64(n) {
				return fmt.Errorf("after a start %s: %+v, %w", how, info, err)
			}
			report("… and its memory then", "%d bytes", (heap()-empty)/int64(n))
			report("… its bytes on the disk", "%d bytes", info.CachedInfo().State.Bytes/uint64(n))
		}
		return nil
	})
}

// companyStreams are the streams that a company has: rows, facts and five buckets.
var companyStreams = []string{"ROWS", "LICENSES", "KV_jobs", "KV_managers", "KV_products", "KV_mappings", "KV_sessions"}

// scaleCompanies makes the streams of companies, with one message each, and starts the server again.
func scaleCompanies(ctx context.Context, n int, report func(string, string, ...any)) error {
	return withScaleServer(func(restart func(crash bool) (jetstream.JetStream, time.Duration, error)) error {
		js, _, err := restart(false)
		if err != nil {
			return err
		}
		empty, began := heap(), time.Now()
		for i := range n {
			for _, stream := range companyStreams {
				name := fmt.Sprintf("C%d_%s", i, stream)
				if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}}); err != nil {
					return err
				}
				if _, err := js.Publish(ctx, name+".x", []byte("x")); err != nil {
					return err
				}
			}
		}
		report(fmt.Sprintf("a company with %d streams, made", len(companyStreams)), "%.1f ms",
			time.Since(began).Seconds()*1e3/float64(n))
		report("… its memory", "%d kB", (heap()-empty)/int64(n)/1000)
		_, took, err := restart(true)
		report(fmt.Sprintf("… %d of them, started after a crash", n), "%.2f s", took.Seconds())
		return err
	})
}

// withScaleServer runs work with a NATS server that it can stop and start on the same directory. A crash
// leaves the directory without what the server writes when it stops.
func withScaleServer(work func(restart func(crash bool) (jetstream.JetStream, time.Duration, error)) error) error {
	dir, err := os.MkdirTemp("", "scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var ns *server.Server
	stop := func() {
		if ns != nil {
			ns.Shutdown()
			ns.WaitForShutdown()
		}
	}
	defer func() { stop() }()
	return work(func(crash bool) (jetstream.JetStream, time.Duration, error) {
		stop()
		if crash {
			if err := removeIndexes(dir); err != nil {
				return nil, 0, err
			}
		}
		began := time.Now()
		ns, err = server.NewServer(&server.Options{
			JetStream: true, StoreDir: dir, Port: server.RANDOM_PORT, Host: "127.0.0.1", NoSigs: true, NoLog: true,
			MaxPending: 256 << 20, JetStreamMaxMemory: 1 << 40, JetStreamMaxStore: 1 << 50,
		})
		if err != nil {
			return nil, 0, err
		}
		ns.Start()
		if !ns.ReadyForConnections(10 * time.Minute) {
			return nil, 0, errors.New("the NATS server did not start")
		}
		took := time.Since(began)
		nc, err := nats.Connect(ns.ClientURL(), nats.InProcessServer(ns))
		if err != nil {
			return nil, 0, err
		}
		js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(8192))
		return js, took, err
	})
}

// removeIndexes removes the snapshot of its index that each stream has after an orderly stop.
func removeIndexes(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "index.db" {
			return os.Remove(path)
		}
		return err
	})
}

// heap is the memory in use, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one found to be finalized is free after the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
