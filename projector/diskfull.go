package projector

import (
	"context"
	"log/slog"
	"time"
)

// spaceRetry is the pause after a full disk.
const spaceRetry = time.Second

// waitForSpace pauses, or until ctx ends, before folding is tried again from the last commit on. It
// returns an error if the file cannot be read.
func (p *Projector) waitForSpace(ctx context.Context, cause error) error {
	slog.Warn("the views wait for free disk space", "error", cause)
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(spaceRetry):
		return p.store.Reload()
	}
}
