package natstuning

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TestSyncRewrites: the field that the server asks before it replaces a file is set for one stream, and only for one
// that has files.
func TestSyncRewrites(t *testing.T) {
	srv, conn := start(t, filepath.Join(t.TempDir(), "store"))
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, config := range []jetstream.StreamConfig{
		{Name: "ASYNC", Subjects: []string{"async"}, PersistMode: jetstream.AsyncPersistMode, AllowBatchPublish: true},
		{Name: "OTHER", Subjects: []string{"other"}},
		{Name: "MEMORY", Subjects: []string{"memory"}, Storage: jetstream.MemoryStorage},
	} {
		if _, err := js.CreateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	if err := SyncRewrites(srv, "ASYNC"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"ASYNC": true, "OTHER": false} {
		flag := privateField(storeOf(streamOf(srv, name)), "syncOnFlush").Addr().Interface().(*atomic.Bool)
		if flag.Load() != want {
			t.Errorf("%s: %v", name, flag.Load())
		}
	}
	if err := SyncRewrites(srv, "MISSING"); !errors.Is(err, ErrNoStream) {
		t.Errorf("a stream that does not exist: %v", err)
	}
	if err := SyncRewrites(srv, "MEMORY"); err == nil {
		t.Error("a stream in memory: no error")
	}
	async, err := js.Stream(t.Context(), "ASYNC")
	if err != nil {
		t.Fatal(err)
	}
	config := async.CachedInfo().Config
	config.Duplicates = time.Second
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if !privateField(storeOf(streamOf(srv, "ASYNC")), "syncOnFlush").Addr().Interface().(*atomic.Bool).Load() {
		t.Error("an update of the stream's settings takes it back")
	}
}
