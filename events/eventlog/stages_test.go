package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/natstuning"

	"github.com/minio/highwayhash"
)

// TestStartCompletesABatch: a server that was killed while it stored a batch of this process has all of it at its next
// start, tuned or not. In memory, not in directories of the server, it was staged before.
func TestStartCompletesABatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := openWith(t, ServerConfig{Dir: dir})
	for job := events.JobID(1); job <= 2; job++ {
		batch := log.NewBatch(job)
		for i := range 20 {
			if err := batch.Add(events.RejectedSubject(job), fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := batch.Commit(t.Context(), events.StartedSubject(job), nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	stream := streamDir(log.server.store, events.LicensesStream)
	if _, err := os.Stat(filepath.Join(stream, "batches")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the server staged the batches itself: %v", err)
	}
	want, err := log.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	log.server.Shutdown()

	file := filepath.Join(log.server.store, "staged", events.LicensesStream+".batch")
	staged, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	staged = staged[:16+binary.LittleEndian.Uint64(staged[8:])] // with the checksum that it had before the batch was stored:
	binary.LittleEndian.PutUint64(staged, highwayhash.Sum64(staged[8:], make([]byte, highwayhash.Size)))
	if err := os.WriteFile(file, staged, 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := natstuning.BlockFiles(natstuning.MessagesDir(stream))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	content, err := os.ReadFile(files[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	end := 0
	for range 30 {
		_, size, err := natstuning.ParseRecord(content[end:])
		if err != nil {
			t.Fatal(err)
		}
		end += size
	}
	killed := errors.Join(os.Truncate(files[0].Path, int64(end)),
		os.Remove(filepath.Join(natstuning.MessagesDir(stream), natstuning.IndexName)))
	if killed != nil {
		t.Fatal(killed)
	}
	for _, noTuning := range []bool{true, false} {
		log := openWith(t, ServerConfig{Dir: copyOf(t, dir), NoTuning: noTuning})
		if got, err := log.State(t.Context()); err != nil || got != want {
			t.Errorf("the stream is %+v, want %+v: %v", got, want, err)
		}
		if fact, found, err := log.LastFact(t.Context(), 2); err != nil || !found || fact.Seq != want.Last {
			t.Errorf("the batch ends with %d, want %d: %v", fact.Seq, want.Last, err)
		}
	}
}

// TestStartWithoutTheStagedBatch: it fails rather than leave a part of a batch in the stream.
func TestStartWithoutTheStagedBatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "nats", "staged", events.LicensesStream+stageSuffix), 0o700); err != nil {
		t.Fatal(err)
	}
	if s, err := StartServer(ServerConfig{Dir: dir}); err == nil || !strings.Contains(err.Error(), "complete the batch that was being stored") {
		t.Errorf("it started: %v", err)
		s.Shutdown()
	}
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "data[1]*") // no pattern
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}
