package eventlog

import (
	"errors"
	"testing"
)

// TestNoFreeSpace: below MinFree rows are refused at once, and facts are still stored.
func TestNoFreeSpace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, err := StartServer(ServerConfig{Dir: dir, MinFree: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	log, err := Open(t.Context(), Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.AppendRows(t.Context(), 1, 0, [][]byte{[]byte("{}")}); !errors.Is(err, ErrDiskFull) {
		t.Errorf("rows: %v", err)
	}
	if _, err := log.AppendFact(t.Context(), 1, "imports.1.started", []byte("{}"), 0); err != nil {
		t.Errorf("a fact: %v", err)
	}
	server.config.MinFree = 1
	if err := log.CheckFreeSpace(); err != nil {
		t.Errorf("with free space: %v", err)
	}
}
