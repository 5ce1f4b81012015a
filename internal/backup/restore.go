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

// Restore makes the streams on a server that has none of them; an
// [*eventlog.NotEmptyError] where it has. After an error it deletes what it made.
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
		if err := b.stream(ctx, r, s, progress); err != nil {
			return err
		}
	}
	return nil
}

func (b *Backup) stream(ctx context.Context, r *eventlog.Restorer, s Stream, progress Progress) error {
	f, err := os.Open(filepath.Join(b.dir, s.File))
	if err != nil {
		return err
	}
	defer f.Close()
	return r.Stream(ctx, s.Snapshot, readTold{f, s.Stream, progress})
}

type readTold struct {
	r        io.Reader
	stream   string
	progress Progress
}

func (t readTold) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.progress.tell(t.stream, n)
	return n, err
}

// Scratch is the folder within a data folder where streams are restored; a
// restore that was interrupted leaves it behind.
const Scratch = "restoring"

// storeName is the folder of the server's files within a data folder.
const storeName = "nats"

// RestoreFolder makes the streams in a data folder that is empty or not there. They
// appear in it by one rename, when all of them are on the disk. What an interrupted
// restore left is thrown away.
func (b *Backup) RestoreFolder(ctx context.Context, dir string, progress Progress) error {
	if err := checkVacant(dir); err != nil {
		return err
	}
	scratch := filepath.Join(dir, Scratch)
	if _, held, err := eventlog.LockOwner(scratch); held || err != nil {
		return errors.Join(fmt.Errorf("another process restores into %s", dir), err)
	}
	if err := errors.Join(os.RemoveAll(scratch), os.MkdirAll(scratch, 0o700)); err != nil {
		return err
	}
	err := b.restoreScratch(ctx, scratch, progress)
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

// checkVacant refuses a data folder that has anything of value in it.
func checkVacant(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if !slices.Contains([]string{Scratch, "lock", "lost+found"}, e.Name()) {
			return fmt.Errorf("the data folder %s is not empty (%s): name one that is, or that is not there", dir, e.Name())
		}
	}
	if by, held, err := eventlog.LockOwner(dir); held || err != nil {
		return errors.Join(&eventlog.LockedError{Dir: dir, Owner: by}, err)
	}
	return nil
}

// restoreScratch runs a server that does not sync, which is many times as fast.
func (b *Backup) restoreScratch(ctx context.Context, dir string, progress Progress) error {
	server, err := eventlog.StartServer(eventlog.ServerConfig{Dir: dir, NoSync: true})
	if err != nil {
		return err
	}
	defer server.Shutdown()
	return b.Restore(ctx, eventlog.Config{Server: server, Name: "restore", Replicas: 1}, progress)
}
