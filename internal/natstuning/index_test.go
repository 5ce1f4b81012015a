package natstuning

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// TestIndexIsTheServers: the index of a stream of several blocks is, byte by byte but for the subjects' order, the
// one that the server writes at its stop; so the server takes it.
func TestIndexIsTheServers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	srv, conn := start(t, dir)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}); err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), 512<<10)
	for i := range 40 {
		if _, err := js.Publish(t.Context(), fmt.Sprintf("s.subject.%d", i%30), body); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteIndex(srv, "S"); err != nil {
		t.Fatal(err)
	}
	if stream, err := OpenStream(srv, "S"); err != nil || stream.Head() != 40 {
		t.Errorf("last sequence: %v", err)
	}
	path := filepath.Join(dir, "jetstream", "$G", "streams", "S", "msgs", "index.db")
	ours, err := os.ReadFile(path)
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	srv.Shutdown()
	srv.WaitForShutdown()
	theirs, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, theirs) {
		t.Errorf("%d bytes are other than the server's %d", len(ours), len(theirs))
	}
	srv, conn = start(t, dir) // from the index
	if err := WriteIndex(srv, "S"); err != nil {
		t.Errorf("of a server that has stored nothing: %v", err)
	}
	if js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s.subject.1", body); err != nil {
		t.Fatal(err)
	}
	if err := WriteIndex(srv, "S"); err != nil {
		t.Error(err)
	}
	if later, err := os.ReadFile(path); err != nil || bytes.Equal(later, theirs) {
		t.Errorf("the index is the one before the last message: %v", err)
	}
	if err := WriteIndex(srv, "MISSING"); err == nil {
		t.Error("a stream that does not exist: no error")
	}
}
