package robustnesstest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/internal/buildtest"
)

// patience is how long a test waits for what must come.
var patience = time.Duration(scaled(30, 300)) * time.Second

const adminKey = "a key for hard days"

// secrets are what no process may write, in whichever test: keys, and customers' addresses.
var secrets = regexp.MustCompile(regexp.QuoteMeta(adminKey) + `|lik_[a-z2-7]{8}_[A-Za-z0-9_-]{20}|[\w.]+@example\.com`)

// process is one run of the program, with all roles or some.
type process struct {
	url  string // of its HTTP, without a last slash
	nats string
	data string           // its directory
	logs buildtest.Output // standard output and standard error

	cmd    *exec.Cmd // nil: it was stopped
	exited chan error
}

// serve starts everything in one process on a new directory.
func serve(t *testing.T, flags ...string) *process {
	t.Helper()
	return serveOn(t, filepath.Join(t.TempDir(), "data"), flags...)
}

// serveOn starts everything in one process on a directory.
func serveOn(t *testing.T, data string, flags ...string) *process {
	t.Helper()
	return launch(t, append([]string{"serve", "--data", data, "--http", "127.0.0.1:0", "--nats-port", "-1"}, flags...)...)
}

// launch starts a command that runs until it is stopped, and waits until it says
// that it runs. It is stopped when the test ends, and must say 0 then.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	p, err := start(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop(t)
		if leak := secrets.FindString(p.logs.String()); leak != "" {
			t.Errorf("%s wrote %q", args[0], leak)
		}
		if t.Failed() {
			t.Logf("what %s said:\n%s", args[0], p.lastWords())
		}
	})
	return p
}

// start is launch without a test to end it.
func start(args ...string) (*process, error) {
	p := &process{exited: make(chan error, 1), cmd: exec.Command(program, args...)}
	p.cmd.Env, p.cmd.Stderr = environment(), &p.logs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(io.TeeReader(out, &p.logs))
	runs := p.readAddresses(lines)
	go func(cmd *exec.Cmd) {
		_, _ = io.Copy(&p.logs, out)
		p.exited <- cmd.Wait()
	}(p.cmd)
	if !runs {
		<-p.exited
		p.cmd = nil
		return nil, errors.New(p.logs.String())
	}
	return p, nil
}

// readAddresses reads where the process can be reached; false: it ended.
func (p *process) readAddresses(lines *bufio.Scanner) bool {
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 2 && fields[0] == "HTTP":
			p.url = fields[1]
		case len(fields) == 2 && fields[0] == "NATS":
			p.nats = fields[1]
		case len(fields) > 1 && fields[0] == "Data":
			p.data = fields[len(fields)-1]
			return true
		case len(fields) > 3 && fields[0] == "uses":
			return true
		}
	}
	return false
}

// natsFlags are the flags of a command that uses the process's NATS server.
func (p *process) natsFlags() []string {
	return []string{"--nats-url", p.nats, "--nats-token-file", eventlog.TokenPath(p.data)}
}

// natsConfig connects to the process's NATS server.
func (p *process) natsConfig() eventlog.Config {
	return eventlog.Config{URL: p.nats, TokenFile: eventlog.TokenPath(p.data)}
}

// with is args and the flags of a command that uses the process's NATS server.
func (p *process) with(args ...string) []string { return append(args, p.natsFlags()...) }

// stop ends it by SIGTERM; it must say 0. It returns how long that took.
func (p *process) stop(t *testing.T) time.Duration {
	t.Helper()
	if p.cmd == nil {
		return 0
	}
	began := time.Now()
	p.signal(t, syscall.SIGTERM)
	p.awaitExit(t, 45*time.Second)
	return time.Since(began)
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Errorf("signal: %v", err)
	}
}

// awaitExit waits for an end with status 0.
func (p *process) awaitExit(t *testing.T, most time.Duration) {
	t.Helper()
	cmd := p.cmd
	p.cmd = nil
	select {
	case err := <-p.exited:
		if err != nil {
			t.Errorf("%s ended with %v: %s", cmd.Args[1], err, p.lastWords())
		}
	case <-time.After(most):
		_ = cmd.Process.Kill()
		t.Errorf("%s does not stop: %s", cmd.Args[1], p.lastWords())
	}
}

// lastWords are the last lines that it wrote.
func (p *process) lastWords() string {
	lines := strings.Split(strings.TrimSpace(p.logs.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// command runs the program to its end, which must be 0, and gives what it prints.
func command(t *testing.T, args ...string) (out string) {
	t.Helper()
	stdout, stderr, err := try(t, args...)
	if err != nil {
		t.Fatalf("%q: %v: %s%s", args, err, stdout, stderr)
	}
	return stdout
}

// try runs the program to its end.
func try(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return tryFor(t, 10*time.Minute, args...)
}

// tryFor is try with a limit, after which the program is killed.
func tryFor(t *testing.T, most time.Duration, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	var out, errOut bytes.Buffer
	c := exec.CommandContext(ctx, program, args...)
	c.Env, c.Dir, c.Stdout, c.Stderr = environment(), t.TempDir(), &out, &errOut
	err = c.Run()
	return out.String(), errOut.String(), err
}

// environment is this one with the admin key and no other setting of the program.
func environment() []string {
	var kept []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "LICENSEIMPORT_") {
			kept = append(kept, entry)
		}
	}
	return append(kept, "LICENSEIMPORT_ADMIN_KEY="+adminKey)
}

// eventually waits until f is true.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// fails runs a command that must end by itself with status 1, and returns what it said.
func fails(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, err := tryFor(t, 20*time.Second, args...)
	if exit, ended := errors.AsType[*exec.ExitError](err); !ended || exit.ExitCode() != 1 {
		t.Fatalf("%v ended with %v, not with status 1: %s%s", args, err, stdout, stderr)
	}
	return stdout + stderr
}
