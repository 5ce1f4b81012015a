package projector

import (
	"context"
	"log/slog"
	"time"

	"licenseimport/projector/viewstore"
)

// reopenPause is the pause before the views' file is opened again.
const reopenPause = 200 * time.Millisecond

// replaceDamaged opens the views again after damage that was met while they were open, and tries until
// ctx ends. A file that cannot be closed, since calls of it hang, is left behind and set aside. One that
// can be is verified: it is set aside if it is damaged, and used again if only this process has read it
// wrongly. Reads fail meanwhile, and Ready reports the damage.
func (p *Projector) replaceDamaged(ctx context.Context, cause error) error {
	slog.Error("the views were damaged while they were open, and are opened again", "file", p.path, "reason", cause)
	hangs := p.store().Close() != nil
	for last := ""; ; {
		err := p.reopen(ctx, hangs)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if err.Error() != last {
			last = err.Error()
			slog.Warn("the views cannot be opened yet", "file", p.path, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(reopenPause):
		}
	}
}

func (p *Projector) reopen(ctx context.Context, hangs bool) error {
	if hangs {
		if err := setAside(p.path); err != nil {
			return err
		}
	}
	s, err := openStore(ctx, p.path, p.log, viewstore.BeginOpen(p.path, schema))
	if err != nil {
		return err
	}
	p.use(s)
	return nil
}
