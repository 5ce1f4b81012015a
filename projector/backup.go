package projector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"licenseimport/events/eventlog"

	bolt "go.etcd.io/bbolt"
)

// Copy writes the views' file of a folder that no projector has open. Views that are
// damaged, or not of the log's stream, are an error: they are of no use.
func Export(ctx context.Context, log Log, dir string, w io.Writer) error {
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); err != nil {
		return err
	}
	s, err := openStore(path)
	if err != nil {
		return err
	}
	_, reason, err := checkOrigin(ctx, s.position, log)
	if err == nil && reason != "" {
		err = errors.New(reason)
	}
	if err == nil {
		err = s.db.View(func(tx *bolt.Tx) error {
			_, err := tx.WriteTo(w)
			return err
		})
	}
	return errors.Join(err, s.close())
}

// Adopt puts a copy of views in the place of a folder's, which must have none. The
// log's stream may be a restored one, that was made at another time than the one they are of:
// they are taken if it holds the event of their position. Why they are not is
// the reason; it is "" if they are. The caller vouches that the events before are the same.
func Import(ctx context.Context, log Log, dir, copied string) (reason string, err error) {
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); err == nil {
		return "", fmt.Errorf("%s is there already", path)
	}
	fresh := path + ".new"
	if err := copyFile(copied, fresh); err != nil {
		return "", errors.Join(err, removeIfThere(fresh))
	}
	reason, err = importFile(ctx, log, fresh)
	if errors.Is(err, errDamaged) {
		reason, err = err.Error(), nil
	}
	if reason != "" || err != nil {
		return reason, errors.Join(err, removeIfThere(fresh))
	}
	return "", errors.Join(os.Rename(fresh, path), syncDir(dir))
}

// adopt verifies a file of views, and writes the log's stream into it as its own.
func importFile(ctx context.Context, log Log, path string) (reason string, err error) {
	s, err := openStore(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	state, err := log.State(ctx)
	if err != nil {
		return "", err
	}
	s.position.Created = state.Created
	if _, reason, err = checkOrigin(ctx, s.position, log); reason != "" || err != nil {
		return reason, err
	}
	err = s.db.Update(func(tx *bolt.Tx) error { return writeMeta(tx, s.position, &s.sums) })
	return "", errors.Join(err, s.db.Sync())
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// CatchUp folds what the views of a folder lack, as a projector does that starts. Events are
// those that were folded; the digest is that of all views.
func CatchUp(ctx context.Context, log Log, dir string) (result RebuildResult, err error) {
	began := time.Now()
	p, err := Open(ctx, dir, log)
	if err != nil {
		return RebuildResult{}, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	state, err := log.State(ctx)
	if err != nil {
		return RebuildResult{}, err
	}
	result.Events = uint64(state.Last - p.Position())
	if err := p.runUntil(ctx, state); err != nil {
		return RebuildResult{}, err
	}
	result.Digest, err = p.Digest()
	result.Duration = time.Since(began)
	return result, errors.Join(err, p.store.db.Sync())
}

// runUntil follows the stream until the views hold what it held.
func (p *Projector) runUntil(ctx context.Context, state eventlog.State) error {
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- p.Run(running) }()
	err := p.WaitFor(ctx, state.Last)
	stop()
	if runErr := <-done; runErr != nil {
		return runErr
	}
	return errors.Join(err, ctx.Err())
}
