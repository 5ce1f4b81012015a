package projector

import (
	"errors"
	"time"

	"licenseimport/events"
)

// folder folds facts into batches and decides when these are committed.
type folder struct {
	projector *Projector
	store     *store
	jobs      map[events.JobID]*job // that go on
	batch     *batch                // nil: nothing to commit
	timer     *time.Timer           // of the open batch
	began     time.Time             // when the batch did
	hurried   bool                  // the timer was set to commitEnded
}

// run folds until there are no more facts. What was folded is then committed,
// also before an event that cannot be applied.
func (f *folder) run(stream *flow) error {
	defer f.timer.Stop()
	for {
		select {
		case next, ok := <-stream.facts:
			if !ok {
				return f.commit()
			}
			stream.folded(next)
			if err := f.fold(next, len(stream.facts) > 0); err != nil {
				return err
			}
		case <-f.timer.C:
			if f.goesOn(len(stream.facts) > 0) {
				continue
			}
			if err := f.commit(); err != nil {
				return err
			}
		case <-f.projector.nudge:
			if f.batch != nil && f.projector.awaited(f.batch.position.Seq) {
				if err := f.commit(); err != nil {
					return err
				}
			}
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
	if f.batch == nil {
		b, err := f.store.begin(f.jobs)
		if err != nil {
			return err
		}
		f.batch, f.began, f.hurried = b, time.Now(), false
		f.timer.Reset(commitAfter)
	}
	b := f.batch
	if err := b.apply(next); err != nil {
		return stopped(next.seq, f.giveUp(err))
	}
	f.show()
	if b.full() || len(b.ended) > 0 && !more || f.projector.awaited(b.position.Seq) {
		return f.commit()
	}
	if len(b.ended) > 0 && !f.hurried {
		f.hurried = true
		f.timer.Reset(commitEnded)
	}
	return nil
}

// giveUp keeps what was folded before an event that cannot be applied, unless the file is
// the reason.
func (f *folder) giveUp(cause error) error {
	if errors.Is(cause, errDamaged) {
		return errors.Join(cause, f.batch.tx.Rollback())
	}
	return errors.Join(cause, f.commit())
}

// show publishes the counts that moved.
func (f *folder) show() {
	b := f.batch
	if len(b.shown) == 0 {
		return
	}
	moved := make([]*job, 0, len(b.shown))
	for _, id := range b.shown {
		moved = append(moved, b.jobs[id])
	}
	b.shown = b.shown[:0]
	f.projector.publish(moved, b.position.Seq)
}

func (f *folder) commit() error {
	b := f.batch
	if b == nil {
		return nil
	}
	f.batch = nil
	if err := b.commit(f.store); err != nil {
		return err
	}
	f.projector.published(b.position, b.ended)
	return nil
}
