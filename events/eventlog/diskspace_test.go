package eventlog

import (
	"errors"
	"testing"
)

// TestNoFreeSpace: below MinFree rows are refused at once, and facts are still stored.
func TestNoFreeSpace(t *testing.T) {
	t.Parallel()
	log := openWith(t, ServerConfig{Dir: t.TempDir(), MinFree: 1 << 60})
	if _, err := log.AppendRows(t.Context(), 1, 0, [][]byte{[]byte("{}")}); !errors.Is(err, ErrDiskFull) {
		t.Errorf("rows: %v", err)
	}
	if _, err := log.AppendFact(t.Context(), 1, "imports.1.started", []byte("{}"), 0); err != nil {
		t.Errorf("a fact: %v", err)
	}
	if err := openWith(t, ServerConfig{Dir: t.TempDir(), MinFree: 1}).CheckFreeSpace(); err != nil {
		t.Errorf("with free space: %v", err)
	}
}
