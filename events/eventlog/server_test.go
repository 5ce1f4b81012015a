package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/internal/freeport"
)

func TestOneServerForEachDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: dir, Port: -1})
	if err := first.Announce("http://127.0.0.1:8080"); err != nil {
		t.Fatal(err)
	}
	by, held, err := eventlog.LockOwner(dir)
	want := eventlog.LockInfo{PID: os.Getpid(), NATS: first.URL(), HTTP: "http://127.0.0.1:8080"}
	if err != nil || !held || by != want {
		t.Errorf("owner: %+v, %v, %v; want %+v", by, held, err, want)
	}
	_, err = eventlog.StartServer(eventlog.ServerConfig{Dir: dir})
	var taken *eventlog.LockedError
	if !errors.As(err, &taken) || taken.Owner != want || !strings.Contains(err.Error(), "http://127.0.0.1:8080") {
		t.Errorf("a second server: %v", err)
	}
	first.Shutdown()
	if _, held, err := eventlog.LockOwner(dir); held || err != nil {
		t.Errorf("after the shutdown: held %v, %v", held, err)
	}
}

func TestLockOwnerWithoutLock(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"empty": t.TempDir(), "missing": filepath.Join(t.TempDir(), "none")} {
		if _, held, err := eventlog.LockOwner(dir); held || err != nil {
			t.Errorf("%s: held %v, %v", name, held, err)
		}
	}
}

func TestStartServerRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	spoiled := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(spoiled, "nats"), 0o700), os.WriteFile(filepath.Join(spoiled, "nats", "jetstream"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		config eventlog.ServerConfig
		want   string
	}{
		{"no directory", eventlog.ServerConfig{}, "data directory"},
		{"a file", eventlog.ServerConfig{Dir: file}, "cannot be used"},
		{"below a file", eventlog.ServerConfig{Dir: filepath.Join(file, "data")}, "cannot be used"},
		{"a spoiled store", eventlog.ServerConfig{Dir: spoiled}, "JetStream"},
		{"open to all", eventlog.ServerConfig{Dir: t.TempDir(), Host: "0.0.0.0", Port: -1}, "needs a token"},
		{"a user without a password", eventlog.ServerConfig{Dir: t.TempDir(), Host: "::", Port: -1, User: "u"}, "needs a token"},
		{"a digest", eventlog.ServerConfig{Dir: t.TempDir(), User: "u", Password: "$2a$11$abc"}, "the password itself"},
		{"a token that is no UTF-8", eventlog.ServerConfig{Dir: t.TempDir(), Token: "caf\xe9"}, "UTF-8"},
		{"a taken port", eventlog.ServerConfig{Dir: t.TempDir(), Port: busy.Addr().(*net.TCPAddr).Port}, "address already in use"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, err := eventlog.StartServer(test.config)
			if err == nil {
				server.Shutdown()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: dir})
	log := eventlogtest.Open(t, server)
	appendRows(t, log, 7, 0, 0, 100)
	started := appendFact(t, log, 7, events.StartedSubject(7), 0)
	before := stateOf(t, log)
	server.Shutdown()
	server.Shutdown() // the second does nothing

	log = eventlogtest.Open(t, eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: dir}))
	if err := log.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := stateOf(t, log); after != before {
		t.Errorf("the stream is %+v, was %+v", after, before)
	}
	if got := readRows(t, log, 7, 0); len(got) != 100 {
		t.Errorf("%d rows are left, want 100", len(got))
	}
	appendFact(t, log, 7, events.SealedSubject(7), started)
}

func TestOpenOverTheNetwork(t *testing.T) {
	t.Parallel()
	server := eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: t.TempDir(), Port: -1, Token: "secret"})
	open := func(url string) (*eventlog.Log, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return eventlog.Open(ctx, eventlog.Config{URL: url})
	}
	if strings.Contains(server.URL(), "secret") {
		t.Errorf("the URL %s holds the token", server.URL())
	}
	log, err := open(strings.Replace(server.URL(), "nats://", "nats://secret@", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	appendFact(t, log, 7, events.StartedSubject(7), 0)
	if last, found, err := eventlogtest.Open(t, server).LastFact(t.Context(), 7); !found || err != nil || last.Seq != 1 {
		t.Errorf("seen from within: %+v, %v, %v", last, found, err)
	}
	begin := time.Now()
	if _, err := open(server.URL()); err == nil || !strings.Contains(err.Error(), "Authorization") {
		t.Errorf("without the token: %v", err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("the refusal took %v", took)
	}
}

func TestOpenWaitsForTheServer(t *testing.T) {
	t.Parallel()
	port := freeport.Port()
	opened := make(chan error, 1)
	go func() {
		log, err := eventlog.Open(t.Context(), eventlog.Config{URL: fmt.Sprintf("nats://127.0.0.1:%d", port)})
		if err == nil {
			log.Close()
		}
		opened <- err
	}()
	eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: t.TempDir(), Port: port})
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := eventlog.Open(ctx, eventlog.Config{URL: "nats://" + freeport.Address()}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}

func TestOpenRefusesAtOnce(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "none.pem")
	for _, test := range []struct {
		name   string
		config eventlog.Config
		want   string
	}{
		{"no server", eventlog.Config{}, "no URL"},
		{"no authority's file", eventlog.Config{URL: "nats://127.0.0.1:1", CA: missing}, "none.pem"},
		{"no certificate's file", eventlog.Config{URL: "nats://127.0.0.1:1", Cert: missing, Key: missing}, "none.pem"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := eventlog.Open(t.Context(), test.config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
