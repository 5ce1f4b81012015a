package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/fsx"
	"licenseimport/projector/viewstore"
)

// openMatching returns the store, or an empty one if it is not of the log's stream.
func openMatching(ctx context.Context, s *viewstore.Store, path string, log Log) (*viewstore.Store, error) {
	state, reason, err := checkOrigin(ctx, s.Position(), log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the views: %w", err), s.Close())
	}
	if reason != "" {
		slog.Warn("the views are folded again from the stream", "file", path, "reason", reason)
		if err = discard(ctx, s, path, state, log); err == nil {
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

// discard closes and removes views that do not match the stream. If the stream has lost its end, the
// views alone know what was in it: discard sets them aside, warns of what is lost, and has the
// imports redelivered whose end is lost.
func discard(ctx context.Context, s *viewstore.Store, path string, state eventlog.State, log Log) error {
	p := s.Position()
	if p.Format != format || !p.Created.Equal(state.Created) || p.Seq <= uint64(state.Last) {
		return errors.Join(s.Close(), os.Remove(path))
	}
	l, err := truncatedSince(s, state.Last)
	if err != nil {
		slog.Warn("what the stream has lost cannot be read from the views", "error", err)
	}
	l.warn(path + ".bad")
	if err := log.RedeliverJobs(ctx); err != nil {
		return errors.Join(err, s.Close())
	}
	return errors.Join(s.Close(), setAside(path))
}

// setAside renames a views' file that is not to be used. It replaces an earlier one.
func setAside(path string) error {
	if err := fsx.Rename(path, path+".bad"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// checkOrigin says why a position is not one of the log's stream; "" if it is.
func checkOrigin(ctx context.Context, p viewstore.Position, log Log) (state eventlog.State, reason string, err error) {
	state, err = log.State(ctx)
	if err != nil {
		return state, "", err
	}
	switch {
	case p.Format != format:
		return state, fmt.Sprintf("they have format %d, this program writes %d", p.Format, format), nil
	case p.Seq == 0:
		return state, "", nil
	case !p.Created.Equal(state.Created):
		return state, "they are of another stream", nil
	case p.Seq > uint64(state.Last):
		return state, fmt.Sprintf("they are at sequence %d, ahead of the stream, which ends at %d", p.Seq, state.Last), nil
	}
	message, found, err := log.MessageAt(ctx, events.Seq(p.Seq))
	if err != nil {
		return state, "", err
	}
	envelope, decodeErr := message.Decode()
	if !found || decodeErr != nil || envelope.ID != p.ID || !message.Time.Equal(p.Time) {
		reason = fmt.Sprintf("the stream holds another event at their sequence %d", p.Seq)
	}
	return state, reason, nil
}
