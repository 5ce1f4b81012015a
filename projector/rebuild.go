package projector

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"licenseimport/events"
)

// RebuildResult says what a rebuild did.
type RebuildResult struct {
	Events   uint64
	Duration time.Duration
	Digest   string // of the views: see [Projector.Digest]
}

// progressStep is the number of events between two calls of a rebuild's progress.
const progressStep = 1000

// Rebuild folds the stream, as far as it goes now, into a fresh file beside the
// views' and puts that in their place. Until then the old views stay as they
// are, also when it is interrupted. No projector may have the folder open.
// progress is told now and then how many of how many events are done.
func Rebuild(ctx context.Context, log Log, dir string, progress func(done, total uint64)) (RebuildResult, error) {
	path := filepath.Join(dir, FileName)
	release, err := reserve(path)
	if err != nil {
		return RebuildResult{}, fmt.Errorf("rebuild the views: %w", err)
	}
	defer release()
	began := time.Now()
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return RebuildResult{}, fmt.Errorf("rebuild the views: %w", err)
	}
	r := &rebuild{log: log, progress: progress}
	result, err := r.into(ctx, fresh)
	if err == nil {
		err = errors.Join(os.Rename(fresh, path), syncDir(dir))
	}
	if err != nil {
		return RebuildResult{}, errors.Join(fmt.Errorf("rebuild the views: %w", err), removeIfThere(fresh))
	}
	result.Duration = time.Since(began)
	return result, nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// reserve keeps projectors off the file until the new one is in its place.
func reserve(path string) (release func(), err error) {
	db, err := openFile(path)
	if errors.Is(err, errDamaged) {
		return func() {}, nil // no projector has it: it could not open it either
	}
	if err != nil {
		return nil, err
	}
	return func() { _ = db.Close() }, nil
}

// rebuild folds a whole stream into a new file.
type rebuild struct {
	log      Log
	progress func(done, total uint64)
	store    *store
	done     uint64
}

func (r *rebuild) into(ctx context.Context, path string) (RebuildResult, error) {
	state, err := r.log.State(ctx)
	if err != nil {
		return RebuildResult{}, err
	}
	// Nothing is synced before the end: an interrupted rebuild is thrown away.
	if r.store, err = openStore(path); err != nil {
		return RebuildResult{}, err
	}
	defer func() { _ = r.store.close() }() // at the end of all, nothing is left to write
	r.store.position.Created = state.Created
	if err := r.fold(ctx, state.Last); err != nil {
		return RebuildResult{}, err
	}
	digest, err := r.store.digest()
	if err != nil {
		return RebuildResult{}, err
	}
	return RebuildResult{Events: r.done, Digest: digest}, r.store.db.Sync()
}

// fold applies the stream up to its last event.
func (r *rebuild) fold(ctx context.Context, last events.Seq) error {
	if last == 0 {
		return nil
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	stream := follow(following, r.log, 0, last, func(events.Seq) {})
	l := newBatchWriter(r.store, maxRebuildEvents)
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

// apply folds all facts in large transactions.
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
		l.idle(stream)
	}
	if r.progress != nil {
		r.progress(r.done, total)
	}
	return l.finish()
}
