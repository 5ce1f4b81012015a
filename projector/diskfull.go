package projector

import (
	"context"
	"log/slog"
	"time"
)

// roomPause is how long a full disk is left alone.
const spaceRetry = time.Second

// awaitRoom pauses, until ctx ends, before the views are tried again from their last commit on; an
// error if the file cannot be read.
func (p *Projector) waitForSpace(ctx context.Context, cause error) error {
	slog.Warn("the views stand still until there is room on the disk", "error", cause)
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(spaceRetry):
		return p.store.reload()
	}
}

// reload forgets what a transaction that failed left in memory.
func (s *store) reload() (err error) {
	defer catchDamage(&err)()
	created := s.position.Created // of views that were never written
	err = s.db.View(s.readMeta)
	s.position.Created = created
	return err
}
