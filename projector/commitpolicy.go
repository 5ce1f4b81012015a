package projector

import (
	"errors"
	"runtime"
	"time"
)

const yieldFacts = 64 // see yieldEntries

// folder folds facts into batches and decides when these are committed.
type committer struct {
	*batchWriter
	projector    *Projector
	timer        *time.Timer // of the open batch
	began        time.Time   // when that did
	flushSoon    bool        // the timer was set to commitEnded
	flushPending bool        // the open batch is to be committed as soon as nothing else is written
}

func newCommitter(p *Projector, s *store) *committer {
	f := &committer{batchWriter: newBatchWriter(s, maxBatchEvents), projector: p, timer: time.NewTimer(time.Hour)}
	f.maxConcurrent = concurrentBatchEvents
	f.afterCommit = func(b *memtable) { p.onCommit(b.position, b.ended) }
	return f
}

// run folds until there are no more facts. What was folded is then committed,
// also before an event that cannot be applied.
func (f *committer) run(stream *follower) error {
	defer f.timer.Stop()
	for {
		f.idle(stream)
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

// goesOn lets a batch grow while more events are at hand: a larger one is cheaper, since it writes
// each page of the indexes once. Readers who need it get it committed anyway.
func (f *committer) extend(more bool) bool {
	if !more || f.flushSoon || time.Since(f.began) >= commitBusy {
		return false
	}
	f.timer.Reset(commitAfter)
	return true
}

// fold applies one fact and commits if that is due; more says that another one
// is at hand.
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

// awaited tells whether a reader waits for the open batch.
func (f *committer) hasWaiter() bool {
	return f.projector.hasWaiter(f.batchWriter.position().Seq, f.active.position.Seq)
}

// commit has the open batch written: now, or if another one is being written, when that is;
// until then it may grow.
func (f *committer) commit() error {
	f.flushPending = f.writing
	if f.active == nil || f.writing {
		return nil
	}
	return f.flush()
}

// giveUp keeps what was folded before an event that cannot be applied, unless the file is
// the reason.
func (f *committer) abort(cause error) error {
	if errors.Is(cause, errDamaged) {
		return cause
	}
	return errors.Join(cause, f.finish())
}

// show publishes the counts that moved.
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
	f.projector.publishProgress(moved, b.position.Seq)
}
