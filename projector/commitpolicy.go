package projector

import (
	"errors"
	"runtime"
	"time"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// yieldFacts is the number of facts that take about a millisecond to fold. The goroutine then yields
// to readers, as the writing one does.
const yieldFacts = 64

// committer folds facts into memtables and decides when these are committed.
type committer struct {
	*batchWriter
	projector    *Projector
	timer        *time.Timer // of the active memtable
	began        time.Time   // when the active memtable got its first fact
	flushSoon    bool        // the timer was set to commitEnded
	flushPending bool        // flush the active memtable as soon as nothing is being written
}

func newCommitter(p *Projector, s *viewstore.Store) *committer {
	f := &committer{batchWriter: newBatchWriter(s, maxBatchEvents), projector: p, timer: time.NewTimer(time.Hour)}
	f.maxConcurrent = concurrentBatchEvents
	f.afterCommit = func(b *memtable) { p.onCommit(b.position, b.ended) }
	return f
}

// run folds until there are no more facts. Then it commits what was folded, also before an event
// that cannot be applied.
func (f *committer) run(stream *follower) error {
	defer f.timer.Stop()
	for {
		f.releaseIdle(stream)
		var err error
		select {
		case next, ok := <-stream.facts:
			if !ok {
				return f.finish()
			}
			stream.release(next)
			if next.seq%yieldFacts == 0 {
				runtime.Gosched()
			}
			err = f.fold(next, len(stream.facts) > 0)
		case <-f.timer.C:
			if f.active != nil && !f.extend(len(stream.facts) > 0) {
				err = f.commit()
			}
		case <-f.projector.flushRequest:
			if f.active != nil && f.hasWaiter() {
				err = f.commit()
			}
		case result := <-f.done:
			if err = f.onCommitted(result); err == nil && f.flushPending {
				err = f.commit()
			}
		}
		if err != nil {
			return f.stop(err)
		}
	}
}

// extend lets the active memtable grow while more facts are pending. A larger one costs less CPU for
// each event, since it writes each page of an index once. A waiting reader ends it in any case.
func (f *committer) extend(more bool) bool {
	if !more || f.flushSoon || time.Since(f.began) >= commitBusy {
		return false
	}
	f.timer.Reset(commitAfter)
	return true
}

// fold applies one fact, and commits if the policy says so. more tells that another fact is pending.
func (f *committer) fold(next fact, more bool) error {
	if f.active == nil {
		f.began, f.flushSoon, f.flushPending = time.Now(), false, false
		f.timer.Reset(commitAfter)
	}
	if err := f.apply(next); err != nil {
		return applyError(next.seq, f.abort(err))
	}
	f.publishProgress()
	b := f.active
	switch {
	case f.full():
		return f.flush()
	case f.flushPending:
		return nil
	case len(b.ended) > 0 && !more || f.hasWaiter():
		return f.commit()
	case len(b.ended) > 0 && !f.flushSoon:
		f.flushSoon = true
		f.timer.Reset(commitEnded)
	}
	return nil
}

// hasWaiter reports whether a reader waits for something in the active memtable.
func (f *committer) hasWaiter() bool {
	return f.projector.hasWaiter(events.Seq(f.position().Seq), events.Seq(f.active.position.Seq))
}

// commit flushes the active memtable. While another one is being written, it does so only after
// that, and the active one may grow until then.
func (f *committer) commit() error {
	f.flushPending = f.writing
	if f.active == nil || f.writing {
		return nil
	}
	return f.flush()
}

// abort commits what was folded before an event that cannot be applied, unless the file is the
// reason.
func (f *committer) abort(cause error) error {
	if errors.Is(cause, ErrDamaged) {
		return cause
	}
	return errors.Join(cause, f.finish())
}

// publishProgress shows readers the counts that moved.
func (f *committer) publishProgress() {
	b := f.active
	if len(b.progressed) == 0 {
		return
	}
	moved := make([]*Job, 0, len(b.progressed))
	for _, id := range b.progressed {
		moved = append(moved, b.jobs[id])
	}
	b.progressed = b.progressed[:0]
	f.projector.publishProgress(moved, events.Seq(b.position.Seq))
}
