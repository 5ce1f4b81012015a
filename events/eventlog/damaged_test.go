package eventlog

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/natstuning"
)

// damage changes one byte of a message of LICENSES, as a failing disk does. The server of the directory does not run.
func damage(t *testing.T, s *Server, message []byte) {
	t.Helper()
	blocks, err := natstuning.BlockFiles(messagesDir(s.store, events.LicensesStream))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range blocks {
		content, err := os.ReadFile(block.Path)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(content, message); at >= 0 {
			content[at+len(message)/2] ^= 1
			if err := os.WriteFile(block.Path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no block has %s", message)
}

// TestDamagedMessage: a message whose file is damaged is not left out. Readers of the whole stream and look-ups name it; an
// operator may set it aside, and then readers go on, and so do backups.
func TestDamagedMessage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, stop := openOn(t, dir)
	s := strays{t, log}
	started := s.fact(&events.ImportStarted{JobID: 7}, 0)
	var licenses []*events.LicenseImported
	for row, key := range []string{"A", "B", "C"} {
		e := &events.LicenseImported{
			JobID: 7, Row: events.Row(row + 1), License: events.License{Key: key}, Product: events.Product{ShortCode: "p"},
		}
		licenses = append(licenses, e)
		s.stray(e.Subject(), s.encode(e))
	}
	lost := started + 2
	m, _, err := log.MessageAt(t.Context(), lost)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	damage(t, log.server, m.Data)
	embedded, _ := openOn(t, dir)
	asClient, err := Open(t.Context(), Config{URL: embedded.server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(asClient.Close)
	logs := map[string]*Log{"in the server's process": embedded, "as a client": asClient}
	for name, log := range logs {
		read, err := (strays{t, log}).follow()
		if !unreadable(err, lost) || !slices.Equal(read, []events.Seq{1, 2}) || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s, the stream: %v, %v", name, read, err)
		}
		var found []string
		err = log.Lookup(t.Context(), subjectsOf(licenses), func(m Message) error { found = append(found, m.Subject); return nil })
		damaged, ok := errors.AsType[*UnreadableEventError](err)
		if !ok || damaged.Subject != licenses[1].Subject() || damaged.Seq != 0 ||
			strings.Contains(err.Error(), damaged.Subject) {
			t.Errorf("%s, a look-up: %v, %v", name, found, err)
		}
	}
	if _, err := embedded.Snapshot(t.Context(), events.LicensesStream, io.Discard); err == nil {
		t.Error("a backup without the message")
	}
	(strays{t, embedded}).setAsideAll(lost)
	for name, log := range logs {
		if read, err := (strays{t, log}).follow(); err != nil || !slices.Equal(read, []events.Seq{1, 2, 4, 5}) {
			t.Errorf("%s, set aside: %v, %v", name, read, err)
		}
	}
	if _, err := embedded.Snapshot(t.Context(), events.LicensesStream, io.Discard); err != nil {
		t.Errorf("a backup: %v", err)
	}
}

func subjectsOf(licenses []*events.LicenseImported) (subjects []string) {
	for _, e := range licenses {
		subjects = append(subjects, e.Subject())
	}
	return subjects
}

// TestAcceptedGap: where an operator has accepted that messages are lost, readers go on behind them.
func TestAcceptedGap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, stop := openOn(t, dir)
	s := strays{t, log}
	last := events.Seq(0)
	for range 30 { // more than two files
		last = s.stray("licenses.hello.world", bytes.Repeat([]byte("hello "), 150_000))
	}
	stop()
	msgs := messagesDir(log.server.store, events.LicensesStream)
	blocks, err := natstuning.BlockFiles(msgs)
	if err != nil || len(blocks) < 3 {
		t.Fatalf("%d files, %v", len(blocks), err)
	}
	for _, path := range []string{blocks[1].Path, filepath.Join(msgs, natstuning.IndexName)} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	server, err := StartServer(ServerConfig{Dir: dir, Port: -1, AcceptLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	if log, err = Open(t.Context(), Config{Server: server}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	var read []events.Seq
	end := errors.New("the end")
	err = log.Follow(t.Context(), 0, nil, func(m Message) error {
		if read = append(read, m.Seq); m.Seq == last {
			return end
		}
		return nil
	})
	if !errors.Is(err, end) || len(read) < 10 || len(read) >= int(last) {
		t.Errorf("read %v of %d: %v", read, last, err)
	}
}

// TestDamagedFile: a server that finds a whole file damaged while it runs drops its messages as if they were deleted.
// Readers stop all the same, and so does a comparison with what the directory held.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	filled, stop := openOn(t, dir)
	for range 30 { // more than two files
		strays{t, filled}.stray("licenses.hello.world", bytes.Repeat([]byte("hello "), 150_000))
	}
	stop()
	blocks, err := natstuning.BlockFiles(messagesDir(filled.server.store, events.LicensesStream))
	if err != nil || len(blocks) < 3 {
		t.Fatalf("%d files, %v", len(blocks), err)
	}
	info, err := os.Stat(blocks[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	server, err := StartServer(ServerConfig{Dir: dir, Port: -1, Record: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	if err := os.WriteFile(blocks[0].Path, make([]byte, info.Size()), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := Open(t.Context(), Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	_, err = strays{t, log}.follow()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(err.Error(), "its file is damaged, with all"); {
		if time.Now().After(end) {
			t.Fatalf("the stream: %v", err)
		}
		time.Sleep(2 * natstuning.BlockLifetime) // without a read, after which the server forgets the file's content
		_, err = strays{t, log}.follow()
	}
	if !unreadable(err, 1) || strings.Contains(err.Error(), "set-aside") {
		t.Errorf("the stream: %v", err)
	}
	if err := log.DamagedBefore(t.Context(), 30); !unreadable(err, 1) {
		t.Errorf("what is damaged: %v", err)
	}
	if loss, lost := errors.AsType[*LossError](log.CheckRecord(t.Context(), dir)); !lost ||
		!strings.Contains(strings.Join(loss.Lost, ""), "although it held 30") {
		t.Errorf("what the directory held: %v", loss)
	}
}
