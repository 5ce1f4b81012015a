package projector

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
)

// copied folds the events and returns a file with a copy that the running projector wrote.
func copied(t *testing.T, all ...events.Event) (path string) {
	t.Helper()
	r := newHarness(t, t.TempDir(), newMemLog(all...))
	r.catchUp()
	path = filepath.Join(t.TempDir(), "copy")
	r.copyTo(path)
	r.stop()
	return path
}

// copyTo writes a copy of the views to a file.
func (r *harness) copyTo(path string) (size int64) {
	r.Helper()
	c, err := r.Copy()
	check(r, err)
	file, err := os.Create(path)
	check(r, err)
	size, err = io.Copy(file, c.File)
	check(r, errors.Join(err, file.Close(), c.Close()))
	if size != c.Size {
		r.Errorf("%d bytes, want %d", size, c.Size)
	}
	left, err := filepath.Glob(r.path + ".copy-*")
	if len(left) != 0 || err != nil {
		r.Errorf("left behind: %v, %v", left, err)
	}
	return size
}

// TestCopiesOfAKilledProcessAreGone: one that is killed between two system calls leaves a name, on Windows any.
func TestCopiesOfAKilledProcessAreGone(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, FileName+".copy-17")
	check(t, os.WriteFile(left, []byte("views"), 0o600))
	newHarness(t, dir, newMemLog())
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is left: %v", err)
	}
}

// restored is a stream of the same events that was created at another time.
func restored(all ...events.Event) *memLog {
	log := newMemLog(all...)
	log.Created = log.Created.Add(time.Hour)
	return log
}

// TestImportedViews: a copy serves a restored stream. The events that it lacks are folded, and the
// views are the same as those folded from the beginning.
func TestImportedViews(t *testing.T) {
	all := manyImports(5, 3, 100)
	for name, n := range map[string]int{"of all": len(all), "of some": len(all) / 2, "of nothing": 0} {
		t.Run(name, func(t *testing.T) {
			dir, log := t.TempDir(), restored(all...)
			reason, err := Import(t.Context(), log, dir, copied(t, all[:n]...))
			if reason != "" || err != nil {
				t.Fatal(reason, err)
			}
			got, err := CatchUp(t.Context(), log, dir)
			check(t, err)
			want, err := Rebuild(t.Context(), log, t.TempDir(), nil)
			check(t, err)
			if got.Digest != want.Digest || got.Events != uint64(len(all)-n) {
				t.Errorf("%d events folded to %s, want %d and %s", got.Events, got.Digest, len(all)-n, want.Digest)
			}
			if again, err := CatchUp(t.Context(), log, dir); again.Events != 0 || again.Digest != want.Digest || err != nil {
				t.Errorf("once more: %+v, %v", again, err)
			}
		})
	}
}

// TestCopiesThatAreNotImported: a copy that is refused leaves no file.
func TestCopiesThatAreNotImported(t *testing.T) {
	all := manyImports(5, 2, 100)
	ours := copied(t, all...)
	whole, err := os.ReadFile(ours)
	check(t, err)
	changed := func(name string, change func(b []byte) []byte) string {
		path := filepath.Join(t.TempDir(), name)
		check(t, os.WriteFile(path, change(append([]byte(nil), whole...)), 0o600))
		return path
	}
	others := manyImports(6, 2, 100)
	for name, test := range map[string]struct {
		log  *memLog
		file string
		says string
	}{
		"ahead of the stream": {restored(all[:len(all)-1]...), ours, "ahead of the stream"},
		"of another stream":   {restored(append(others, all...)...), ours, "another event at their sequence"},
		"cut off":             {restored(all...), changed("cut", func(b []byte) []byte { return b[:len(b)/2] }), "damaged"},
		"changed bodies": {restored(all...), changed("body", func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("LicenseImported"), []byte("LicenseImporteD"))
		}), "damaged"},
		"no file of views": {restored(all...), changed("text", func([]byte) []byte { return []byte("a text") }), "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			reason, err := Import(t.Context(), test.log, dir, test.file)
			if err != nil || !strings.Contains(reason, test.says) {
				t.Errorf("%q, %v; want %q", reason, err, test.says)
			}
			if left, err := os.ReadDir(dir); len(left) != 0 || err != nil {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestImportReplacesNothing: views that a directory has are not replaced.
func TestImportReplacesNothing(t *testing.T) {
	all := manyImports(5, 1, 10)
	dir, log := t.TempDir(), newMemLog(all...)
	_, err := Rebuild(t.Context(), log, dir, nil)
	check(t, err)
	if _, err := Import(t.Context(), log, dir, copied(t, all...)); err == nil {
		t.Error("the views of the directory were replaced")
	}
}

// TestExport copies views that no projector has open, if they are sound and of the stream.
func TestExport(t *testing.T) {
	all := manyImports(5, 2, 100)
	dir, log := t.TempDir(), newMemLog(all...)
	want, err := Rebuild(t.Context(), log, dir, nil)
	check(t, err)
	to := t.TempDir()
	file, err := os.Create(filepath.Join(to, FileName))
	check(t, err)
	check(t, Export(t.Context(), log, dir, file))
	check(t, file.Close())
	if got, err := CatchUp(t.Context(), log, to); got.Digest != want.Digest || got.Events != 0 || err != nil {
		t.Errorf("%+v, %v, want %s", got, err, want.Digest)
	}
	if err := Export(t.Context(), restored(all...), dir, file); err == nil || !strings.Contains(err.Error(), "another stream") {
		t.Errorf("views of another stream: %v", err)
	}
	check(t, os.Truncate(filepath.Join(dir, FileName), 9000))
	if err := Export(t.Context(), log, dir, file); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("damaged views: %v", err)
	}
}
