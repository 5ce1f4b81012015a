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

// TestQuickstart runs the program of the README.
func TestQuickstart(t *testing.T) {
	t.Parallel()
	nats, data := serve(t)
	importRows(t, data, "readme", 3)
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
	const want = "licenses.photo-pro.readme-0 readme-0\nlicenses.photo-pro.readme-1 readme-1\nlicenses.photo-pro.readme-2 readme-2\n"
	untilOutput(t, out.Name(), want)
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
