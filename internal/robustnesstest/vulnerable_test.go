package robustnesstest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// advisory is made up: all versions of bbolt have a hole in Open, which the projector calls.
const advisory = `{"schema_version":"1.3.1","id":"GO-2000-0001","modified":"2000-01-01T00:00:00Z","published":"2000-01-01T00:00:00Z",
"summary":"a hole for this test","database_specific":{"url":"https://example.com/GO-2000-0001"},"affected":[{"package":{"name":"go.etcd.io/bbolt","ecosystem":"Go"},
"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
"ecosystem_specific":{"imports":[{"path":"go.etcd.io/bbolt","symbols":["Open"]}]}}]}`

// TestVulnerabilitiesAreFound: what `make vuln` runs fails where a module has a known vulnerability
// in a function that the program calls. The test uses its own vulnerability database.
func TestVulnerabilitiesAreFound(t *testing.T) {
	t.Parallel()
	scan := exec.CommandContext(t.Context(), "go", "tool", "govulncheck", "-db", "file://"+database(t), "./projector")
	scan.Dir = filepath.Join("..", "..")
	out, err := scan.CombinedOutput()
	if scan.ProcessState == nil {
		t.Fatal(err)
	}
	const found = 3 // the scanner's status for it
	if status := scan.ProcessState.ExitCode(); status != found || !strings.Contains(string(out), " calls bbolt.Open") {
		t.Errorf("status %d, want %d and where it is called:\n%s", status, found, out)
	}
}

// database writes one in the layout of https://go.dev/doc/security/vuln/database.
func database(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"index/db.json":        `{"modified":"2000-01-01T00:00:00Z"}`,
		"index/modules.json":   `[{"path":"go.etcd.io/bbolt","vulns":[{"id":"GO-2000-0001","modified":"2000-01-01T00:00:00Z"}]}]`,
		"ID/GO-2000-0001.json": advisory,
	} {
		if !json.Valid([]byte(text)) {
			t.Fatalf("%s is no JSON", name)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Dir(path), filepath.Base(path), []byte(text))
	}
	return dir
}
