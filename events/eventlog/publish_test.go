package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"sync"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats.go"
)

// TestDirectBatchesOutliveTheirStream: after a batch that got lost with the stream, or with the server, that took its
// first messages, the next one is stored. Nothing is stored of the batch that got lost.
func TestDirectBatchesOutliveTheirStream(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, log *Log){
		"another server": func(t *testing.T, log *Log) {
			log.server.running().Shutdown()
			log.server.full.Store(true) // as after a write that failed, so that the server is started again
			awaitTrue(t, "another server", func() bool { return log.server.CheckFreeSpace() == nil })
		},
		"another stream": func(t *testing.T, log *Log) {
			stream, err := log.js.Stream(t.Context(), events.LicensesStream)
			if err != nil {
				t.Fatal(err)
			}
			config := stream.CachedInfo().Config
			config.DenyDelete = false
			if err := log.js.DeleteStream(t.Context(), events.LicensesStream); err != nil {
				t.Fatal(err)
			}
			if _, err := log.js.CreateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, _ := openOn(t, t.TempDir())
			begin := func(job events.JobID) *Batch {
				batch := log.NewBatch(job)
				if batch.atomic.direct == nil {
					t.Fatal("the batch goes over the connection")
				}
				for i := range 3 {
					subject := fmt.Sprintf("licenses.psc.%d-%d", job, i)
					if err := batch.AddAfter(subject, []byte("{}"), subject, 0); err != nil {
						t.Fatal(err)
					}
				}
				return batch
			}
			commit := func(b *Batch) error {
				ctx, cancel := context.WithTimeout(t.Context(), b.log.timeout)
				defer cancel()
				_, err := b.Commit(ctx, events.StartedSubject(b.job), []byte("{}"), 0)
				return err
			}
			lost := begin(1)
			end(t, log)
			if err := commit(lost); !errors.Is(err, ErrConflict) {
				t.Errorf("the batch that got lost: %v", err)
			}
			if err := commit(begin(2)); err != nil {
				t.Errorf("the next batch: %v", err)
			}
			state, err := log.StreamState(t.Context(), events.LicensesStream)
			if err != nil || state.Messages != 4 {
				t.Errorf("%d messages, %v", state.Messages, err)
			}
		})
	}
}

// TestPublishedBuffersAreUsedAgain: batches that are published from the memory of those before, also of other goroutines,
// are stored as they were published.
func TestPublishedBuffersAreUsedAgain(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	const jobs, batches, size = 4, 12, 40 // 100 KB a batch
	var writers sync.WaitGroup
	for job := events.JobID(1); job <= jobs; job++ {
		writers.Go(func() {
			var fact, row events.Seq
			for n := range batches {
				batch, err := log.NewBatch(job), error(nil)
				var rows [][]byte
				for i := range size {
					name := fmt.Sprintf("%d.%d.%d", job, n, i)
					rows = append(rows, longBody(name))
					subject := "licenses.psc." + strings.ReplaceAll(name, ".", "-")
					err = errors.Join(err, batch.AddAfter(subject, longBody(name), subject, 0))
				}
				if err == nil {
					fact, err = batch.Commit(t.Context(), events.StartedSubject(job), []byte("{}"), fact)
				}
				if err == nil {
					row, err = log.AppendRows(t.Context(), job, row, rows)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	for stream, want := range map[string]int{
		events.LicensesStream: jobs * batches * (size + 1), events.RowsStream: jobs * batches * size,
	} {
		read, _, _, err := log.directStream(stream).Read("", 0, make([]natstuning.Message, 0, want+1), false)
		if err != nil || len(read) != want {
			t.Fatalf("%d messages of stream %s, want %d: %v", len(read), stream, want, err)
		}
		for _, m := range read {
			name, _, _ := strings.Cut(string(m.Data), " ")
			subject := "licenses.psc." + strings.ReplaceAll(name, ".", "-")
			if string(m.Data) != "{}" && (!bytes.Equal(m.Data, longBody(name)) || stream == events.LicensesStream && m.Subject != subject) {
				t.Errorf("sequence %d of %s at %s is %.40q", m.Seq, stream, m.Subject, m.Data)
			}
		}
	}
}

// longBody is different for each name, and up to 5 KB long.
func longBody(name string) []byte {
	sum := crc32.ChecksumIEEE([]byte(name))
	return bytes.Repeat([]byte(name+" "), 1+int(sum%500))
}

// TestDirectMessagesAreBounded: a message that the server would refuse from a connection is refused here.
func TestDirectMessagesAreBounded(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	for size, want := range map[int]error{maxPayload - 200: nil, maxPayload: nats.ErrMaxPayload} {
		batch := log.NewBatch(events.JobID(size))
		if err := batch.Add("licenses.psc.KEY", make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		_, err := batch.Commit(t.Context(), events.StartedSubject(batch.job), []byte("{}"), 0)
		if !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", size, err, want)
		}
	}
}
