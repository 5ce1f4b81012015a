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
	"licenseimport/internal/fsx"
	"licenseimport/projector/viewstore"
)

// Export writes the views' file of a directory that no projector has open. Views that are damaged, or
// not of the log's stream, are an error.
func Export(ctx context.Context, log Log, dir string, w io.Writer) error {
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); err != nil {
		return err
	}
	s, err := viewstore.Open(path, schema)
	if err != nil {
		return err
	}
	reason, err := checkOrigin(ctx, s.Position(), log)
	if err == nil && reason != "" {
		err = errors.New(reason)
	}
	if err == nil {
		err = s.ReadAll(func(r *viewstore.Reader) error {
			_, err := r.WriteTo(w)
			return err
		})
	}
	return errors.Join(err, s.Close())
}

// Import puts an exported file in the place of a directory's views, of which there must be none. The
// log's stream may be a restored one, created at another time than the stream of the views: Import
// accepts them if the stream holds the event of their position. The caller guarantees that the
// events before it are the same. reason says why the views are not accepted; "" if they are.
func Import(ctx context.Context, log Log, dir, exported string) (reason string, err error) {
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); err == nil {
		return "", fmt.Errorf("%s is there already", path)
	}
	fresh := path + ".new"
	if err := copyFile(exported, fresh); err != nil {
		return "", errors.Join(err, removeIfThere(fresh))
	}
	reason, err = importFile(ctx, log, fresh)
	if errors.Is(err, ErrDamaged) {
		reason, err = err.Error(), nil
	}
	if reason != "" || err != nil {
		return reason, errors.Join(err, removeIfThere(fresh))
	}
	return "", fsx.Rename(fresh, path)
}

// importFile verifies a file of views, and makes it one of the log's stream.
func importFile(ctx context.Context, log Log, path string) (reason string, err error) {
	s, err := viewstore.Open(path, schema)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	state, err := log.State(ctx)
	if err != nil {
		return "", err
	}
	setOrigin(s, state)
	if reason, err = checkOrigin(ctx, s.Position(), log); reason != "" || err != nil {
		return reason, err
	}
	return "", s.SavePosition(s.Position())
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

// CatchUp folds the events that the views of a directory lack, as a starting projector does. The
// result counts those events; its digest is that of all views.
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
	return result, errors.Join(err, p.store().Sync())
}

// runUntil follows the stream until the views are at a state's end.
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
