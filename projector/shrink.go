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
//
// [Projector.Rebuild] does the same with a file that is folded from the beginning of the stream. That one takes the old
// one's place in any case.

// shrinkEvery is the pause between two checks of the file's free pages, but for tests.
const shrinkEvery = time.Minute

// Wasteful reports whether a views' file of some bytes, of which some are free, is replaced by a smaller one.
func Wasteful(size, free int64) bool { return viewstore.Usage{Size: size, Free: free}.Wasteful() }

// A replacement is a file of views that is nearly up to date.
type replacement struct {
	*viewstore.Store
	call *rebuildCall // that asked for it; nil: it is a smaller file
}

// end tells who asked for the replacement that it took the old file's place, or why not.
func (r *replacement) end(err error) {
	if r.call == nil {
		return
	}
	if err == nil {
		r.call.result.Digest, err = r.Digest()
	}
	r.call.end(err)
}

// followAndReplace is followFromCommit that goes on with another file, if one was made.
func (p *Projector) followAndReplace(ctx context.Context) error {
	following, stop := context.WithCancel(ctx)
	defer stop()
	made := make(chan *replacement, 1)
	go func() {
		defer close(made)
		if r := p.makeReplacement(following); r != nil {
			made <- r
			stop()
		}
	}()
	err := p.followFromCommit(following)
	stop()
	fresh := <-made
	if fresh == nil {
		return err
	}
	failed := errors.Join(err, ctx.Err())
	if failed == nil {
		if failed = p.replaceWith(ctx, fresh); failed == nil {
			go fresh.end(nil) // the digest takes a while
			return nil
		}
		if ctx.Err() == nil {
			slog.Warn("the views' file was not replaced", "file", p.path, "error", failed)
		}
	}
	fresh.end(failed)
	if dropped := errors.Join(fresh.Close(), removeIfThere(p.fresh())); dropped != nil {
		slog.Warn("the new file of views is left behind", "file", p.fresh(), "error", dropped)
	}
	return err
}

func (p *Projector) fresh() string { return p.path + ".new" }

// makeReplacement waits until the file is wasteful, or until a rebuild is asked for, and returns another one that is
// nearly up to date; nil when ctx ends.
func (p *Projector) makeReplacement(ctx context.Context) *replacement {
	for last := ""; ; {
		select {
		case <-ctx.Done():
			return nil
		case call := <-p.rebuilds:
			p.replacing.Store(true)
			s, err := p.foldedAgain(ctx, call)
			p.replacing.Store(false)
			if err == nil {
				return &replacement{s, call}
			}
			call.end(err)
			continue
		case <-time.After(p.shrinkEvery):
		}
		u, err := p.usage()
		if err != nil || !p.wasteful(u) {
			continue
		}
		p.replacing.Store(true)
		s, err := p.smaller(ctx, u)
		p.replacing.Store(false)
		if err == nil {
			return &replacement{Store: s}
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

// goOnWith has readers use another file, which holds what the one before does, and perhaps more.
func (p *Projector) goOnWith(s *viewstore.Store) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open.Store(s)
	at := s.Position()
	if events.Seq(at.Seq) <= p.committed {
		return
	}
	p.live, p.committed, p.at = map[events.JobID]*Job{}, events.Seq(at.Seq), at.Time
	p.head = max(p.head, p.committed)
	p.caughtUp = p.caughtUp || p.committed >= p.head
	p.notify()
}

// replaceWith puts another file in the place of the views' file. Nothing folds meanwhile.
func (p *Projector) replaceWith(ctx context.Context, fresh *replacement) error {
	old := p.store()
	if err := errors.Join(p.catchUp(ctx, fresh.Store), fresh.Sync()); err != nil {
		return err
	}
	if same := old.Same(fresh.Store); !same && fresh.call == nil {
		return fmt.Errorf("the smaller file holds other views, up to %d: please report this", fresh.Position().Seq)
	} else if !same && old.Position().Seq == fresh.Position().Seq {
		slog.Warn("the views were not as a rebuild makes them, and are now: please report this", "file", p.path)
	}
	before, _ := p.Usage()
	if err := os.Rename(p.fresh(), p.path); err != nil {
		return err
	}
	p.goOnWith(fresh.Store) // the path leads to it, also where the next call fails
	go func() { _ = old.Retire() }()
	if err := fsx.Sync(filepath.Dir(p.path)); err != nil {
		slog.Warn("a power cut may bring the former file of views back", "error", err)
	}
	after, _ := p.Usage()
	slog.Info("the views' file was replaced", "file", p.path, "bytes", after, "before", before)
	return nil
}
