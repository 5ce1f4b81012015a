//go:build linux && powercut

package forgetfs

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// disk is a mounted file system and what is on its disk.
type disk struct {
	t       *testing.T
	fs      *FS
	dir     string
	unmount func() error
}

func newDisk(t *testing.T) *disk {
	d := &disk{t: t, fs: New(), dir: t.TempDir()}
	d.mount()
	t.Cleanup(func() { d.must(d.unmount()) })
	return d
}

func (d *disk) mount() {
	d.t.Helper()
	var err error
	d.unmount, err = d.fs.Mount(d.dir)
	d.must(err)
}

func (d *disk) must(errs ...error) {
	d.t.Helper()
	if err := errors.Join(errs...); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *disk) cut(survival Survival, seed uint64) {
	d.t.Helper()
	d.fs.Cut(survival, rand.New(rand.NewPCG(seed, 1)))
	if _, err := os.ReadDir(d.dir); !errors.Is(err, syscall.EIO) {
		d.t.Fatalf("after the cut: %v", err)
	}
	d.must(d.unmount())
	d.mount()
}

func (d *disk) write(name, text string, flags int) *os.File {
	d.t.Helper()
	f, err := os.OpenFile(d.path(name), os.O_WRONLY|os.O_CREATE|flags, 0o600)
	d.must(err)
	_, err = f.WriteString(text)
	d.must(err)
	return f
}

func (d *disk) sync(name string) {
	d.t.Helper()
	f, err := os.Open(d.path(name))
	d.must(err)
	d.must(f.Sync(), f.Close())
}

// has compares a file with a text; "": it does not exist.
func (d *disk) has(name, text string) {
	d.t.Helper()
	got, err := os.ReadFile(d.path(name))
	if text == "" {
		if !errors.Is(err, fs.ErrNotExist) {
			d.t.Errorf("%s has %q, %v", name, got, err)
		}
	} else if string(got) != text || err != nil {
		d.t.Errorf("%s has %q, %v; want %q", name, got, err, text)
	}
}

// TestWhatIsSyncedSurvives: contents by an fsync of the file or by O_SYNC, names by an fsync of their directory,
// and those of a new file, and of the directories above, by an fsync of the file.
func TestWhatIsSyncedSurvives(t *testing.T) {
	d := newDisk(t)
	d.must(os.MkdirAll(d.path("a/b"), 0o700))
	synced := d.write("a/b/synced", "one", 0)
	d.must(synced.Sync())
	_, err := synced.WriteString(" and not two")
	d.must(err, synced.Close())
	d.must(d.write("a/b/forgotten", "one", 0).Close())
	d.must(d.write("a/b/direct", "O_SYNC", os.O_SYNC).Close())
	d.must(d.write("a/b/new", "new", os.O_SYNC).Close(), d.write("a/b/old", "old", os.O_SYNC).Close())
	d.must(os.Rename(d.path("a/b/new"), d.path("a/b/old")))
	d.cut(Nothing, 1)
	d.has("a/b/synced", "one")
	d.has("a/b/forgotten", "")
	d.has("a/b/direct", "O_SYNC")
	d.has("a/b/old", "old")
	d.has("a/b/new", "new")

	d.must(os.Rename(d.path("a/b/new"), d.path("a/b/old")), os.Link(d.path("a/b/old"), d.path("a/link")))
	d.sync("a/b")
	d.must(os.Remove(d.path("a/b/direct")))
	d.cut(Nothing, 1)
	d.has("a/b/new", "")
	d.has("a/b/old", "new")
	d.has("a/link", "")
	d.has("a/b/direct", "O_SYNC")
}

// TestSomeSurvives: over many cuts each name and each page is seen in both states, and what was synced in one.
func TestSomeSurvives(t *testing.T) {
	d := newDisk(t)
	seen := map[string]int{}
	for seed := range uint64(60) {
		d.must(os.RemoveAll(d.path("d")), os.MkdirAll(d.path("d"), 0o700))
		d.must(d.write("d/file", strings.Repeat("a", 2*page), os.O_SYNC).Close())
		file, err := os.OpenFile(d.path("d/file"), os.O_WRONLY, 0)
		d.must(err)
		_, err = file.WriteAt([]byte(strings.Repeat("b", 2*page)), page)
		d.must(err, file.Close(), d.write("d/replaced", "old", os.O_SYNC).Close())
		d.sync("d")
		d.must(d.write("d/tmp", "new", 0).Close(), os.Rename(d.path("d/tmp"), d.path("d/replaced")))
		d.cut(Some, seed)
		text, err := os.ReadFile(d.path("d/file"))
		d.must(err)
		if len(text) < 2*page || string(text[:page]) != strings.Repeat("a", page) {
			t.Fatalf("seed %d: what was synced is gone", seed)
		}
		seen["page "+string(text[page])]++
		seen["length "+map[bool]string{true: "old", false: "new"}[len(text) == 2*page]]++
		text, err = os.ReadFile(d.path("d/replaced"))
		d.must(err)
		seen["replaced by "+string(text)]++
	}
	for _, want := range []string{"page a", "page b", "length old", "length new", "replaced by old", "replaced by new",
		"replaced by "} {
		if seen[want] == 0 {
			t.Errorf("never seen: %s (%v)", want, seen)
		}
	}
}
