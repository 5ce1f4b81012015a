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
	"licenseimport/internal/fsx"
	"licenseimport/projector/viewstore"
)

// While something reads the views for long, commits cannot reuse the pages that they free, and the file
// grows. The pages are free later, and stay in the file. Where more than half of it is free, the projector
// puts a smaller file in its place while it folds and answers:
//
//	views.bolt      folds and answers                                │ retired: reads that go on end on it
//	views.bolt.new  copied from one read ▶ folds what came meanwhile │ renamed to views.bolt; folds and answers
//	                                                                 └ no event is folded for this moment
//
// A process that is killed leaves one whole file at views.bolt: the old one before the rename, the new one,
// which is synced, after it. The new file takes the old one's place only if the checksums of all views are
// equal. The old file's space is free when the last read of it has ended.

// shrinkEvery is the pause between two checks of the file's free pages, but for tests.
const shrinkEvery = time.Minute

// Wasteful reports whether a views' file of some bytes, of which some are free, is replaced by a smaller one.
func Wasteful(size, free int64) bool { return viewstore.Usage{Size: size, Free: free}.Wasteful() }

// followAndShrink is followFromCommit that goes on with a smaller file, if one was made.
func (p *Projector) followAndShrink(ctx context.Context) error {
	following, stop := context.WithCancel(ctx)
	defer stop()
	made := make(chan *viewstore.Store, 1)
	go func() {
		defer close(made)
		if s := p.makeSmaller(following); s != nil {
			made <- s
			stop()
		}
	}()
	err := p.followFromCommit(following)
	stop()
	smaller := <-made
	if smaller == nil {
		return err
	}
	if err == nil && ctx.Err() == nil {
		failed := p.replaceWith(ctx, smaller)
		if failed == nil {
			return nil
		}
		if ctx.Err() == nil {
			slog.Warn("the views' file was not made smaller", "file", p.path, "error", failed)
		}
	}
	if dropped := errors.Join(smaller.Close(), removeIfThere(p.fresh())); dropped != nil {
		slog.Warn("the smaller file of views is left behind", "file", p.fresh(), "error", dropped)
	}
	return err
}

func (p *Projector) fresh() string { return p.path + ".new" }

// makeSmaller waits until the file is wasteful, and returns a smaller one that is nearly up to date; nil
// when ctx ends.
func (p *Projector) makeSmaller(ctx context.Context) *viewstore.Store {
	for last := ""; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(p.shrinkEvery):
		}
		u, err := p.usage()
		if err != nil || !p.wasteful(u) {
			continue
		}
		s, err := p.smaller(ctx, u)
		if err == nil {
			return s
		}
		if ctx.Err() == nil && err.Error() != last {
			last = err.Error()
			slog.Warn("the views' file cannot be made smaller yet", "file", p.path, "bytes", u.Size, "free", u.Free,
				"error", err)
		}
	}
}

// smaller copies the views into a new file, and folds what has come meanwhile.
func (p *Projector) smaller(ctx context.Context, u viewstore.Usage) (s *viewstore.Store, err error) {
	if err := errors.Join(removeIfThere(p.fresh()), p.hasSpace(u.Size-u.Free)); err != nil {
		return nil, err
	}
	state, err := p.log.State(ctx)
	if err != nil {
		return nil, err
	}
	err = p.onStore(func(from *viewstore.Store) (err error) {
		s, err = from.CopyTo(p.fresh(), viewstore.NewBound(ctx.Err))
		return err
	})
	if err != nil {
		return nil, errors.Join(err, removeIfThere(p.fresh()))
	}
	setOrigin(s, state)
	if err = p.catchUp(ctx, s); err == nil {
		err = s.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(), removeIfThere(p.fresh()))
	}
	return s, nil
}

// catchUp folds into a copy what the views hold and the copy does not.
func (p *Projector) catchUp(ctx context.Context, s *viewstore.Store) error {
	r := &rebuild{log: p.log, store: s, events: maxBatchEvents}
	return r.fold(ctx, events.Seq(s.Position().Seq), p.Position())
}

// replaceWith puts a smaller file in the place of the views' file. Nothing folds meanwhile.
func (p *Projector) replaceWith(ctx context.Context, smaller *viewstore.Store) error {
	old := p.store()
	if err := errors.Join(p.catchUp(ctx, smaller), smaller.Sync()); err != nil {
		return err
	}
	if !old.Same(smaller) {
		return fmt.Errorf("the smaller file holds other views, up to %d: please report this", smaller.Position().Seq)
	}
	before, _ := p.Usage()
	if err := os.Rename(p.fresh(), p.path); err != nil {
		return err
	}
	p.open.Store(smaller) // the path leads to it, also where the next call fails
	go func() { _ = old.Retire() }()
	if err := fsx.Sync(filepath.Dir(p.path)); err != nil {
		slog.Warn("a power cut may bring the larger file of views back", "error", err)
	}
	after, _ := p.Usage()
	slog.Info("the views' file was made smaller", "file", p.path, "bytes", after, "before", before)
	return nil
}
