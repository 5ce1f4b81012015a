package contracttest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"licenseimport/internal/buildtest"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// system is a running server, known by what it prints.
type system struct {
	url   string // of the API, without a last slash
	nats  string
	token string // that NATS asks for
	data  string // its directory
	admin string // the key that it made

	process *exec.Cmd
	exited  chan error
	logs    *buildtest.Output
}

// serve starts a server in a new directory; it is stopped when the test ends.
func serve(t *testing.T, flags ...string) *system {
	t.Helper()
	return serveOn(t, filepath.Join(t.TempDir(), "data"), flags...)
}

// serveOn starts a server on a directory.
func serveOn(t *testing.T, data string, flags ...string) *system {
	t.Helper()
	s := &system{data: data, exited: make(chan error, 1), logs: &buildtest.Output{}}
	args := append([]string{"serve", "--data", data, "--http", "127.0.0.1:0", "--nats-port", "-1"}, flags...)
	s.process = exec.Command(program, args...)
	s.process.Env = environment()
	s.process.Stderr = s.logs
	out, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	s.readAddresses(t, out)
	go func(process *exec.Cmd) {
		_, _ = io.Copy(io.Discard, out)
		s.exited <- process.Wait()
	}(s.process)
	t.Cleanup(func() { s.stop(t) })
	if key, err := os.ReadFile(filepath.Join(data, "admin.key")); err == nil {
		s.admin = strings.TrimSpace(string(key))
	}
	if token, err := os.ReadFile(filepath.Join(data, "nats.token")); err == nil {
		s.token = strings.TrimSpace(string(token))
	}
	return s
}

// readAddresses reads what the server prints when it runs.
func (s *system) readAddresses(t *testing.T, out io.Reader) {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 2 && fields[0] == "HTTP":
			s.url = fields[1]
		case len(fields) == 2 && fields[0] == "NATS":
			s.nats = fields[1]
		case len(fields) > 1 && fields[0] == "Data":
			return
		}
	}
	t.Fatalf("the server ended before it ran: %s", s.logs)
}

// stop ends the server by SIGTERM; it must say 0.
func (s *system) stop(t *testing.T) {
	t.Helper()
	if s.process == nil {
		return
	}
	process := s.process
	s.process = nil
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stopping the server: %v", err)
	}
	select {
	case err := <-s.exited:
		if err != nil {
			t.Errorf("the server ended with %v: %s", err, s.logs)
		}
	case <-time.After(40 * time.Second):
		_ = process.Process.Kill()
		t.Errorf("the server does not stop: %s", s.logs)
	}
}

// outcome is what a command did.
type outcome struct {
	status   int
	out, err string
}

// run runs the program to its end.
func run(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	return runWith(t, nil, stdin, args...)
}

// runWith is run with more variables in the environment.
func runWith(t *testing.T, variables []string, stdin string, args ...string) outcome {
	t.Helper()
	var out, errOut bytes.Buffer
	c := exec.CommandContext(t.Context(), program, args...)
	c.Env, c.Dir = append(environment(), variables...), t.TempDir()
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &errOut
	err := c.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return outcome{c.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// command runs the program, which must end with 0, and gives what it prints.
func command(t *testing.T, args ...string) string {
	t.Helper()
	o := run(t, "", args...)
	if o.status != 0 {
		t.Fatalf("%q ended with %d: %s%s", args, o.status, o.out, o.err)
	}
	return o.out
}

// newKey makes a key on the command line.
func (s *system) newKey(t *testing.T, name, role string, products ...string) string {
	t.Helper()
	args := []string{"keys", "create", name, "--role", role, "--data", s.data}
	if len(products) > 0 {
		args = append(args, "--products", strings.Join(products, ","))
	}
	return strings.TrimSpace(command(t, args...))
}

// environment is this one without settings of the program.
func environment() []string {
	var kept []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "LICENSEIMPORT_") {
			kept = append(kept, entry)
		}
	}
	return kept
}

// eventually waits until f is true.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
