package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/internal/freeport"

	"github.com/nats-io/nats.go"
)

// TestServerAsksEverybodyForItsToken: who does not know the token connects to no port of the
// server, on loopback either. The server makes it at its first start and keeps it.
func TestServerAsksEverybodyForItsToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := eventlog.ServerConfig{Dir: dir, Port: -1, TokenFile: eventlog.TokenPath(dir)}
	server := eventlogtest.StartServerOn(t, config)
	token, err := eventlog.ReadToken(config.TokenFile)
	if err != nil || len(token) != 64 {
		t.Fatalf("a token of %d characters, %v", len(token), err)
	}
	if info, err := os.Stat(config.TokenFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode: %v, %v", info, err)
	}
	for name, options := range map[string][]nats.Option{
		"none": nil, "another": {nats.Token("guess")}, "empty": {nats.Token("")}, "a user": {nats.UserInfo("a", "b")},
		"one character less": {nats.Token(token[1:])},
	} {
		if conn, err := nats.Connect(server.URL(), options...); err == nil {
			conn.Close()
			t.Errorf("token %s: a client connects", name)
		}
	}
	appendFact(t, eventlogtest.Open(t, server), 7, events.StartedSubject(7), 0) // within the process
	server.Shutdown()

	again := eventlogtest.StartServerOn(t, config)
	conn, err := nats.Connect(again.URL(), nats.Token(token))
	if err != nil {
		t.Fatalf("after a restart: %v", err)
	}
	conn.Close()
	if lock, err := os.ReadFile(filepath.Join(dir, "lock")); err != nil || bytes.Contains(lock, []byte(token)) {
		t.Errorf("the lock file holds the token: %s %v", lock, err)
	}
}

// TestReadToken: the token is the one word of the file, whichever editor wrote it.
func TestReadToken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	for text, want := range map[string]string{
		"word": "word", " word\r\n": "word", "\ufeffword\r\n": "word", "caf\xe9": "", "": "", "two words": "",
		"\xff\xfew\x00o\x00": "",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		token, err := eventlog.ReadToken(path)
		if token != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, token, err)
		}
	}
}

// TestTokenOfTheOperator is stored for the commands on the data directory, and replaces another.
func TestTokenOfTheOperator(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := eventlog.TokenPath(dir)
	for _, token := range []string{"", "first-choice", "second-choice", ""} {
		server := eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: dir, Port: -1, Token: token, TokenFile: path})
		stored, err := eventlog.ReadToken(path)
		if err != nil || token != "" && stored != token {
			t.Errorf("%q is stored as %q, %v", token, stored, err)
		}
		conn, err := nats.Connect(server.URL(), nats.Token(stored))
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		server.Shutdown()
	}
}

// TestSpoiledTokenFileOpensNoServer: an empty token would let everybody in.
func TestSpoiledTokenFileOpensNoServer(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"empty":       func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"blank":       func(path string) error { return os.WriteFile(path, []byte(" \n"), 0o600) },
		"two words":   func(path string) error { return os.WriteFile(path, []byte("one two"), 0o600) },
		"a digest":    func(path string) error { return os.WriteFile(path, []byte("$2a$10$abcdefghijklmnopqrstuv"), 0o600) },
		"a link":      func(path string) error { return os.Symlink("elsewhere", path) },
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		dir := t.TempDir()
		path := eventlog.TokenPath(dir)
		if err := spoil(path); err != nil {
			t.Fatal(err)
		}
		server, err := eventlog.StartServer(eventlog.ServerConfig{Dir: dir, Port: -1, TokenFile: path})
		if err == nil {
			server.Shutdown()
		}
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTokenFileOfOthersIsClosed: a token that every user may read gets the mode 0600.
func TestTokenFileOfOthersIsClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := eventlog.TokenPath(dir)
	if err := errors.Join(os.WriteFile(path, []byte("readable-by-all\n"), 0o600), os.Chmod(path, 0o644)); err != nil {
		t.Fatal(err)
	}
	eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: dir, Port: -1, TokenFile: path})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestOpenWaitsForTheToken: a client that starts first waits for the file that the server makes,
// reads it again at each connection, and logs no token.
func TestOpenWaitsForTheToken(t *testing.T) {
	var logged lockedBuffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	defer slog.SetDefault(before)
	dir, port := t.TempDir(), freeport.Port()
	path := eventlog.TokenPath(dir)
	opened := make(chan *eventlog.Log)
	go func() {
		log, err := eventlog.Open(t.Context(), eventlog.Config{URL: fmt.Sprintf("nats://127.0.0.1:%d", port), TokenFile: path})
		if err != nil {
			t.Error(err)
		}
		opened <- log
	}()
	config := eventlog.ServerConfig{Dir: dir, Port: port, TokenFile: path}
	server := eventlogtest.StartServerOn(t, config)
	log := <-opened
	defer log.Close()
	first, err := eventlog.ReadToken(path)
	if err != nil {
		t.Fatal(err)
	}
	appendFact(t, log, 7, events.StartedSubject(7), 0)

	server.Shutdown()
	config.Token = "another-one"
	eventlogtest.StartServerOn(t, config)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for log.Ready(ctx) != nil && ctx.Err() == nil {
	}
	if ctx.Err() != nil {
		t.Error("it does not connect with the new token")
	}
	if text := logged.String(); strings.Contains(text, first) || strings.Contains(text, config.Token) {
		t.Errorf("the log holds a token: %s", text)
	}
}

// A lockedBuffer is written by several goroutines.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
