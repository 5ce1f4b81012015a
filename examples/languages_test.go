//go:build tools

package examples

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestSubscriberInPython needs python3. Where it has no nats-py, testdata has a stand-in.
func TestSubscriberInPython(t *testing.T) {
	if exec.Command("python3", "-c", "import nats").Run() != nil {
		t.Setenv("PYTHONPATH", filepath.Join("subscriber-python", "testdata"))
	}
	t.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	testSubscriber(t, "python3", filepath.Join("subscriber-python", "subscriber.py"))
}

// TestSubscriberInNode needs node, and npm ci in its directory.
func TestSubscriberInNode(t *testing.T) {
	t.Parallel()
	testSubscriber(t, "node", filepath.Join("subscriber-node", "subscriber.js"))
}
