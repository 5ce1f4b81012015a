package eventlog

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"licenseimport/events"
)

// TestIndexWhenQuiet: a second after the last message the index of LICENSES is written, once.
func TestIndexWhenQuiet(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	s.sealed(1)
	path := filepath.Join(streamDir(s.server.store, events.LicensesStream), "msgs", "index.db")
	srv := s.server.running()
	now := time.Now()
	i := indexer{direct: &s.server.direct}
	writes := func(after time.Duration, want bool) {
		t.Helper()
		mark := []byte("not an index")
		if err := os.WriteFile(path, mark, 0o600); err != nil {
			t.Fatal(err)
		}
		now = now.Add(after)
		i.look(srv, now)
		content, err := os.ReadFile(path)
		if err != nil || bytes.Equal(content, mark) == want {
			t.Errorf("%s later: written %v, %v", after, !want, err)
		}
	}
	s.server.stopSupervise() // it has an indexer, too
	<-s.server.supervised
	writes(0, false)
	writes(quietFor/2, false)
	writes(quietFor, true)
	writes(time.Minute, false)
	s.sealed(2)
	writes(time.Minute, false)
	writes(quietFor, true)
	s.sealed(3)
	writes(time.Second, false)
	writes(quietFor, false) // too soon after the last one
	writes(indexPause, true)
}
