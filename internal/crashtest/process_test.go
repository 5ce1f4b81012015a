//go:build unix

package crashtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const adminKey = "a key for tests"

// timeout is how long any condition is waited for. It is much longer than the
// lease that a killed processor leaves behind lasts (5 s), and than the pause
// before a job that failed often is tried again (30 s at most).
const timeout = 90 * time.Second

// waitFor asks again until f is content.
func waitFor(what string, f func() error) error {
	deadline := time.Now().Add(timeout)
	for {
		err := f()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited in vain for %s: %w", what, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// waitForAll asks again until nothing is left. Time runs out only while their number stays the same: after an hour of
// chaos on a busy machine there may be much to do.
func waitForAll(what string, f func() (left int, err error)) error {
	for last := -1; last != 0; {
		err := waitFor(what, func() error {
			left, err := f()
			switch {
			case err != nil:
			case left == last:
				err = fmt.Errorf("%d are left", left)
			default:
				last = left
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// untilSilent is a context that ends when alive was not called for as long as any condition is waited for.
func untilSilent() (ctx context.Context, alive, cancel func()) {
	ctx, end := context.WithCancel(context.Background())
	timer := time.AfterFunc(timeout, end)
	return ctx, func() { timer.Reset(timeout) }, func() { timer.Stop(); end() }
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A process is one role, or all of them, that can be killed and started again. It
// is the leader of a process group, so that nothing of it stays behind. Its
// methods may be called from one goroutine at a time.
type process struct {
	name string
	args []string
	env  []string
	path string // of the executable
	log  string // file of what it prints

	cmd *exec.Cmd // nil: it does not run
}

// secrets are what no process may write, whatever happens to it: the key, and what stands
// in the files.
var secrets = regexp.MustCompile(regexp.QuoteMeta(adminKey) + `|customer\d+@example\.com|[a-z]-\d{6}\b`)

// newProcess describes a process of the program; start starts it.
func newProcess(t *testing.T, name string, args ...string) *process {
	p := &process{
		name: name, args: args, path: program, log: filepath.Join(t.TempDir(), name+".log"),
		env: []string{"LICENSEIMPORT_ADMIN_KEY=" + adminKey, "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()},
	}
	t.Cleanup(func() {
		p.kill()
		if text, err := os.ReadFile(p.log); err == nil && secrets.Match(text) {
			t.Errorf("%s wrote %q", p.name, secrets.Find(text))
		}
		if t.Failed() {
			t.Logf("the last words of %s:\n%s", p.name, p.lastOutput())
		}
	})
	return p
}

func (p *process) start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd = cmd
	return nil
}

// kill ends it as a crash does, by SIGKILL, and waits until it is gone.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	p.signal(syscall.SIGKILL)
	_ = p.cmd.Wait()
	p.cmd = nil
}

// stop ends it as an operator does, by SIGTERM.
func (p *process) stop() error {
	p.signal(syscall.SIGTERM)
	err := p.cmd.Wait()
	p.cmd = nil
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", p.name, err, p.lastOutput())
	}
	return nil
}

func (p *process) signal(s syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, s) }

// lastOutput are the last lines that it printed.
func (p *process) lastOutput() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
