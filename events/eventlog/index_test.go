package eventlog

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/natstuning"
)

// TestIndexWhenQuiet: a second after the last message the index of LICENSES is written, once.
func TestIndexWhenQuiet(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	s.sealed(1)
	path := filepath.Join(messagesDir(s.server.store, events.LicensesStream), natstuning.IndexName)
	srv := s.server.running()
	now := time.Now()
	i := indexer{of: s.server, most: indexedMessages}
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
	i.most = 4
	s.sealed(4)
	writes(time.Minute, false) // two messages more
	s.sealed(5)
	writes(time.Millisecond, true)
}

// TestStartAfterKillExtendsIndex: a server that was killed among appends reads of LICENSES what the index lacks.
func TestStartAfterKillExtendsIndex(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	s.server.stopSupervise()
	<-s.server.supervised
	s.sealed(1)
	if err := natstuning.WriteIndex(s.server.running(), events.LicensesStream); err != nil {
		t.Fatal(err)
	}
	s.sealed(2, &events.ImportFinished{JobID: 2, Status: events.Success})
	want, err := s.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		config  ServerConfig
		indexed uint64
	}{
		{"tuned", ServerConfig{}, uint64(want.Last)},
		{"not tuned", ServerConfig{NoTuning: true}, 0},
		{"full disk", ServerConfig{MinFree: 1 << 60}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.Dir = t.TempDir()
			if err := os.CopyFS(test.config.Dir, os.DirFS(s.server.config.Dir)); err != nil {
				t.Fatal(err)
			}
			killed, err := StartServer(test.config)
			if err != nil {
				t.Fatal(err)
			}
			defer killed.Shutdown()
			if killed.indexed != test.indexed {
				t.Errorf("the index was that of message %d, want %d", killed.indexed, test.indexed)
			}
			log, err := Open(t.Context(), Config{Server: killed})
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			if got, err := log.State(t.Context()); err != nil || got != want {
				t.Errorf("the stream is %+v, want %+v: %v", got, want, err)
			}
			if m, _, err := log.LastFact(t.Context(), 2); err != nil || m.Seq != want.Last {
				t.Errorf("the last fact is %d: %v", m.Seq, err)
			}
		})
	}
}
