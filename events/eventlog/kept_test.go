package eventlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// TestAStreamThatCannotBeOpenedIsNotDeleted: a NATS server deletes a stream of which it cannot open a file as it
// starts. A start fails then, names the cause, and leaves every file where it was.
func TestAStreamThatCannotBeOpenedIsNotDeleted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		accept bool
	}{{"the file is put back", false}, {"the loss is accepted", true}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			block := writeManager(t, dir)
			hide(t, block)

			_, err := eventlog.StartServer(eventlog.ServerConfig{Dir: dir, Record: true})
			loss, lost := errors.AsType[*eventlog.LossError](err)
			if cause := "the NATS server cannot recover the stream KV_managers: "; !lost ||
				!slices.ContainsFunc(loss.Lost, func(l string) bool {
					return strings.HasPrefix(l, cause) && strings.Contains(l, "is a directory")
				}) {
				t.Fatalf("the start: %v", err)
			}
			if want := "the files of KV_managers in " + filepath.Dir(filepath.Dir(block)); !slices.Contains(loss.Left, want) ||
				!slices.Contains(loss.Left, "LICENSES") {
				t.Errorf("left: %q, want %q and LICENSES", loss.Left, want)
			}
			if test.accept {
				eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: dir, Record: true, AcceptLoss: true})
				kept, err := filepath.Glob(filepath.Join(dir, "lost-*", "KV_managers", "msgs", "1.blk.hidden"))
				if err != nil || len(kept) != 1 {
					t.Errorf("set aside: %v, %v", kept, err)
				}
				return
			}
			show(t, block)
			readManager(t, dir)
		})
	}
}

// TestAKilledStartPutsBackWhatItDeleted: the next start does it, before it asks what is missing.
func TestAKilledStartPutsBackWhatItDeleted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	block := writeManager(t, dir)
	stream := filepath.Dir(filepath.Dir(block))
	kept := filepath.Join(dir, "nats", "kept")
	if err := os.Mkdir(kept, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(stream, filepath.Join(kept, "KV_managers")); err != nil {
		t.Fatal(err)
	}
	readManager(t, dir)
	if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the links are still there: %v", err)
	}
}

// TestAFileOfMessagesIsPutBack: a start that misses a file of messages changes nothing that keeps the next one from
// finding it, once it is put back.
func TestAFileOfMessagesIsPutBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	entries := map[string][]byte{}
	for i := range 12 { // more than one file
		entries[string(rune('a'+i))] = make([]byte, 800<<10)
	}
	block := writeEntries(t, dir, eventlog.Mappings, entries)
	away := filepath.Join(dir, "1.blk")
	if err := os.Rename(block, away); err != nil {
		t.Fatal(err)
	}
	_, err := eventlog.StartServer(eventlog.ServerConfig{Dir: dir, Record: true})
	if _, lost := errors.AsType[*eventlog.LossError](err); !lost {
		t.Fatalf("without a file of messages: %v", err)
	}
	if err := os.Rename(away, block); err != nil {
		t.Fatal(err)
	}
	server := eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: dir, Record: true})
	log, err := eventlog.Open(t.Context(), eventlog.Config{Server: server, Timeout: time.Minute}) // ten MB are read
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if all, err := log.Bucket(eventlog.Mappings).List(t.Context()); err != nil || len(all) != len(entries) {
		t.Errorf("%d entries, %v", len(all), err)
	}
}

// writeManager makes a data directory with one key, and returns the file that holds it.
func writeManager(t *testing.T, dir string) (block string) {
	t.Helper()
	return writeEntries(t, dir, eventlog.Managers, map[string][]byte{"bob": []byte("key")})
}

// writeEntries makes a data directory with a bucket of these entries, and returns the bucket's first file.
func writeEntries(t *testing.T, dir, bucket string, entries map[string][]byte) (block string) {
	t.Helper()
	server, err := eventlog.StartServer(eventlog.ServerConfig{Dir: dir, Record: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	log, err := eventlog.Open(t.Context(), eventlog.Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for key, value := range entries {
		if _, err := log.Bucket(bucket).Create(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "nats", "jetstream", "$G", "streams", eventlog.BucketStream(bucket), "msgs", "1.blk")
}

func readManager(t *testing.T, dir string) {
	t.Helper()
	log := eventlogtest.Open(t, eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: dir, Record: true}))
	if entry, err := log.Bucket(eventlog.Managers).Get(t.Context(), "bob"); err != nil || string(entry.Value) != "key" {
		t.Errorf("read %q, %v", entry.Value, err)
	}
}

// hide puts a directory in a file's place.
func hide(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.Rename(path, path+".hidden"), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
}

func show(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.Remove(path), os.Rename(path+".hidden", path)); err != nil {
		t.Fatal(err)
	}
}
