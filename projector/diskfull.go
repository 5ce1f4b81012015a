package projector

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// spaceRetry is the pause after a full disk.
const spaceRetry = time.Second

// waitForSpace pauses, or until ctx ends, before folding is tried again from the last commit on. It
// returns an error if the file cannot be read; where it is damaged, the next attempt finds that.
func (p *Projector) waitForSpace(ctx context.Context, cause error) error {
	slog.Warn("the views wait for free disk space", "error", cause)
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(spaceRetry):
		if err := p.store().Reload(); !errors.Is(err, ErrDamaged) {
			return err
		}
		return nil
	}
}
