//go:build tools && unix

package contracttest

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"licenseimport/internal/buildtest"
	"licenseimport/internal/freeport"
)

// procfileLine is one process of the Procfile, in a separate process group.
type procfileLine struct {
	name   string
	cmd    *exec.Cmd
	logs   buildtest.Output
	exited chan error
}

// TestProcfileLeavesNoProcess starts each line of the Procfile by a shell, as runners do, NATS last,
// and ends it by SIGTERM to the one process that the runner knows: nothing is left of its group.
func TestProcfileLeavesNoProcess(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../Procfile")
	if err != nil {
		t.Fatal(err)
	}
	reads, api, nats := freeport.Address(), freeport.Address(), freeport.Address()
	_, natsPort, _ := strings.Cut(nats, ":")
	local := strings.NewReplacer("127.0.0.1:8080", api, "127.0.0.1:8081", reads, "127.0.0.1:4222", nats,
		"--nats-port 4222", "--nats-port "+natsPort, "./data", filepath.Join(t.TempDir(), "data"))
	var lines []*procfileLine
	for line := range strings.Lines(local.Replace(string(text))) {
		name, command, found := strings.Cut(strings.TrimSpace(line), ": ")
		if found && !strings.HasPrefix(line, "#") {
			lines = append([]*procfileLine{{name: name, cmd: exec.Command("sh", "-c", command), exited: make(chan error, 1)}}, lines...)
		}
	}
	if len(lines) != 4 {
		t.Fatalf("%d processes", len(lines))
	}
	for _, l := range lines {
		l.start(t)
	}
	runs := func() bool {
		for _, l := range lines {
			if !strings.Contains(l.logs.String(), " is running") {
				return false // its build or its start goes on
			}
		}
		return answersOK("http://" + api + "/readyz")
	}
	for end := time.Now().Add(5 * time.Minute); !runs(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not get ready")
		}
	}
	for _, l := range lines {
		l.stop(t)
	}
}

func answersOK(url string) bool {
	resp, err := http.Get(url)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (l *procfileLine) start(t *testing.T) {
	t.Helper()
	l.cmd.Dir, l.cmd.Stdout, l.cmd.Stderr = "../..", &l.logs, &l.logs
	l.cmd.Env = append(environment(), "LICENSEIMPORT_ADMIN_KEY=of-the-test-of-the-procfile")
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-l.cmd.Process.Pid, syscall.SIGKILL)
		if t.Failed() {
			t.Logf("%s: %s", l.name, &l.logs)
		}
	})
	go func() { l.exited <- l.cmd.Wait() }()
}

func (l *procfileLine) stop(t *testing.T) {
	t.Helper()
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("%s: %v", l.name, err)
	}
	select {
	case err := <-l.exited:
		if err != nil {
			t.Errorf("%s ended with %v", l.name, err)
		}
	case <-time.After(40 * time.Second):
		t.Errorf("%s does not stop, or a process that it left holds its output", l.name)
	}
	if err := syscall.Kill(-l.cmd.Process.Pid, 0); err != syscall.ESRCH {
		t.Errorf("%s leaves a process behind: %v", l.name, err)
	}
}
