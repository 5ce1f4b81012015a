package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/fsx"
	"licenseimport/projector/viewstore"
)

// openMatching returns the store if it is of the log's stream, or an empty one if this version has to
// fold the stream again. If the stream does not hold what the views hold, the error is a
// *[eventlog.LossError] and the file stays as it is.
func openMatching(ctx context.Context, s *viewstore.Store, path string, log Log) (*viewstore.Store, error) {
	p := s.Position()
	state, missing, err := missingIn(ctx, p, log)
	for errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil { // the stream elects a leader, or the disk is slow
		slog.Info("waiting for NATS", "reason", err)
		state, missing, err = missingIn(ctx, p, log)
	}
	if err == nil && missing != "" {
		err = lossOf(s, path, state, missing)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if p.Format != format {
		slog.Warn("the views are folded again from the stream", "file", path,
			"reason", fmt.Sprintf("they have format %d, this program writes %d", p.Format, format))
		if err = errors.Join(s.Close(), os.Remove(path)); err == nil {
			s, err = viewstore.Open(path, schema)
		}
		if err != nil {
			return nil, fmt.Errorf("open the views: %w", err)
		}
	}
	setOrigin(s, state)
	return s, nil
}

// setOrigin makes a store one of a stream.
func setOrigin(s *viewstore.Store, state eventlog.State) {
	p := s.Position()
	p.Created = state.Created
	s.SetPosition(p)
}

// setAside renames a damaged views' file. It replaces an earlier one.
func setAside(path string) error {
	if err := fsx.Rename(path, path+".bad"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// missingIn says what of a position the log's stream does not hold; "" if it holds the same event
// there, so that it is the views' stream, or a copy of it that a restore made.
func missingIn(ctx context.Context, p viewstore.Position, log Log) (state eventlog.State, missing string, err error) {
	state, err = log.State(ctx)
	if err != nil || p.Seq == 0 {
		return state, "", err
	}
	if p.Seq > uint64(state.Last) {
		return state, fmt.Sprintf("the views are at sequence %d, ahead of the stream, which ends at %d", p.Seq, state.Last), nil
	}
	message, found, err := log.MessageAt(ctx, events.Seq(p.Seq))
	if err != nil {
		return state, "", err
	}
	if found && message.Time.Equal(p.Time) {
		if envelope, err := message.Decode(); err != nil || envelope.ID == p.ID {
			return state, "", nil
		}
	}
	return state, fmt.Sprintf("the stream holds another event at their sequence %d", p.Seq), nil
}

// checkOrigin says why a position is not one of the log's stream; "" if it is. Other than for
// [missingIn] a copy of the stream is another one.
func checkOrigin(ctx context.Context, p viewstore.Position, log Log) (reason string, err error) {
	state, reason, err := missingIn(ctx, p, log)
	switch {
	case err != nil:
	case p.Format != format:
		reason = fmt.Sprintf("they have format %d, this program writes %d", p.Format, format)
	case p.Seq > 0 && !p.Created.Equal(state.Created):
		reason = "they are of another stream"
	}
	return reason, err
}

// Held says what the views' file of a directory holds of the stream, as evidence for
// [eventlog.Config]. Nothing is changed. A file that does not exist, cannot be read, or that
// another process has open, says nothing.
func Held(dir string) ([]eventlog.Claim, error) {
	path := filepath.Join(dir, FileName)
	p, err := viewstore.ReadPosition(path)
	return claimOf(path, p, err)
}

// Held is as the function [Held], for the directory that is being opened. It waits until its views are open. A file
// that another process has open is an error: going on would do without what it says.
func (o *Opening) Held() ([]eventlog.Claim, error) {
	p, err := o.file.Position()
	if errors.Is(err, viewstore.ErrInUse) {
		return nil, fmt.Errorf("read the views: %w", err)
	}
	return claimOf(filepath.Join(o.dir, FileName), p, err)
}

func claimOf(path string, p viewstore.Position, err error) ([]eventlog.Claim, error) {
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, ErrDamaged), errors.Is(err, viewstore.ErrInUse):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the views: %w", err)
	}
	return []eventlog.Claim{{Source: "the views " + path, Last: events.Seq(p.Seq)}}, nil
}

// CountHeld counts the licenses in the views' file of a directory that no projector has open.
func CountHeld(dir string) (licenses int, err error) {
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); err != nil {
		return 0, err
	}
	s, err := viewstore.Open(path, schema)
	if err != nil {
		return 0, err
	}
	if s.Position().Format == format {
		var l truncation
		l, err = truncatedSince(s, 0)
		licenses = l.licenses
	}
	return licenses, errors.Join(err, s.Close())
}

// SetLostAside gives the views' file of a directory another name, which no file has, and returns
// it; "" without a file.
func SetLostAside(dir string) (string, error) {
	path := filepath.Join(dir, FileName)
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	name := path + ".lost-" + time.Now().UTC().Format("20060102T150405Z")
	for i := 2; ; i++ {
		if _, err := os.Lstat(name); errors.Is(err, os.ErrNotExist) {
			break
		}
		name = fmt.Sprintf("%s.lost-%s-%d", path, time.Now().UTC().Format("20060102T150405Z"), i)
	}
	if err := fsx.Rename(path, name); err != nil {
		return "", fmt.Errorf("set the views aside: %w", err)
	}
	return name, nil
}
