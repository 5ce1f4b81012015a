package eventlog

import (
	"os"
	"path/filepath"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/natstuning"
)

// openUnsupervised opens a log whose server has nothing that looks after it: the tests do that.
func openUnsupervised(t *testing.T) strays {
	t.Helper()
	s := strays{t, openHere(t)}
	s.server.stopSupervise()
	<-s.server.supervised
	return s
}

// TestIndexIsExtended: each time that the index of LICENSES lacks so many messages they are added.
func TestIndexIsExtended(t *testing.T) {
	t.Parallel()
	s := openUnsupervised(t)
	path := filepath.Join(messagesDir(s.server.store, events.LicensesStream), natstuning.IndexName)
	srv := s.server.running()
	i := indexer{of: s.server, after: 4}
	writes := func(want bool) {
		t.Helper()
		before, _ := os.Stat(path) // there may be none yet
		i.look(srv)
		after, err := os.Stat(path)
		if wrote := err == nil && !os.SameFile(before, after); wrote != want {
			t.Errorf("written %v, %v", wrote, err)
		}
	}
	s.sealed(1)
	writes(false) // two messages
	s.sealed(2)
	writes(true)
	writes(false)
	s.sealed(3)
	writes(false)
	s.sealed(4)
	s.server.config.MinFree = 1 << 60
	writes(false) // the disk is full
	s.server.config.MinFree = 0
	writes(true)
	if head := s.server.direct.stream(srv, events.LicensesStream).Head(); i.written != head || head != 8 {
		t.Errorf("the index is that of message %d, the last one is %d", i.written, head)
	}
	i.written = 1000 // of a stream that was there before
	writes(false)
	if i.written != 8 {
		t.Errorf("the index is that of message %d, the last one is 8", i.written)
	}
}

// TestStartAfterKillExtendsIndex: a server that was killed among appends reads of LICENSES what the index lacks.
func TestStartAfterKillExtendsIndex(t *testing.T) {
	t.Parallel()
	s := openUnsupervised(t)
	s.sealed(1)
	if _, err := natstuning.ExtendIndexOf(s.server.running(), events.LicensesStream); err != nil {
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
