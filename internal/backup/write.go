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

// streamOrder is the order of the snapshots; doc.go has the reasons.
var streamOrder = []string{
	events.LicensesStream,
	events.RowsStream,
	eventlog.BucketStream(eventlog.Jobs),
	eventlog.BucketStream(eventlog.Managers),
	eventlog.BucketStream(eventlog.Products),
	eventlog.BucketStream(eventlog.Mappings),
}

// quiescent are the streams that must not change during their snapshot.
var quiescent = []string{
	eventlog.BucketStream(eventlog.Managers), eventlog.BucketStream(eventlog.Products), eventlog.BucketStream(eventlog.Mappings),
}

// Log is what a backup needs of an [*eventlog.Log].
type Log interface {
	Snapshot(ctx context.Context, stream string, w io.Writer) (eventlog.Snapshot, error)
	StreamState(ctx context.Context, stream string) (eventlog.State, error)
}

// A Source is what a backup copies.
type Source struct {
	Log Log

	// Views writes a copy of the views' file; nil: none. A backup is complete without it.
	Views func(ctx context.Context, w io.Writer) error
}

// Progress is called for every chunk that is copied, with its stream and size in bytes.
type Progress func(stream string, bytes int)

// Write writes a backup into a directory, which must be empty or missing. program goes into the
// manifest as the writer. After an error Write removes the files. If only the views cannot be
// copied, the backup omits them and the manifest says why.
func Write(ctx context.Context, from Source, dir, program string, progress Progress) (m Manifest, err error) {
	if err := createEmptyDir(dir); err != nil {
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
	for _, name := range streamOrder {
		s, err := w.stream(ctx, name)
		if err != nil {
			return Manifest{}, err
		}
		m.Streams = append(m.Streams, s)
	}
	m.Ended = time.Now().UTC()
	return m, w.finish(m)
}

// createEmptyDir creates the directory, or refuses one that is not empty.
func createEmptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the directory for the backup cannot be created: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), unfinished) {
			return fmt.Errorf("the directory %s has a backup that was interrupted: delete it, or name another directory", dir)
		}
		if e.Name() != "lost+found" { // of a file system's root
			return fmt.Errorf("the directory %s is not empty: name an empty or a new one", dir)
		}
	}
	return nil
}

type writer struct {
	log      Log
	dir      string
	progress Progress
	created  []string // with and without the suffix
}

// maxAttempts bounds the snapshots of a bucket that other processes write to at the same time.
const maxAttempts = 100

// stream copies one stream into a file.
func (w *writer) stream(ctx context.Context, name string) (Stream, error) {
	for range maxAttempts {
		s, err := w.copy(ctx, name)
		if err != nil || !slices.Contains(quiescent, name) {
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
	return Stream{}, fmt.Errorf("the stream %s changed during each of its snapshots", name)
}

// views copies the views' file; nil without one.
func (w *writer) views(ctx context.Context, write func(context.Context, io.Writer) error) (*File, error) {
	if write == nil {
		return nil, nil
	}
	views := &File{Name: viewsName}
	err := w.file(viewsName, func(out *hashWriter) error {
		err := write(ctx, progressWriter{out, viewsName, w.progress})
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
	err = w.file(s.File, func(out *hashWriter) error {
		s.Snapshot, err = w.log.Snapshot(ctx, name, progressWriter{out, name, w.progress})
		s.Bytes, s.SHA256 = out.bytes, out.hex()
		return err
	})
	return s, err
}

// finish writes the manifest and the checksums, which complete the backup. Each rename is durable
// before the next one.
func (w *writer) finish(m Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	var manifest string
	err = w.file(manifestName, func(out *hashWriter) error {
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
	err = w.file(sumsName, func(out *hashWriter) error {
		_, err := io.WriteString(out, sums.String())
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(fsx.Sync(w.dir), fsx.Sync(filepath.Dir(w.dir)))
}

// file writes one private file. The file gets its name when it is complete and on the disk.
func (w *writer) file(name string, write func(*hashWriter) error) (err error) {
	path := filepath.Join(w.dir, name)
	f, err := os.OpenFile(path+unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w.created = append(w.created, path, path+unfinished)
	err = write(&hashWriter{w: f, hash: sha256.New()})
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(path+unfinished, path)
}

// remove deletes the files that were written.
func (w *writer) remove() error {
	var errs []error
	for _, path := range w.created {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// hashWriter counts and hashes what is written.
type hashWriter struct {
	w     io.Writer
	hash  hash.Hash
	bytes int64
}

func (s *hashWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.hash.Write(p[:n])
	s.bytes += int64(n)
	return n, err
}

func (s *hashWriter) hex() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// progressWriter reports what is written.
type progressWriter struct {
	w        io.Writer
	stream   string
	progress Progress
}

func (t progressWriter) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	t.progress.report(t.stream, n)
	return n, err
}

func (p Progress) report(stream string, bytes int) {
	if p != nil {
		p(stream, bytes)
	}
}
