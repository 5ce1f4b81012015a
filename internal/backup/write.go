package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/fsx"
)

// order in which the streams are taken; the package's comment has the reasons.
var order = []string{
	events.LicensesStream,
	events.RowsStream,
	eventlog.BucketStream(eventlog.Jobs),
	eventlog.BucketStream(eventlog.Managers),
	eventlog.BucketStream(eventlog.Products),
}

// still are the streams that must not change while they are taken.
var still = []string{eventlog.BucketStream(eventlog.Managers), eventlog.BucketStream(eventlog.Products)}

// Log is what a backup needs of an [*eventlog.Log].
type Log interface {
	Snapshot(ctx context.Context, stream string, w io.Writer) (eventlog.Snapshot, error)
	StreamState(ctx context.Context, stream string) (eventlog.State, error)
}

// A Source is what a backup is made of.
type Source struct {
	Log Log

	// Views writes a copy of the views' file; nil: there is none. A backup is whole without it.
	Views func(ctx context.Context, w io.Writer) error
}

// Progress is told of every piece that is copied: of which stream, and its bytes.
type Progress func(stream string, bytes int)

// Write makes a backup in a folder, which must be empty or not there. program is
// what the manifest names as its writer. After an error the files are removed; where it is
// only the views that cannot be copied, they are left out and the manifest says why.
func Write(ctx context.Context, from Source, dir, program string, progress Progress) (m Manifest, err error) {
	if err := makeEmpty(dir); err != nil {
		return Manifest{}, err
	}
	w := &writer{log: from.Log, dir: dir, progress: progress}
	m = Manifest{Format: Format, Started: time.Now().UTC(), Program: program}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("back up into %s: %w", dir, err), w.remove())
		}
	}()
	if m.Views, err = w.views(ctx, from.Views); err != nil {
		if ctx.Err() != nil {
			return Manifest{}, err
		}
		m.NoViews = err.Error()
	}
	for _, name := range order {
		s, err := w.stream(ctx, name)
		if err != nil {
			return Manifest{}, err
		}
		m.Streams = append(m.Streams, s)
	}
	m.Ended = time.Now().UTC()
	return m, w.finish(m)
}

// makeEmpty makes the folder, or refuses one with something in it.
func makeEmpty(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the folder for the backup cannot be made: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), unfinished) {
			return fmt.Errorf("the folder %s holds a backup that was interrupted: delete it, or name another folder", dir)
		}
		if e.Name() != "lost+found" { // of a disk of its own
			return fmt.Errorf("the folder %s is not empty: name one that is, or that is not there", dir)
		}
	}
	return nil
}

type writer struct {
	log      Log
	dir      string
	progress Progress
	files    []string // that were made
}

// attempts at a bucket that others write to meanwhile.
const attempts = 100

// stream copies one stream into a file.
func (w *writer) stream(ctx context.Context, name string) (Stream, error) {
	for range attempts {
		s, err := w.copy(ctx, name)
		if err != nil || !slices.Contains(still, name) {
			return s, err
		}
		state, err := w.log.StreamState(ctx, name)
		if err != nil || state.Last == s.Last {
			return s, err
		}
		if err := os.Remove(filepath.Join(w.dir, s.File)); err != nil {
			return Stream{}, err
		}
	}
	return Stream{}, fmt.Errorf("the stream %s is written to all the time", name)
}

// views copies the views' file; nil where there is none.
func (w *writer) views(ctx context.Context, write func(context.Context, io.Writer) error) (*File, error) {
	if write == nil {
		return nil, nil
	}
	views := &File{Name: viewsName}
	err := w.file(viewsName, func(out *sum) error {
		err := write(ctx, told{out, viewsName, w.progress})
		views.Bytes, views.SHA256 = out.bytes, out.hex()
		return err
	})
	if err != nil {
		return nil, errors.Join(err, w.remove())
	}
	return views, nil
}

func (w *writer) copy(ctx context.Context, name string) (s Stream, err error) {
	s.File = name + ".snapshot"
	err = w.file(s.File, func(out *sum) error {
		s.Snapshot, err = w.log.Snapshot(ctx, name, told{out, name, w.progress})
		s.Bytes, s.SHA256 = out.bytes, out.hex()
		return err
	})
	return s, err
}

// finish writes what makes the folder a backup. Each rename is on the disk before
// the next one.
func (w *writer) finish(m Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	var manifest string
	err = w.file(manifestName, func(out *sum) error {
		_, err := out.Write(append(text, '\n'))
		manifest = out.hex()
		return err
	})
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, s := range m.Streams {
		fmt.Fprintf(&sums, "%s  %s\n", s.SHA256, s.File)
	}
	if m.Views != nil {
		fmt.Fprintf(&sums, "%s  %s\n", m.Views.SHA256, m.Views.Name)
	}
	fmt.Fprintf(&sums, "%s  %s\n", manifest, manifestName)
	if err := fsx.Sync(w.dir); err != nil {
		return err
	}
	err = w.file(sumsName, func(out *sum) error {
		_, err := io.WriteString(out, sums.String())
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(fsx.Sync(w.dir), fsx.Sync(filepath.Dir(w.dir)))
}

// file writes one private file that has its name only when it is whole and on the disk.
func (w *writer) file(name string, write func(*sum) error) (err error) {
	path := filepath.Join(w.dir, name)
	f, err := os.OpenFile(path+unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w.files = append(w.files, path, path+unfinished)
	err = write(&sum{w: f, hash: sha256.New()})
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(path+unfinished, path)
}

// remove takes back what was written.
func (w *writer) remove() error {
	var errs []error
	for _, path := range w.files {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// sum counts and hashes what goes through.
type sum struct {
	w     io.Writer
	hash  hash.Hash
	bytes int64
}

func (s *sum) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.hash.Write(p[:n])
	s.bytes += int64(n)
	return n, err
}

func (s *sum) hex() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// told reports what goes through.
type told struct {
	w        io.Writer
	stream   string
	progress Progress
}

func (t told) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	t.progress.tell(t.stream, n)
	return n, err
}

func (p Progress) tell(stream string, bytes int) {
	if p != nil {
		p(stream, bytes)
	}
}
