//go:build tools

package contracttest

import (
	"licenseimport/internal/freeport"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestScalingOutPage does what docs/scaling-out.md says: from one process to a cluster, and a node
// that is killed.
func TestScalingOutPage(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(root, "examples"), filepath.Join(dir, "examples")); err != nil {
		t.Fatal(err)
	}
	script := "trap 'kill $(jobs -p); wait' EXIT\n"
	for _, b := range blocks(t, "../../docs/scaling-out.md", 5) {
		if b.kind == "sh" {
			script += b.text
		}
	}
	build := regexp.MustCompile(`(?m)^go build -o bin/ .*\n`)
	execute(t, "the build", root, "sh", "-ec", strings.ReplaceAll(build.FindString(script), " bin/ ", " "+dir+"/bin/ "))
	execute(t, "serve", dir, "bin/licenseimport", "import", "examples/licenses.csv")
	// A node that died a moment ago may still count as there.
	script = strings.Replace(script, "bin/licenseimport doctor\n",
		"for i in $(seq 60); do bin/licenseimport doctor > said || true; ! grep -q nats-2 said || break; sleep 0.5; done; cat said; bin/licenseimport doctor > said\n", 1)
	script = onFreePorts(t, build.ReplaceAllString(script, ""))
	out := execute(t, "docs/scaling-out.md", dir, "bash", "-ec", script)
	// Not the import's number: one that meets the election of a new leader is 503, and tried again under another.
	for _, want := range []string{"Restored ./moving", " of licenses.csv: 35 existed (unchanged), 5 rejected", "Licenses   35 existing", "the replica on nats-2 is offline or behind"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// onFreePorts puts addresses that are free in the place of those of a page.
func onFreePorts(t *testing.T, script string) string {
	t.Helper()
	// What the shell makes of 4230$i is spelt out first.
	script = regexp.MustCompile(`-p (\d+)\$i`).ReplaceAllString(script, "-p $(eval echo \\$$client$$i)")
	script = regexp.MustCompile(`--cluster nats://127\.0\.0\.1:(\d+)\$i`).ReplaceAllString(script, "--cluster nats://127.0.0.1:$(eval echo \\$$route$$i)")
	var ports []string
	for name, first := range map[string]string{"client": "4230", "route": "4240"} {
		for _, i := range []string{"1", "2", "3"} {
			port := strconv.Itoa(freeport.Port())
			script = strings.ReplaceAll(script, first+i, port)
			ports = append(ports, name+i+"="+port)
		}
	}
	for _, fixed := range []string{"8080", "8081"} {
		port := strconv.Itoa(freeport.Port())
		script = strings.ReplaceAll(script, fixed, port)
	}
	return strings.Join(ports, "\n") + "\n" + script
}
