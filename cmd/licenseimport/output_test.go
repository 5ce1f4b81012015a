package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fullDisk takes so many bytes and no more.
type fullDisk struct{ left int }

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(d.left, len(p))
	d.left -= n
	if n < len(p) {
		return n, &fs.PathError{Op: "write", Path: "/a/path", Err: syscall.ENOSPC}
	}
	return n, nil
}

// TestOutputToFullDisk: a command whose output cannot be written fails and says so, whether nothing or all but the
// last byte was written.
func TestOutputToFullDisk(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	file := filepath.Join(t.TempDir(), "licenses.csv")
	if err := os.WriteFile(file, []byte("license__license_key,product__short_code\nK-1,psc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"import FILE --data DIR", "import FILE --json --data DIR", "status --data DIR", "status --json --data DIR",
		"status 1 --data DIR", "status 1 --json --data DIR", "inspect FILE", "inspect FILE --json",
		"export licenses --data DIR", "products set psc --data DIR", "products list --data DIR", "keys list --json --data DIR",
		"keys list --data DIR", "audit --data DIR", "mappings list --data DIR", "rebuild --data DIR",
		"doctor --data DIR", "version", "version --json", "template", "man", "completion bash", "--help", "--version",
	} {
		t.Run(line, func(t *testing.T) {
			args := strings.Fields(strings.NewReplacer("FILE", file, "DIR", data).Replace(line))
			var whole, said bytes.Buffer
			if status := run(t.Context(), args, strings.NewReader(""), &whole, &said); status != 0 || whole.Len() == 0 {
				t.Fatalf("exit status %d, %d bytes, and %s", status, whole.Len(), &said)
			}
			for _, room := range []int{0, 1} {
				said.Reset()
				status := run(t.Context(), args, strings.NewReader(""), &fullDisk{left: room}, &said)
				if status == 0 || !strings.Contains(said.String(), "no space left on device") {
					t.Errorf("room for %d bytes: exit status %d, and it says %q", room, status, &said)
				}
				if strings.Contains(said.String(), "/a/path") {
					t.Errorf("it names a path: %s", &said)
				}
			}
		})
	}
}

// TestOutputKeepsFirstError: the cause is the first error, and later writes are tried all the same.
func TestOutputKeepsFirstError(t *testing.T) {
	disk := &fullDisk{left: 3}
	out := &output{to: disk}
	for _, text := range []string{"ab", "cd", "ef"} {
		_, _ = out.Write([]byte(text))
	}
	if err := out.check(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v, want the disk's error", err)
	}
}
