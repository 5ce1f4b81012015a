//go:build tools

package contracttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPostmanCollection sends the requests of postman/collection.json by newman, with and without the last slash:
// they are written from the documented endpoints of the import family, and know no other names than those. It needs
// npm ci in postman.
func TestPostmanCollection(t *testing.T) {
	t.Parallel()
	s := serve(t)
	command(t, "products", "set", "psc", "--name", "Photo Pro", "--data", s.data)
	files := t.TempDir() // newman reads files of one directory
	for _, from := range []string{"../../examples/simple_licenses_example.csv", "../../examples/customers.csv", "postman/files/features.csv"} {
		content, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(files, filepath.Base(from)), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), filepath.Join("node_modules", ".bin", "newman"), "run", "collection.json",
		"--env-var", "base="+s.url, "--env-var", "key="+s.admin, "--iteration-data", "slashes.json",
		"--working-dir", files, "--delay-request", "20", "--ignore-redirects", "--bail", "--color", "off")
	c.Dir = "postman"
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("newman: %v\n%s", err, out)
	}
}
