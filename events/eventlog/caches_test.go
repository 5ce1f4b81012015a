package eventlog

import (
	"bytes"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// TestCachesAreShort holds what caches.go sets inside the NATS server against the release in use: when
// a new one keeps its settings elsewhere this fails, and caches.go has to follow or to go.
func TestCachesAreShort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	body := bytes.Repeat([]byte("x"), 512<<10)
	for _, streams := range []string{"new streams", "old streams"} {
		server, err := StartServer(ServerConfig{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		log, err := Open(t.Context(), Config{Server: server})
		if err != nil {
			t.Fatal(err)
		}
		awaitTrue(t, streams+" to keep nothing for long", func() bool { return keptLongest(server) == blockKept })
		last, _, err := log.LastRow(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		seq := last.Seq
		for range 20 { // of 8 MB a block
			if seq, err = log.AppendRows(t.Context(), 1, seq, [][]byte{body}); err != nil {
				t.Fatal(err)
			}
		}
		if kept := keptLongest(server); kept != blockKept {
			t.Errorf("a block of %s is kept for %v, not for %v", streams, kept, blockKept)
		}
		log.Close()
		server.Shutdown()
	}
}

// keptLongest is the longest time for which a stream keeps a block, or will keep its next.
func keptLongest(s *Server) (most time.Duration) {
	for _, stream := range streamsOf(s.running()) {
		store := storeOf(stream)
		unlock := rlocked(store)
		most = max(most, inside(store, "fcfg").Interface().(server.FileStoreConfig).CacheExpire)
		blocks := inside(store, "blks")
		for i := range blocks.Len() {
			most = max(most, time.Duration(inside(blocks.Index(i), "cexp").Int()))
		}
		unlock()
	}
	return most
}

// TestCachesOfAnotherRelease: a server that is not as expected inside is told of, and goes on.
func TestCachesOfAnotherRelease(t *testing.T) {
	t.Parallel()
	if err := trimCaches(nil); err == nil {
		t.Error("no server at all is as expected")
	}
}
