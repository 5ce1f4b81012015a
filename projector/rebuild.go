package projector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/fsx"
	"licenseimport/projector/viewstore"
)

// RebuildResult says what a rebuild did.
type RebuildResult struct {
	Events   uint64
	Duration time.Duration
	Digest   string // of the views: see [Projector.Digest]
}

// progressStep is the number of events between two calls of a rebuild's progress.
const progressStep = 1000

// Rebuild folds the stream, up to its present end, into a new file and puts that in the place of the
// views' file. Until then the old views stay as they are, also when Rebuild is interrupted. If they
// hold what the stream does not, the error is a *[eventlog.LossError]. No projector may have the
// directory open. progress, which may be nil, is called every 1000 events.
func Rebuild(ctx context.Context, log Log, dir string, progress func(done, total uint64)) (RebuildResult, error) {
	path := filepath.Join(dir, FileName)
	if err := checkReplaceable(ctx, path, log); err != nil {
		return RebuildResult{}, err
	}
	release, err := viewstore.Lock(path)
	if err != nil {
		return RebuildResult{}, fmt.Errorf("rebuild the views: %w", err)
	}
	defer release()
	began := time.Now()
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return RebuildResult{}, fmt.Errorf("rebuild the views: %w", err)
	}
	r := &rebuild{log: log, progress: progress, events: maxRebuildEvents}
	result, err := r.into(ctx, fresh)
	if err == nil {
		err = fsx.Rename(fresh, path)
	}
	if err != nil {
		return RebuildResult{}, errors.Join(fmt.Errorf("rebuild the views: %w", err), removeIfThere(fresh))
	}
	result.Duration = time.Since(began)
	return result, nil
}

// checkReplaceable returns a *[eventlog.LossError] if the views hold what the stream does not: they
// are the last copy then.
func checkReplaceable(ctx context.Context, path string, log Log) error {
	p, err := viewstore.ReadPosition(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	damaged := errors.Is(err, ErrDamaged)
	if err != nil && !damaged {
		return fmt.Errorf("rebuild the views: %w", err)
	}
	state, missing, err := missingIn(ctx, p, log)
	if err != nil {
		return fmt.Errorf("rebuild the views: %w", err)
	}
	if damaged && state.Last == 0 {
		return &eventlog.LossError{Lost: []string{"the stream LICENSES is empty"}, Left: []string{"damaged views in " + path}}
	}
	if missing == "" {
		return nil
	}
	s, err := viewstore.Open(path, schema)
	if err != nil {
		return fmt.Errorf("rebuild the views: %w", err)
	}
	return errors.Join(lossOf(s, path, state, missing), s.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// ErrNotFolding says that the projector cannot make its views again now: it waits for space, opens a damaged file
// again, or was stopped by an event.
var ErrNotFolding = errors.New("the views are not being folded now")

// rebuildWait is how long a call of [Projector.Rebuild] waits for the goroutine that folds, but for tests.
var rebuildWait = 10 * time.Second

// A rebuildCall asks the goroutine that folds for views that are folded again.
type rebuildCall struct {
	ctx     context.Context // the caller's
	rebuild rebuild
	began   time.Time
	result  RebuildResult
	ended   chan error // has room for one
}

// Rebuild folds the stream again into a new file, while the projector folds and answers from the present one. Then it
// puts that in the place of the views' file, as shrink.go describes. Until then nothing changes, also when it is
// interrupted or fails. progress, which may be nil, is called every 1000 events. It waits while another file is being
// made. Where [Projector.Run] does not fold, the error is [ErrNotFolding].
func (p *Projector) Rebuild(ctx context.Context, progress func(done, total uint64)) (RebuildResult, error) {
	call := &rebuildCall{
		ctx: ctx, rebuild: rebuild{log: p.log, progress: progress, events: maxRebuildEvents}, began: time.Now(),
		ended: make(chan error, 1),
	}
	for asked := false; !asked; {
		select {
		case p.rebuilds <- call:
			asked = true
		case <-time.After(rebuildWait):
			if p.replacing.Load() {
				continue
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			return RebuildResult{}, errors.Join(ErrNotFolding, p.failure)
		case <-ctx.Done():
			return RebuildResult{}, ctx.Err()
		}
	}
	select {
	case err := <-call.ended:
		return call.result, err
	case <-ctx.Done():
		return RebuildResult{}, ctx.Err()
	}
}

// foldedAgain folds the stream into a new file, for a call.
func (p *Projector) foldedAgain(ctx context.Context, call *rebuildCall) (s *viewstore.Store, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(call.ctx, stop)()
	u, err := p.usage()
	if err == nil {
		err = errors.Join(removeIfThere(p.fresh()), p.hasSpace(u.Size-u.Free))
	}
	if err != nil {
		return nil, err
	}
	if err := call.rebuild.foldInto(ctx, p.fresh()); err != nil {
		return nil, errors.Join(err, removeIfThere(p.fresh()))
	}
	return call.rebuild.store, nil
}

// end gives the result to the caller.
func (c *rebuildCall) end(err error) {
	c.result.Events, c.result.Duration = c.rebuild.done, time.Since(c.began)
	if err != nil {
		err = fmt.Errorf("rebuild the views: %w", err)
	}
	c.ended <- err
}

// rebuild folds a whole stream into a new file.
type rebuild struct {
	log      Log
	progress func(done, total uint64)
	store    *viewstore.Store
	events   int // in one transaction, at most
	done     uint64
}

func (r *rebuild) into(ctx context.Context, path string) (RebuildResult, error) {
	if err := r.foldInto(ctx, path); err != nil {
		return RebuildResult{}, err
	}
	defer func() { _ = r.store.Close() }() // everything is synced before
	digest, err := r.store.Digest()
	if err != nil {
		return RebuildResult{}, err
	}
	return RebuildResult{Events: r.done, Digest: digest}, r.store.Sync()
}

// foldInto folds the stream, up to its present end, into a new file and leaves that open.
func (r *rebuild) foldInto(ctx context.Context, path string) error {
	state, err := r.log.State(ctx)
	if err != nil {
		return err
	}
	if state.Last > 0 { // what is damaged before it shows when the next event is read
		if _, found, err := r.log.MessageAt(ctx, state.Last); err != nil || !found {
			return cmp.Or(err, fmt.Errorf("the last event of stream %s, sequence %d, cannot be read: its file is damaged",
				events.LicensesStream, state.Last))
		}
	}
	if r.store, err = viewstore.Open(path, schema); err != nil {
		return err
	}
	setOrigin(r.store, state)
	if err := r.fold(ctx, 0, state.Last); err != nil {
		return errors.Join(err, r.store.Close())
	}
	return nil
}

// fold applies the stream's events after one, up to its last event.
func (r *rebuild) fold(ctx context.Context, after, last events.Seq) error {
	if last <= after {
		return nil
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	stream := follow(following, r.log, after, last, func(events.Seq) {})
	l := newBatchWriter(r.store, r.events)
	err := r.apply(l, stream, uint64(last))
	if err != nil {
		err = l.stop(err)
	}
	stop()
	followErr := stream.wait()
	if err == nil {
		err = followErr
	}
	return err
}

// apply folds all facts, in large transactions.
func (r *rebuild) apply(l *batchWriter, stream *follower, total uint64) error {
	for f := range stream.facts {
		stream.release(f)
		if err := l.apply(f); err != nil {
			return applyError(f.seq, err)
		}
		l.active.progressed = l.active.progressed[:0]
		if r.done++; r.done%progressStep == 0 && r.progress != nil {
			r.progress(r.done, total)
		}
		if l.full() {
			if err := l.flush(); err != nil {
				return err
			}
		}
		l.releaseIdle(stream)
	}
	if r.progress != nil {
		r.progress(r.done, total)
	}
	return l.finish()
}
