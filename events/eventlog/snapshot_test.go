package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"

	"github.com/nats-io/nats.go/jetstream"
)

// TestSnapshotEndsBetweenBatches takes snapshots during continuous appends. Each must end with the
// last message of a batch.
func TestSnapshotEndsBetweenBatches(t *testing.T) {
	t.Parallel()
	const batch, snapshots = 200, 12
	log := eventlogtest.StartExternal(t)
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	defer writer.Wait()
	defer stop()
	writer.Go(func() {
		bodies := make([][]byte, batch)
		for last := events.Seq(0); ; {
			seq, err := log.AppendRows(ctx, 1, last, bodies)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			last = seq
		}
	})
	seen := map[events.Seq]bool{}
	for range snapshots {
		var file bytes.Buffer
		s, err := log.Snapshot(t.Context(), events.RowsStream, &file)
		if err != nil {
			t.Fatal(err)
		}
		if s.Last%batch != 0 || uint64(s.Last) != s.Messages {
			t.Errorf("%d messages up to %d: not whole batches of %d", s.Messages, s.Last, batch)
		}
		seen[s.Last] = true
	}
	if len(seen) < 2 {
		t.Error("nothing was appended between the snapshots")
	}
}

// TestRestoredStreams: the restored streams have the same sequences, times and bodies, and gaps
// where rows were purged; revisions continue. The consumer of another service keeps its position;
// that of the processors starts from the beginning.
func TestRestoredStreams(t *testing.T) {
	t.Parallel()
	origin := eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: t.TempDir(), Port: -1})
	log := eventlogtest.Open(t, origin)
	ctx := t.Context()
	appendJobs(t, log)
	leaseAll(t, log)
	if first := readAsService(t, origin); first != 1 {
		t.Fatalf("a service reads message %d first", first)
	}
	server := eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: t.TempDir(), Port: -1, NoSync: true})
	eventlogtest.Open(t, server).Close() // creates the streams: they are unused
	copyAll(t, log, eventlog.Config{Server: server, Replicas: 1})

	restored := eventlogtest.Open(t, server)
	for seq := events.Seq(1); seq <= 6; seq++ {
		want, found, err := log.MessageAt(ctx, seq)
		got, foundThere, errThere := restored.MessageAt(ctx, seq)
		if !reflect.DeepEqual(got, want) || found != foundThere || err != nil || errThere != nil {
			t.Errorf("%d: %+v, %v, %v; want %+v, %v, %v", seq, got, foundThere, errThere, want, found, err)
		}
	}
	jobs, err := restored.RowJobs(ctx)
	if !reflect.DeepEqual(jobs, []events.JobID{1, 3}) || err != nil {
		t.Errorf("jobs with rows: %v, %v", jobs, err)
	}
	before, after := state(t, log, events.RowsStream), state(t, restored, events.RowsStream)
	if after.Last != before.Last || after.Messages != before.Messages || after.Bytes != before.Bytes {
		t.Errorf("ROWS: %+v, want %+v", after, before)
	}
	if revision, err := restored.Bucket(eventlog.Jobs).Create(ctx, "next", nil); revision != 4 || err != nil {
		t.Errorf("the next id is %d, %v; want 4", revision, err)
	}
	if n := leaseAll(t, restored); n != 1 {
		t.Errorf("%d sealed jobs are delivered, want 1 again", n)
	}
	if second := readAsService(t, server); second != 2 {
		t.Errorf("a service that had read message 1 reads %d next", second)
	}
}

// readAsService reads one message with a durable consumer of another program.
func readAsService(t *testing.T, server *eventlog.Server) uint64 {
	t.Helper()
	js := jetStreamOf(t, server.URL())
	consumer, err := js.CreateOrUpdateConsumer(t.Context(), events.LicensesStream, jetstream.ConsumerConfig{
		Durable: "service", AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: "imports.>",
	})
	if err != nil {
		t.Fatal(err)
	}
	message, err := consumer.Next()
	if err != nil {
		t.Fatal(err)
	}
	meta, err := message.Metadata()
	if err = errors.Join(err, message.DoubleAck(t.Context())); err != nil {
		t.Fatal(err)
	}
	return meta.Sequence.Stream
}

// appendJobs appends rows and facts of three jobs, and purges the rows of job 2.
func appendJobs(t *testing.T, log *eventlog.Log) {
	t.Helper()
	ctx := t.Context()
	jobs := log.Bucket(eventlog.Jobs)
	for job := events.JobID(1); job <= 3; job++ {
		if _, err := jobs.Create(ctx, job.String(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := log.AppendRows(ctx, job, 0, [][]byte{{1}, {2}, {3}}); err != nil {
			t.Fatal(err)
		}
		if _, err := log.AppendFact(ctx, job, events.StartedSubject(job), []byte(`{"a":1}`), 0); err != nil {
			t.Fatal(err)
		}
	}
	last, _, err := log.LastFact(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.AppendFact(ctx, 1, events.SealedSubject(1), nil, last.Seq); err != nil {
		t.Fatal(err)
	}
	if err := log.PurgeRows(ctx, 2); err != nil {
		t.Fatal(err)
	}
}

// leaseAll leases jobs and counts them.
func leaseAll(t *testing.T, log *eventlog.Log) (n int) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	err := log.LeaseJobs(ctx, 1, nil, func(context.Context, eventlog.Message) error {
		n++
		stop()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return n
}

func state(t *testing.T, log *eventlog.Log, stream string) eventlog.State {
	t.Helper()
	s, err := log.StreamState(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var allStreams = []string{
	events.LicensesStream, events.RowsStream, eventlog.BucketStream(eventlog.Jobs),
	eventlog.BucketStream(eventlog.Managers), eventlog.BucketStream(eventlog.Products), eventlog.BucketStream(eventlog.Mappings),
}

func copyAll(t *testing.T, log *eventlog.Log, to eventlog.Config) {
	t.Helper()
	restorer, err := eventlog.OpenRestorer(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer restorer.Close()
	for _, name := range allStreams {
		var file bytes.Buffer
		s, err := log.Snapshot(t.Context(), name, &file)
		if err != nil {
			t.Fatal(err)
		}
		if err := restorer.Stream(t.Context(), s, &file); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRestoreRefusesAUsedLog: a log with messages stays as it is.
func TestRestoreRefusesAUsedLog(t *testing.T) {
	t.Parallel()
	server := eventlogtest.StartServer(t)
	log := eventlogtest.Open(t, server)
	if _, err := log.Bucket(eventlog.Products).Put(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	_, err := eventlog.OpenRestorer(t.Context(), eventlog.Config{Server: server})
	if used, ok := errors.AsType[*eventlog.NotEmptyError](err); !ok || used.Stream != "KV_products" {
		t.Fatal(err)
	}
	for _, name := range allStreams {
		state(t, log, name) // still there
	}
}

// TestRollback: a restored stream that differs from its snapshot is an error, and Rollback deletes
// it.
func TestRollback(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	appendJobs(t, log)
	var file bytes.Buffer
	s, err := log.Snapshot(t.Context(), events.RowsStream, &file)
	if err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	wrong := s
	wrong.Messages++
	for name, test := range map[string]struct {
		s     eventlog.Snapshot
		bytes []byte
		want  string
	}{
		"cut off":        {s, whole[:len(whole)/2], "restore stream ROWS"},
		"empty":          {s, nil, "restore stream ROWS"},
		"other contents": {wrong, whole, "it has 6 messages up to 9, not 7 up to 9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := eventlog.Config{Server: eventlogtest.StartServer(t)}
			restorer, err := eventlog.OpenRestorer(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer restorer.Close()
			err = restorer.Stream(t.Context(), test.s, bytes.NewReader(test.bytes))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
			if err := restorer.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			again, err := eventlog.OpenRestorer(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			again.Close()
		})
	}
}

// TestSnapshotFails: an error of the writer, or the end of the context, ends a snapshot at once.
func TestSnapshotFails(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	appendJobs(t, log)
	broken, write := io.Pipe()
	broken.Close()
	if _, err := log.Snapshot(t.Context(), events.RowsStream, write); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("full disk: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := log.Snapshot(ctx, events.RowsStream, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := log.Snapshot(t.Context(), "NONE", io.Discard); err == nil || !strings.Contains(err.Error(), "stream not found") {
		t.Errorf("no such stream: %v", err)
	}
}

// TestSnapshotOfDamage: a copy of LICENSES that lacks a message which cannot be read is none.
func TestSnapshotOfDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() (*eventlog.Log, *eventlog.Server) {
		server := eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: dir})
		log, err := eventlog.Open(t.Context(), eventlog.Config{Server: server})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(log.Close)
		return log, server
	}
	log, server := open()
	appendJobs(t, log)
	whole, err := log.Snapshot(t.Context(), events.LicensesStream, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	server.Shutdown() // in order: the next start trusts the files
	blocks, err := filepath.Glob(filepath.Join(dir, "nats", "jetstream", "*", "streams", events.LicensesStream, "msgs", "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("%v, %v", blocks, err)
	}
	content, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(blocks[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	log, _ = open()
	_, err = log.Snapshot(t.Context(), events.LicensesStream, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "1 of its messages cannot be read") {
		t.Errorf("of %d messages, one damaged: %v", whole.Messages, err)
	}
}

// BenchmarkSnapshot restores into a server with NoSync. A server that syncs each message restores
// some 1,000 messages/s.
func BenchmarkSnapshot(b *testing.B) {
	log := eventlogtest.Start(b)
	bodies := make([][]byte, 1000)
	for i := range bodies {
		bodies[i] = bytes.Repeat([]byte{byte(i)}, 400)
	}
	last := events.Seq(0)
	const messages = 100_000
	for range messages / len(bodies) {
		var err error
		if last, err = log.AppendRows(b.Context(), 1, last, bodies); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		began := time.Now()
		var file bytes.Buffer
		s, err := log.Snapshot(b.Context(), events.RowsStream, &file)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(messages/time.Since(began).Seconds(), "taken/s")
		server := eventlogtest.StartServerOn(b, eventlog.ServerConfig{Dir: b.TempDir(), NoSync: true})
		restorer, err := eventlog.OpenRestorer(b.Context(), eventlog.Config{Server: server})
		if err != nil {
			b.Fatal(err)
		}
		began = time.Now()
		if err := restorer.Stream(b.Context(), s, bytes.NewReader(file.Bytes())); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(messages/time.Since(began).Seconds(), "restored/s")
		restorer.Close()
		server.Shutdown()
	}
}

// TestRestoredRowsFollowTheServer: a backup of either kind of server is restored to either kind, and rows can be
// appended there.
func TestRestoredRowsFollowTheServer(t *testing.T) {
	t.Parallel()
	embedded := func(t *testing.T) eventlog.Config {
		return eventlog.Config{Server: eventlogtest.StartServer(t), Replicas: 1}
	}
	external := func(t *testing.T) eventlog.Config {
		return eventlog.Config{URL: eventlogtest.StartExternalServer(t), Replicas: 1}
	}
	for name, way := range map[string][2]func(*testing.T) eventlog.Config{
		"embedded to external": {embedded, external}, "external to embedded": {external, embedded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			origin, err := eventlog.Open(t.Context(), way[0](t))
			if err != nil {
				t.Fatal(err)
			}
			defer origin.Close()
			last, err := origin.AppendRows(t.Context(), 1, 0, rowBodies(0, 10))
			if err != nil {
				t.Fatal(err)
			}
			target := way[1](t)
			copyAll(t, origin, target)
			restored, err := eventlog.Open(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			defer restored.Close()
			appendRows(t, restored, 1, last, 10, 20)
			if got := readRows(t, restored, 1, 0); !equal(got, rowBodies(0, 20)) {
				t.Errorf("read %d rows", len(got))
			}
		})
	}
}
