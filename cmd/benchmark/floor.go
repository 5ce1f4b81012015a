package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// floor does with JetStream alone what an import cannot do without: each row is
// published once, in atomic batches of 1000, and read once; then each outcome is
// published once at a subject of its own that must be new, in atomic batches of
// 999 and one more message, and read once. There is no CSV, no JSON, no view and
// no code of the pipeline in it; only the sizes of the messages are the same.
//
// Its four phases follow one another, so that each has the whole machine.
func floor(ctx context.Context, rows, rowBytes, outcomeBytes int) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "floor-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	js, stop, err := startJetStream(dir)
	if err != nil {
		return 0, err
	}
	defer stop()
	for name, subject := range map[string]string{"ROWS": "rows.*", "LICENSES": "licenses.*.*"} {
		_, err := js.CreateStream(ctx, jetstream.StreamConfig{
			Name: name, Subjects: []string{subject}, AllowAtomicPublish: true, AllowDirect: true,
		})
		if err != nil {
			return 0, err
		}
	}
	began := time.Now()
	rowBody, outcomeBody := make([]byte, rowBytes), make([]byte, outcomeBytes)
	err = publishBatches(ctx, js, rows, 1000, func(int) (*nats.Msg, []jetstreamext.BatchMsgOpt) {
		return &nats.Msg{Subject: "rows.1", Data: rowBody}, nil
	})
	if err != nil {
		return 0, err
	}
	if err := readAll(ctx, js, "ROWS", rows); err != nil {
		return 0, err
	}
	messages := rows + (rows+998)/999
	first := []jetstreamext.BatchMsgOpt{jetstreamext.WithBatchExpectLastSequencePerSubject(0)}
	err = publishBatches(ctx, js, messages, 1000, func(i int) (*nats.Msg, []jetstreamext.BatchMsgOpt) {
		return &nats.Msg{Subject: "licenses.psc." + strconv.Itoa(i), Data: outcomeBody}, first
	})
	if err != nil {
		return 0, err
	}
	if err := readAll(ctx, js, "LICENSES", messages); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

func startJetStream(dir string) (jetstream.JetStream, func(), error) {
	ns, err := server.NewServer(&server.Options{
		JetStream: true, StoreDir: dir, SyncAlways: true, Port: server.RANDOM_PORT, Host: "127.0.0.1", NoSigs: true, NoLog: true,
	})
	if err != nil {
		return nil, nil, err
	}
	ns.Start()
	if !ns.ReadyForConnections(10 * time.Second) {
		return nil, nil, errors.New("the NATS server did not start")
	}
	nc, err := nats.Connect(ns.ClientURL())
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

// publishBatches publishes n messages in atomic batches; one is sent while the
// one before is being committed.
func publishBatches(ctx context.Context, js jetstream.JetStream, n, size int, message func(i int) (*nats.Msg, []jetstreamext.BatchMsgOpt)) error {
	var committing sync.WaitGroup
	var failed error
	for i := 0; i < n; {
		batch, err := jetstreamext.NewBatchPublisher(js, jetstreamext.BatchFlowControl{AckFirst: false, AckTimeout: time.Minute})
		if err != nil {
			return err
		}
		end := min(i+size, n)
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

// readAll reads a stream once with an ordered consumer.
func readAll(ctx context.Context, js jetstream.JetStream, stream string, want int) error {
	consumer, err := js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(5000))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for range want {
		if _, err := messages.Next(); err != nil {
			return fmt.Errorf("reading %s: %w", stream, err)
		}
	}
	return nil
}
