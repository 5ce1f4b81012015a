package projector

import (
	"errors"
	"runtime"
	"time"
)

const yieldFacts = 64 // see yieldEntries

// folder folds facts into batches and decides when these are committed.
type folder struct {
	*lanes
	projector *Projector
	timer     *time.Timer // of the open batch
	began     time.Time   // when that did
	hurried   bool        // the timer was set to commitEnded
	due       bool        // the open batch is to be committed as soon as nothing else is written
}

func newFolder(p *Projector, s *store) *folder {
	f := &folder{lanes: newLanes(s, maxBatchEvents), projector: p, timer: time.NewTimer(time.Hour)}
	f.shared = sharedBatchEvents
	f.committed = func(b *batch) { p.published(b.position, b.ended) }
	return f
}

// run folds until there are no more facts. What was folded is then committed,
// also before an event that cannot be applied.
func (f *folder) run(stream *flow) error {
	defer f.timer.Stop()
	for {
		f.idle(stream)
		var err error
		select {
		case next, ok := <-stream.facts:
			if !ok {
				return f.finish()
			}
			stream.folded(next)
			if next.seq%yieldFacts == 0 {
				runtime.Gosched()
			}
			err = f.fold(next, len(stream.facts) > 0)
		case <-f.timer.C:
			if f.open != nil && !f.goesOn(len(stream.facts) > 0) {
				err = f.commit()
			}
		case <-f.projector.nudge:
			if f.open != nil && f.awaited() {
				err = f.commit()
			}
		case result := <-f.done:
			if err = f.settle(result); err == nil && f.due {
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
func (f *folder) goesOn(more bool) bool {
	if !more || f.hurried || time.Since(f.began) >= commitBusy {
		return false
	}
	f.timer.Reset(commitAfter)
	return true
}

// fold applies one fact and commits if that is due; more says that another one
// is at hand.
func (f *folder) fold(next fact, more bool) error {
	if f.open == nil {
		f.began, f.hurried, f.due = time.Now(), false, false
		f.timer.Reset(commitAfter)
	}
	if err := f.apply(next); err != nil {
		return stopped(next.seq, f.giveUp(err))
	}
	f.show()
	b := f.open
	switch {
	case f.full():
		return f.handOver()
	case f.due:
		return nil
	case len(b.ended) > 0 && !more || f.awaited():
		return f.commit()
	case len(b.ended) > 0 && !f.hurried:
		f.hurried = true
		f.timer.Reset(commitEnded)
	}
	return nil
}

// awaited tells whether a reader waits for the open batch.
func (f *folder) awaited() bool {
	return f.projector.awaited(f.lanes.position().Seq, f.open.position.Seq)
}

// commit has the open batch written: now, or if another one is being written, when that is;
// until then it may grow.
func (f *folder) commit() error {
	f.due = f.busy
	if f.open == nil || f.busy {
		return nil
	}
	return f.handOver()
}

// giveUp keeps what was folded before an event that cannot be applied, unless the file is
// the reason.
func (f *folder) giveUp(cause error) error {
	if errors.Is(cause, errDamaged) {
		return cause
	}
	return errors.Join(cause, f.finish())
}

// show publishes the counts that moved.
func (f *folder) show() {
	b := f.open
	if len(b.shown) == 0 {
		return
	}
	moved := make([]*Job, 0, len(b.shown))
	for _, id := range b.shown {
		moved = append(moved, b.jobs[id])
	}
	b.shown = b.shown[:0]
	f.projector.publish(moved, b.position.Seq)
}
