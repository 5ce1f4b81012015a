package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"licenseimport/internal/profiling"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// sizes are the average sizes of message bodies, in bytes.
type sizes struct{ row, outcome int }

// baseline does with JetStream alone what every import must do. The documents call
// it JetStream's floor. Its four phases follow one another, so that each has the
// whole machine:
//
//  1. publish each row once, in atomic batches of 1000
//  2. read each row once, with an ordered consumer
//  3. publish each outcome once, at a new subject, in atomic batches of 999 and one
//     further message
//  4. read each outcome once
//
// It uses NATS's client and its extension for batches, and none of the program's
// code: no CSV, JSON or views. Bodies and subjects are as long as the program's.
type baseline struct {
	js       jetstream.JetStream
	rows     int
	row      []byte
	outcome  []byte
	subjects []string // of the outcomes
}

// newBaseline makes the streams and all subjects, which run need not measure.
func newBaseline(ctx context.Context, js jetstream.JetStream, replicas, rows int, size sizes) (*baseline, error) {
	for name, subject := range map[string]string{"ROWS": "rows.*", "LICENSES": "licenses.*.*"} {
		_, err := js.CreateStream(ctx, jetstream.StreamConfig{
			Name: name, Subjects: []string{subject}, AllowAtomicPublish: true, AllowDirect: true, Duplicates: time.Second,
			Replicas: replicas,
		})
		if err != nil {
			return nil, err
		}
	}
	f := &baseline{js: js, rows: rows, row: make([]byte, size.row), outcome: make([]byte, size.outcome)}
	for i := range rows + (rows+998)/999 { // one message more for each 999
		f.subjects = append(f.subjects, baselineSubject(i))
	}
	return f, nil
}

func (f *baseline) run(ctx context.Context) error {
	err := publishBatches(ctx, f.js, f.rows, func(int) (*nats.Msg, []jetstreamext.BatchMsgOpt) {
		return &nats.Msg{Subject: "rows.1", Data: f.row}, nil
	})
	if err != nil {
		return err
	}
	if err := readAll(ctx, f.js, "ROWS", f.rows); err != nil {
		return err
	}
	first := []jetstreamext.BatchMsgOpt{jetstreamext.WithBatchExpectLastSequencePerSubject(0)}
	err = publishBatches(ctx, f.js, len(f.subjects), func(i int) (*nats.Msg, []jetstreamext.BatchMsgOpt) {
		return &nats.Msg{Subject: f.subjects[i], Data: f.outcome}, first
	})
	if err != nil {
		return err
	}
	return readAll(ctx, f.js, "LICENSES", len(f.subjects))
}

// baselineSubject has the form and the length of a generated file's licenses.
func baselineSubject(i int) string {
	b := append(make([]byte, 0, 48), "licenses."...)
	b = append(append(b, products[i%len(products)]...), '.')
	return string(appendKey(b, 1, i))
}

// startJetStream runs a server with the program's settings that matter for speed,
// above all SyncAlways. As in the program, the connection is in-process, which is a
// little faster than loopback.
func startJetStream(dir string, loopback bool) (jetstream.JetStream, func(), error) {
	ns, err := server.NewServer(&server.Options{
		JetStream: true, StoreDir: dir, SyncAlways: true, Port: server.RANDOM_PORT, Host: "127.0.0.1", NoSigs: true, NoLog: true,
		MaxPending: 256 << 20, JetStreamMaxMemory: 1 << 40, JetStreamMaxStore: 1 << 50,
	})
	if err != nil {
		return nil, nil, err
	}
	ns.Start()
	if !ns.ReadyForConnections(time.Minute) {
		return nil, nil, errors.New("the NATS server did not start")
	}
	var options []nats.Option
	if !loopback {
		options = append(options, nats.InProcessServer(ns))
	}
	nc, err := nats.Connect(ns.ClientURL(), options...)
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc)
	stop := func() {
		nc.Close()
		ns.Shutdown()
		ns.WaitForShutdown()
	}
	return js, stop, err
}

// publishBatches publishes n messages in atomic batches of 1000. It sends one batch
// while the previous one commits.
func publishBatches(ctx context.Context, js jetstream.JetStream, n int, message func(i int) (*nats.Msg, []jetstreamext.BatchMsgOpt)) error {
	var committing sync.WaitGroup
	var failed error
	for i := 0; i < n; {
		batch, err := jetstreamext.NewBatchPublisher(js, jetstreamext.BatchFlowControl{AckFirst: false, AckTimeout: time.Minute})
		if err != nil {
			return err
		}
		end := min(i+1000, n)
		for ; i < end-1; i++ {
			m, opts := message(i)
			if err := batch.AddMsg(m, opts...); err != nil {
				return err
			}
		}
		m, opts := message(i)
		i++
		committing.Wait()
		if failed != nil {
			return failed
		}
		committing.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			_, failed = batch.CommitMsg(ctx, m, opts...)
		})
	}
	committing.Wait()
	return failed
}

// readAll reads the first messages of a stream once with an ordered consumer.
func readAll(ctx context.Context, js jetstream.JetStream, stream string, want int) error {
	return readEach(ctx, js, stream, want, func(jetstream.Msg) {})
}

func readEach(ctx context.Context, js jetstream.JetStream, stream string, want int, each func(jetstream.Msg)) error {
	consumer, err := js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(5000))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, messages.Stop)()
	defer messages.Stop()
	for range want {
		m, err := messages.Next()
		if err != nil {
			return fmt.Errorf("reading %s: %w", stream, err)
		}
		each(m)
	}
	return nil
}

// baselineCommand runs the baseline in this process and prints its figures.
func baselineCommand(args []string) error {
	flags := flag.NewFlagSet("floor", flag.ExitOnError)
	rows := flags.Int("rows", 100_000, "rows")
	rowBytes := flags.Int("row-bytes", 500, "size of a row's message")
	outcomeBytes := flags.Int("outcome-bytes", 500, "size of an outcome's message")
	cluster := flags.String("cluster", "", "URLs of a NATS cluster to use instead of an embedded server")
	loopback := flags.Bool("loopback", false, "connect over loopback instead of through the process's memory")
	profile := flags.String("profile", "", "directory for profiles")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "baseline-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var js jetstream.JetStream
	var stop func()
	replicas := 1
	if *cluster != "" {
		replicas = nodes
		js, stop, err = connectCluster(*cluster)
	} else {
		js, stop, err = startJetStream(dir, *loopback)
	}
	if err != nil {
		return err
	}
	defer stop()
	ctx := context.Background()
	f, err := newBaseline(ctx, js, replicas, *rows, sizes{*rowBytes, *outcomeBytes})
	if err != nil {
		return err
	}
	stopProfile, err := profiling.Start(*profile)
	if err != nil {
		return err
	}
	return errors.Join(printFigures(func() error { return f.run(ctx) }), stopProfile())
}

// printFigures measures work in this process, for the parent to read.
func printFigures(work func() error) error {
	before, began := ownCPU(), time.Now()
	if err := work(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]int64{"wall": int64(time.Since(began)), "cpu": int64(ownCPU() - before)})
}

func ownCPU() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// runBaseline runs the baseline in a separate process.
func runBaseline(ctx context.Context, rows int, size sizes, more ...string) (figures, error) {
	return runSelf(ctx, append([]string{"floor", "-rows", strconv.Itoa(rows),
		"-row-bytes", strconv.Itoa(size.row), "-outcome-bytes", strconv.Itoa(size.outcome)}, more...)...)
}

// runSelf runs another command of this program and reads the figures it prints.
func runSelf(ctx context.Context, args ...string) (figures, error) {
	self, err := os.Executable()
	if err != nil {
		return figures{}, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return figures{}, fmt.Errorf("%s: %w", filepath.Base(self)+" "+args[0], err)
	}
	var printed struct{ Wall, CPU int64 }
	if err := json.Unmarshal(out, &printed); err != nil {
		return figures{}, err
	}
	return figures{wall: time.Duration(printed.Wall), cpu: time.Duration(printed.CPU)}, nil
}
