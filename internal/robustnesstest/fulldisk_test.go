//go:build mount && linux

package robustnesstest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// small mounts a new file system of a size in MiB, which needs root.
func small(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", size)); err != nil {
		t.Fatalf("mount a small file system (root is needed): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes a file that takes what is left of a file system but for so many MiB.
func fill(t *testing.T, path string, left uint64) {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &s); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, s.Bavail*uint64(s.Bsize)-left<<20), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDiskFillsUp uploads until the disk is full: with space kept free, and with
// none, where JetStream itself runs out of it and switches itself off. When space is free
// again the process goes on by itself, and what was acknowledged is imported.
func TestDiskFillsUp(t *testing.T) {
	for name, keep := range map[string]string{"space is kept free": "24MiB", "no space is kept free": "1B"} {
		t.Run(name, func(t *testing.T) {
			dir := small(t, 96)
			data, filler := filepath.Join(dir, "data"), filepath.Join(dir, "filler")
			p := serveOn(t, data, "--min-free", keep, "--abandoned-after", "5s")
			c := p.admin()
			c.imports(t, rows("first", 10))
			fill(t, filler, 48)

			var acknowledged []int
			for n := 0; ; n++ {
				began := time.Now()
				a, err := c.post(rows(fmt.Sprintf("upload-%d", n), 5_000))
				if err != nil {
					t.Fatal(err)
				}
				if a.status == 200 {
					acknowledged = append(acknowledged, a.decode(t).JobID)
					continue
				}
				t.Logf("upload %d: %d %s after %v", n, a.status, a.decode(t).Code, time.Since(began).Round(time.Millisecond))
				if a.status != 507 && a.status != 503 {
					t.Fatalf("%s", a.body)
				}
				break
			}
			ready, err := c.send("GET", "/readyz", nil)
			t.Logf("/readyz: %d %s %v", ready.status, ready.body, err)
			if ready.status != 503 || !strings.Contains(string(ready.body), "disk") {
				t.Error("/readyz does not tell of the disk")
			}
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			var last answer
			t.Cleanup(func() { t.Logf("the last /readyz: %d %s", last.status, last.body) })
			eventually(t, "readiness with free space again", func() bool {
				a, err := c.send("GET", "/readyz", nil)
				last = a
				return err == nil && a.status == 200
			})
			for _, job := range acknowledged {
				if r := c.await(t, job); r.Status != "success" || r.Result.Imported != 5_000 {
					t.Errorf("import %d: %+v %+v", job, r, r.Result)
				}
			}
			if r := c.imports(t, rows("last", 10)); r.Status != "success" {
				t.Errorf("with free space again: %+v", r)
			}
		})
	}
}
