package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"licenseimport/events/eventlog"
	"licenseimport/internal/fsx"
)

// Restore creates the streams on a server that has none of them; otherwise the error is an
// [*eventlog.NotEmptyError]. After an error it deletes the streams that it created.
func (b *Backup) Restore(ctx context.Context, config eventlog.Config, progress Progress) (err error) {
	r, err := eventlog.OpenRestorer(ctx, config)
	if err != nil {
		return err
	}
	defer r.Close()
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Rollback(context.WithoutCancel(ctx)))
		}
	}()
	for _, s := range b.Manifest.Streams {
		if err := b.restoreStream(ctx, r, s, progress); err != nil {
			return err
		}
	}
	return nil
}

func (b *Backup) restoreStream(ctx context.Context, r *eventlog.Restorer, s Stream, progress Progress) error {
	f, err := os.Open(filepath.Join(b.dir, s.File))
	if err != nil {
		return err
	}
	defer f.Close()
	return r.Stream(ctx, s.Snapshot, progressReader{f, s.Stream, progress})
}

// progressReader reports what is read.
type progressReader struct {
	r        io.Reader
	stream   string
	progress Progress
}

func (t progressReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.progress.report(t.stream, n)
	return n, err
}

// ScratchDir is the subdirectory of a data directory in which a restore works. An interrupted
// restore leaves it behind.
const ScratchDir = "restoring"

// storeName is the subdirectory of the server's files in a data directory.
const storeName = "nats"

// CheckRestored fails where a restore into the data directory goes on or was cut off: a server would begin there with
// nothing, and the restore would then be refused.
func CheckRestored(dir string) error {
	scratch := filepath.Join(dir, ScratchDir)
	_, none := os.Stat(scratch)
	_, missing := os.Stat(filepath.Join(dir, storeName))
	if none != nil || !errors.Is(missing, fs.ErrNotExist) { // all streams are put into place at once
		return nil
	}
	return fmt.Errorf("a restore into %s goes on or was cut off: wait for it, or run licenseimport restore again; "+
		"to begin with nothing instead, remove %s", dir, scratch)
}

// RestoreDir creates the streams in a data directory that is empty or missing. One rename puts them
// into place when all of them are on the disk. RestoreDir deletes what an interrupted restore left.
func (b *Backup) RestoreDir(ctx context.Context, dir string, progress Progress) error {
	if err := checkUnused(dir); err != nil {
		return err
	}
	scratch := filepath.Join(dir, ScratchDir)
	if _, held, err := eventlog.LockOwner(scratch); held || err != nil {
		return errors.Join(fmt.Errorf("another process restores into %s", dir), err)
	}
	if err := errors.Join(os.RemoveAll(scratch), os.MkdirAll(scratch, 0o700)); err != nil {
		return err
	}
	err := b.restoreWithoutSync(ctx, scratch, progress)
	if err == nil {
		err = fsx.SyncTree(filepath.Join(scratch, storeName))
	}
	if err == nil {
		err = fsx.Rename(filepath.Join(scratch, storeName), filepath.Join(dir, storeName))
	}
	if err := errors.Join(err, os.RemoveAll(scratch)); err != nil {
		return fmt.Errorf("restore into %s: %w", dir, err)
	}
	return nil
}

// checkUnused refuses a data directory that has data.
func checkUnused(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if !slices.Contains([]string{ScratchDir, "lock", "lost+found"}, e.Name()) {
			return fmt.Errorf("the data directory %s is not empty (%s): name an empty or a new one", dir, e.Name())
		}
	}
	if owner, held, err := eventlog.LockOwner(dir); held || err != nil {
		return errors.Join(&eventlog.LockedError{Dir: dir, Owner: owner}, err)
	}
	return nil
}

// restoreWithoutSync restores into a server without fsync, which is many times as fast. The caller
// syncs the files at the end.
func (b *Backup) restoreWithoutSync(ctx context.Context, dir string, progress Progress) error {
	server, err := eventlog.StartServer(eventlog.ServerConfig{Dir: dir, NoSync: true})
	if err != nil {
		return err
	}
	defer server.Shutdown()
	return b.Restore(ctx, eventlog.Config{Server: server, Name: "restore", Replicas: 1}, progress)
}
