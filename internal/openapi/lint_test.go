//go:build tools

package openapi_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const lintDir = "lint"

// TestRulesOfOthers: the document keeps the recommended rules of Redocly and of Spectral, but for those
// that lint/redocly.yaml and lint/spectral.yaml name with a reason. It needs npm ci in lint.
func TestRulesOfOthers(t *testing.T) {
	for _, args := range [][]string{
		{"redocly", "lint", "../openapi.yaml", "--config", "redocly.yaml"},
		{"spectral", "lint", "../openapi.yaml", "--ruleset", "spectral.yaml", "--fail-severity", "warn"},
	} {
		c := exec.CommandContext(t.Context(), filepath.Join("node_modules", ".bin", args[0]), args[1:]...)
		c.Dir = lintDir
		if out, err := c.CombinedOutput(); err != nil || bytes.Contains(out, []byte(" warning ")) {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
}

// TestViewerIsTheReleasedOne: the viewer in web/reference is that of the npm package, without the lines
// that name its source maps.
func TestViewerIsTheReleasedOne(t *testing.T) {
	for _, name := range []string{"swagger-ui-bundle.js", "swagger-ui.css"} {
		released, err := os.ReadFile(filepath.Join(lintDir, "node_modules", "swagger-ui-dist", name))
		if err != nil {
			t.Fatal(err)
		}
		ours, err := os.ReadFile(filepath.Join("..", "..", "web", "reference", name))
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		for line := range bytes.Lines(released) {
			if !bytes.Contains(line, []byte("sourceMappingURL")) {
				want = append(want, line...)
			}
		}
		if !bytes.Equal(ours, want) {
			t.Errorf("%s: %d bytes, released: %d (make reference copies it)", name, len(ours), len(want))
		}
	}
}
