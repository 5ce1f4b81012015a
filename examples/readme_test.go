package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReadmeShowsTheQuickstart: the program in the README is the file that the next test runs.
func TestReadmeShowsTheQuickstart(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("quickstart/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(readme), "```go\n")
	if shown, _, _ = strings.Cut(shown, "```"); shown != string(program) {
		t.Errorf("the README shows\n%s\nquickstart/main.go is\n%s", shown, program)
	}
}

// TestQuickstart runs the program of the README: it hears of an import, an update, the undo of each, and a key
// that is imported again.
func TestQuickstart(t *testing.T) {
	t.Parallel()
	nats, data := serve(t)
	prices := func(content string, flags ...string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "prices.csv")
		if err := os.WriteFile(path, []byte("license__license_key,product__short_code,license__max_activations\n"+content), 0o600); err != nil {
			t.Fatal(err)
		}
		licenseimport(t, data, append([]string{"import", path}, flags...)...)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c := exec.Command(filepath.Join(built, "quickstart"))
	c.Env, c.Stdout, c.Stderr = append(withToken(t, data), "NATS_URL="+nats), out, os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer kill(c)
	want := ""
	says := func(lines ...string) {
		t.Helper()
		want += strings.Join(lines, "\n") + "\n"
		untilOutput(t, out.Name(), want)
	}
	prices("a,photo-pro,1\nb,photo-pro,2\n")
	says("LicenseImported licenses.photo-pro.a 1", "LicenseImported licenses.photo-pro.b 2")
	prices("a,photo-pro,5\nb,photo-pro,2\n", "--existing", "update")
	says("LicenseUpdated licenses.photo-pro.a 5") // b is as the row says
	licenseimport(t, data, "undo", "2", "--yes")
	says("LicenseRestored licenses.photo-pro.a 1")
	prices("b,photo-pro,9\n", "--existing", "update")
	says("LicenseUpdated licenses.photo-pro.b 9")
	licenseimport(t, data, "undo", "1", "--yes") // b was changed since, and stays
	says("LicenseRevoked licenses.photo-pro.a <nil>")
	prices("a,photo-pro,7\n")
	says("LicenseImported licenses.photo-pro.a 7")
}

// licenseimport runs a command on a data directory.
func licenseimport(t *testing.T, data string, args ...string) {
	t.Helper()
	output(t, os.Environ(), filepath.Join(built, "licenseimport"), append(args, "--data", data, "--json")...)
}

func untilOutput(t *testing.T, path, want string) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got, err := os.ReadFile(path)
		if err == nil && string(got) == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
	}
}
