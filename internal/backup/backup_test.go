package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/internal/backup"
)

// write makes a backup of a small log.
func write(t *testing.T) (dir string, m backup.Manifest) {
	t.Helper()
	log := eventlogtest.Start(t)
	if _, err := log.AppendRows(t.Context(), 1, 0, [][]byte{{1}, {2}, {3}}); err != nil {
		t.Fatal(err)
	}
	if _, err := log.AppendFact(t.Context(), 1, events.StartedSubject(1), nil, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Bucket(eventlog.Products).Put(t.Context(), "photo", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "copy")
	m, err := backup.Write(t.Context(), backup.Source{Log: log}, dir, "a test", nil)
	if err != nil {
		t.Fatal(err)
	}
	return dir, m
}

func TestManifest(t *testing.T) {
	t.Parallel()
	dir, m := write(t)
	b, err := backup.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i, s := range b.Manifest.Streams {
		names = append(names, s.Stream)
		info, err := os.Stat(filepath.Join(dir, s.File))
		if err != nil || info.Size() != s.Bytes || info.Mode().Perm() != 0o600 || s.SHA256 != m.Streams[i].SHA256 {
			t.Errorf("%s: %v, %v; manifest %+v", s.File, info, err, s)
		}
	}
	if got := strings.Join(names, " "); got != "LICENSES ROWS KV_jobs KV_managers KV_products KV_mappings" {
		t.Errorf("order: %s", got)
	}
	if rows := b.Manifest.Streams[1]; rows.First != 1 || rows.Last != 3 || rows.Messages != 3 || b.Manifest.Program != "a test" {
		t.Errorf("%+v", b.Manifest)
	}
}

// TestDamageIsRefused damages each file of a backup in each way. Open must fail before anything is
// written.
func TestDamageIsRefused(t *testing.T) {
	t.Parallel()
	dir, _ := write(t)
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 8 {
		t.Fatal(files, err)
	}
	damages := map[string]func(path string, whole []byte) error{
		"missing":      func(path string, _ []byte) error { return os.Remove(path) },
		"truncated":    func(path string, whole []byte) error { return os.WriteFile(path, whole[:len(whole)-1], 0o600) },
		"empty":        func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) },
		"first bit":    func(path string, whole []byte) error { return os.WriteFile(path, flip(whole, 0), 0o600) },
		"a bit within": func(path string, whole []byte) error { return os.WriteFile(path, flip(whole, len(whole)/2), 0o600) },
	}
	for _, file := range files {
		for name, damage := range damages {
			if file.Name() == "SHA256SUMS" && name == "truncated" {
				continue // only the last line end is missing
			}
			path := filepath.Join(dir, file.Name())
			whole, err := os.ReadFile(path)
			check(t, err)
			check(t, damage(path, whole))
			if _, err := backup.Open(t.Context(), dir); !errors.Is(err, backup.ErrDamaged) {
				t.Errorf("%s %s: %v", file.Name(), name, err)
			}
			check(t, os.WriteFile(path, whole, 0o600))
		}
	}
	if _, err := backup.Open(t.Context(), dir); err != nil {
		t.Errorf("undamaged: %v", err)
	}
}

func flip(whole []byte, at int) []byte {
	b := bytes.Clone(whole)
	b[at] ^= 1
	return b
}

func TestRestoreDir(t *testing.T) {
	t.Parallel()
	dir, _ := write(t)
	b, err := backup.Open(t.Context(), dir)
	check(t, err)
	data := filepath.Join(t.TempDir(), "deep", "data")
	check(t, os.MkdirAll(filepath.Join(data, backup.ScratchDir, "nats", "half"), 0o700)) // of a restore that was killed
	check(t, b.RestoreDir(t.Context(), data, nil))
	log := eventlogtest.Open(t, eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: data}))
	if row, found, err := log.LastRow(t.Context(), 1); !found || row.Seq != 3 || !bytes.Equal(row.Data, []byte{3}) || err != nil {
		t.Errorf("last row: %+v, %v, %v", row, found, err)
	}
	if entry, err := log.Bucket(eventlog.Products).Get(t.Context(), "photo"); entry.Revision != 1 || err != nil {
		t.Errorf("product: %+v, %v", entry, err)
	}
	if exists(filepath.Join(data, backup.ScratchDir)) {
		t.Error("the scratch directory is left behind")
	}
	if err := b.RestoreDir(t.Context(), data, nil); err == nil || !strings.Contains(err.Error(), "not empty (nats)") {
		t.Errorf("a second time: %v", err)
	}
}

// TestRestoreStopped: a cancelled restore leaves an empty directory.
func TestRestoreStopped(t *testing.T) {
	t.Parallel()
	dir, _ := write(t)
	b, err := backup.Open(t.Context(), dir)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	data := filepath.Join(t.TempDir(), "data")
	err = b.RestoreDir(ctx, data, func(stream string, _ int) {
		if stream == events.RowsStream {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(data); len(entries) != 0 || err != nil {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	check(t, b.RestoreDir(t.Context(), data, nil))
}

// TestWriteRefuses: a directory with files stays as it is, and a failed backup leaves no file.
func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	for name, want := range map[string]string{"note.txt": "is not empty", "ROWS.snapshot.unfinished": "was interrupted"} {
		dir := t.TempDir()
		check(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		if _, err := backup.Write(t.Context(), backup.Source{Log: log}, dir, "", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		if !exists(filepath.Join(dir, name)) {
			t.Errorf("%s is gone", name)
		}
	}
	dir := t.TempDir()
	if _, err := backup.Write(t.Context(), backup.Source{Log: withoutManagers{log}}, dir, "", nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 0 || err != nil {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// withoutManagers is a log whose bucket of managers cannot be copied.
type withoutManagers struct{ *eventlog.Log }

func (l withoutManagers) Snapshot(ctx context.Context, stream string, w io.Writer) (eventlog.Snapshot, error) {
	if stream == eventlog.BucketStream(eventlog.Managers) {
		return eventlog.Snapshot{}, io.ErrUnexpectedEOF
	}
	return l.Log.Snapshot(ctx, stream, w)
}

// TestBucketIsQuiescent: a product that is set during the snapshot of its bucket is in the backup.
func TestBucketIsQuiescent(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	dir := filepath.Join(t.TempDir(), "copy")
	m, err := backup.Write(t.Context(), backup.Source{Log: &busyProducts{Log: log, t: t}}, dir, "", nil)
	check(t, err)
	if products := m.Streams[4]; products.Last != 3 || products.Messages != 1 {
		t.Errorf("%+v, want the third revision of one product", products)
	}
	_, err = backup.Open(t.Context(), dir)
	check(t, err)
}

// busyProducts sets a product after each of the first snapshots of its bucket.
type busyProducts struct {
	*eventlog.Log
	t     *testing.T
	times int
}

func (l *busyProducts) Snapshot(ctx context.Context, stream string, w io.Writer) (eventlog.Snapshot, error) {
	s, err := l.Log.Snapshot(ctx, stream, w)
	if stream == eventlog.BucketStream(eventlog.Products) && l.times < 3 {
		l.times++
		_, putErr := l.Bucket(eventlog.Products).Put(ctx, "photo", nil)
		check(l.t, putErr)
	}
	return s, err
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
