//go:build unix

package crashtest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/events/eventlog"
)

// server is a process with all roles, and its data directory.
type server struct {
	*process
	data   string
	nats   string  // its address while it runs, with the token
	client *client // of the one that runs
}

// newServer starts one on an empty directory.
func newServer(t *testing.T) *server { return newServerOf(t, program) }

// newServerOf is newServer of another program, with variables.
func newServerOf(t *testing.T, program string, environment ...string) *server {
	data := filepath.Join(t.TempDir(), "data")
	s := &server{data: data, process: newProcess(t, "serve", "serve",
		"--data", data, "--http", "127.0.0.1:0", "--nats-port", "-1", "--abandoned-after", "1s")}
	s.path, s.env = program, append(s.env, environment...)
	must(t, s.start())
	return s
}

var errNotThere = errors.New("it does not answer yet")

// start starts it, on any free ports, and waits until it is ready. The directory's
// lock file tells where it is.
func (s *server) start() error {
	if err := s.process.start(); err != nil {
		return err
	}
	return s.reachable()
}

// reachable waits until it is ready.
func (s *server) reachable() error {
	err := waitFor("a server on "+s.data, func() error {
		by, held, err := eventlog.LockOwner(s.data)
		if err == nil && (!held || by.PID != s.cmd.Process.Pid || by.HTTP == "") {
			err = errNotThere
		}
		if err != nil {
			return err
		}
		s.client = newClient(by.HTTP)
		s.nats, err = withToken(by.NATS, s.data)
		return err
	})
	if err != nil {
		return err
	}
	return s.client.ready()
}

// withToken is the address of the NATS server that holds a data directory, with its token.
func withToken(url, data string) (string, error) {
	token, err := eventlog.ReadToken(eventlog.TokenPath(data))
	return strings.Replace(url, "nats://", "nats://"+token+"@", 1), err
}

// restartByKill is a crash: it kills the server and starts it on what is left.
func (s *server) restartByKill() error {
	s.kill()
	return s.start()
}

// killedInABatch kills it, again and again, while it stores the outcomes of a file. Most of these kills come within a
// batch.
func (s *server) killedInABatch(t *testing.T) *file {
	f := shape{name: "file", rows: 40_000, seed: 1}.generate()
	must(t, s.client.send(t.Context(), f, attempt{}))
	for kills := range 4 {
		must(t, decided(s.nats, f.Job, 4000*(kills+1)))
		must(t, s.restartByKill())
	}
	return f
}

// TestKilledInABatch: the next start completes the batch that a server was storing when it was killed.
func TestKilledInABatch(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	verify(t, s.nats, s.client, s.killedInABatch(t))
}

// TestKillFindsATornBatch is the negative control: a program whose start does not complete it. Each row has one outcome
// all the same.
func TestKillFindsATornBatch(t *testing.T) {
	t.Parallel()
	built, err := faulty()
	must(t, err)
	for round := range rounds {
		s := newServerOf(t, built, faultsVariable+"=stage")
		f := s.killedInABatch(t)
		report, err := found(&system{url: s.nats}, []*file{f})
		must(t, err)
		t.Logf("round %d: %v", round+1, report)
		if len(report.Lost)+len(report.Duplicated) > 0 {
			t.Error("a torn batch has cost more")
		}
		if len(report.Torn) > 0 {
			return
		}
		s.kill()
	}
	t.Error("the fault is not found")
}

// withoutViews stops it, deletes the views and starts it again.
func (s *server) withoutViews() error {
	if err := s.stop(); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(s.data, "views.bolt")); err != nil {
		return err
	}
	return s.start()
}
