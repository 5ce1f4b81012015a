package eventlog

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// openHere opens a log on a new server, for tests of its internals.
func openHere(t *testing.T) *Log {
	t.Helper()
	return openWith(t, ServerConfig{Dir: t.TempDir()})
}

// openWith is openHere with the server's settings.
func openWith(t *testing.T, config ServerConfig) *Log {
	t.Helper()
	server, err := StartServer(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	log, err := Open(t.Context(), Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

func TestUnusableStreamsAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*jetstream.StreamConfig)
		want   string
	}{
		{"other subjects", func(c *jetstream.StreamConfig) { c.Subjects = []string{"rows.>"} }, "subjects"},
		{"no batches", func(c *jetstream.StreamConfig) { c.AllowAtomicPublish = false }, "atomic batches"},
		{"no direct get", func(c *jetstream.StreamConfig) { c.AllowDirect = false }, "allow_direct"},
		{"in memory", func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, "storage"},
		{"a work queue", func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, "retention"},
		{"an age", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, "limit"},
		{"a size", func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 }, "limit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := streams[0]
			have := want
			test.change(&have)
			if err := usable(have, want); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	for _, config := range streams {
		if err := usable(config, config); err != nil {
			t.Errorf("%s as it is made: %v", config.Name, err)
		}
	}
}

func TestSetUpRefusesAForeignStream(t *testing.T) {
	t.Parallel()
	log := openHere(t)
	config := streams[0]
	if err := log.js.DeleteStream(t.Context(), config.Name); err != nil {
		t.Fatal(err)
	}
	config.MaxMsgs = 10
	if _, err := log.js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if err := log.setUp(t.Context(), Config{}); err == nil || !strings.Contains(err.Error(), "unusable settings") {
		t.Fatalf("got %v", err)
	}
}

// TestRevisionsGrowOverExpiry: a job id must not repeat, so the bucket's revisions continue after
// all its keys have expired, also over a restart.
func TestRevisionsGrowOverExpiry(t *testing.T) {
	t.Parallel()
	config := ServerConfig{Dir: t.TempDir()}
	var last uint64
	for round := range 2 {
		server, err := StartServer(config)
		if err != nil {
			t.Fatal(err)
		}
		log, err := Open(t.Context(), Config{Server: server})
		if err != nil {
			t.Fatal(err)
		}
		last = createAndExpire(t, log, round, last)
		log.Close()
		server.Shutdown()
	}
}

// createAndExpire sets a short TTL, writes a key and waits until it has expired.
func createAndExpire(t *testing.T, log *Log, round int, last uint64) uint64 {
	stream, err := log.js.Stream(t.Context(), "KV_"+Jobs)
	if err != nil {
		t.Fatal(err)
	}
	short := stream.CachedInfo().Config
	long := short
	short.MaxAge, short.Duplicates = 100*time.Millisecond, 100*time.Millisecond
	if _, err := log.js.UpdateStream(t.Context(), short); err != nil {
		t.Fatal(err)
	}
	bucket := log.Bucket(Jobs)
	revision, err := bucket.Create(t.Context(), "key", nil)
	if err != nil || revision <= last {
		t.Fatalf("round %d: revision %d after %d, %v", round, revision, last, err)
	}
	updated, err := bucket.Update(t.Context(), "key", nil, revision)
	if err != nil || updated <= revision {
		t.Fatalf("round %d: update gave %d after %d, %v", round, updated, revision, err)
	}
	for err == nil {
		_, err = bucket.Get(t.Context(), "key")
	}
	if !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := log.js.UpdateStream(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	return updated
}

// TestLookupRepeatsTruncatedResponses: a license that a truncated response omits is not missing.
func TestLookupRepeatsTruncatedResponses(t *testing.T) {
	t.Parallel()
	log := openHere(t)
	var subjects []string
	batch := log.NewBatch(7)
	for i := range 40 {
		subjects = append(subjects, events.LicenseSubject("psc", strconv.Itoa(i)))
		if err := batch.AddAfter(subjects[i], make([]byte, 800<<10), subjects[i], 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := batch.Commit(t.Context(), "imports.7.progressed", nil, 0); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	fn := func(m Message) error {
		found[m.Subject] = true
		return nil
	}
	var short *shortAnswerError
	if err := log.lookupOnce(t.Context(), Witness{}, subjects, fn); !errors.As(err, &short) {
		t.Fatalf("the server sent all of it: %v", err)
	}
	clear(found)
	if err := log.Lookup(t.Context(), subjects, fn); err != nil || len(found) != len(subjects) {
		t.Errorf("found %d of %d, %v", len(found), len(subjects), err)
	}
}

func TestRetryUntilDone(t *testing.T) {
	t.Parallel()
	log := &Log{timeout: time.Second}
	final := errors.New("permanent")
	calls := 0
	err := log.retryUntilDone(t.Context(), log.timeout, func(context.Context) error {
		if calls++; calls < 3 {
			return &jetstream.APIError{Code: 503, ErrorCode: codeNotAvailable}
		}
		return final
	})
	if !errors.Is(err, final) || calls != 3 {
		t.Errorf("%d calls, %v", calls, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	err = log.retryUntilDone(ctx, log.timeout, func(context.Context) error { return errIncomplete })
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errIncomplete) {
		t.Errorf("got %v, want the end of the context and the last error", err)
	}
}
