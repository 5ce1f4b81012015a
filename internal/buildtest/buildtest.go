// Package buildtest builds the program for tests that run it, and collects a process's output.
package buildtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Build builds the program, with tags, into a new temporary directory. remove deletes that
// directory.
func Build(tags ...string) (program string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "buildtest-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	program = filepath.Join(dir, "licenseimport")
	if out, err := exec.Command("go", "build", "-tags", strings.Join(tags, ","), "-o", program, "licenseimport/cmd/licenseimport").CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return program, remove, nil
}

// Output collects what a process writes. Any number of goroutines may use it.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
