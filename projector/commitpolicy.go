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
	c := &committer{batchWriter: newBatchWriter(s, maxBatchEvents), projector: p, timer: time.NewTimer(time.Hour)}
	c.maxConcurrent = concurrentBatchEvents
	c.afterCommit = func(m *memtable) { p.onCommit(m.position, m.ended) }
	return c
}

// run folds until there are no more facts. Then it commits what was folded, also before an event
// that cannot be applied.
func (c *committer) run(stream *follower) error {
	defer c.timer.Stop()
	for {
		c.releaseIdle(stream)
		var err error
		select {
		case next, ok := <-stream.facts:
			if !ok {
				return c.finish()
			}
			stream.release(next)
			if next.seq%yieldFacts == 0 {
				runtime.Gosched()
			}
			err = c.fold(next, len(stream.facts) > 0)
		case <-c.timer.C:
			if c.active != nil && !c.extend(len(stream.facts) > 0) {
				err = c.commit()
			}
		case <-c.projector.flushRequest:
			if c.active != nil && c.hasWaiter() {
				err = c.commit()
			}
		case <-c.store.Damaged():
			err = c.store.Err()
		case result := <-c.done:
			if err = c.onCommitted(result); err == nil && c.flushPending {
				err = c.commit()
			}
		}
		if err != nil {
			return c.stop(err)
		}
	}
}

// extend lets the active memtable grow while more facts are pending. A larger one costs less CPU for
// each event, since it writes each page of an index once. A waiting reader ends it in any case.
func (c *committer) extend(more bool) bool {
	if !more || c.flushSoon || time.Since(c.began) >= commitBusy {
		return false
	}
	c.timer.Reset(commitAfter)
	return true
}

// fold applies one fact, and commits if the policy says so. more tells that another fact is pending.
func (c *committer) fold(next fact, more bool) error {
	if c.active == nil {
		c.began, c.flushSoon, c.flushPending = time.Now(), false, false
		c.timer.Reset(commitAfter)
	}
	if err := c.apply(next); err != nil {
		return applyError(next.seq, c.abort(err))
	}
	c.publishProgress()
	m := c.active
	switch {
	case c.full():
		return c.flush()
	case c.flushPending:
		return nil
	case len(m.ended) > 0 && !more || c.hasWaiter():
		return c.commit()
	case len(m.ended) > 0 && !c.flushSoon:
		c.flushSoon = true
		c.timer.Reset(commitEnded)
	}
	return nil
}

// hasWaiter reports whether a reader waits for something in the active memtable.
func (c *committer) hasWaiter() bool {
	return c.projector.hasWaiter(events.Seq(c.position().Seq), events.Seq(c.active.position.Seq))
}

// commit flushes the active memtable. While another one is being written, it does so only after
// that, and the active one may grow until then.
func (c *committer) commit() error {
	c.flushPending = c.writing
	if c.active == nil || c.writing {
		return nil
	}
	return c.flush()
}

// abort commits what was folded before an event that cannot be applied, unless the file is the
// reason.
func (c *committer) abort(cause error) error {
	if errors.Is(cause, ErrDamaged) {
		return cause
	}
	return errors.Join(cause, c.finish())
}

// publishProgress shows readers the counts that moved.
func (c *committer) publishProgress() {
	m := c.active
	if len(m.progressed) == 0 {
		return
	}
	moved := make([]*Job, 0, len(m.progressed))
	for _, id := range m.progressed {
		moved = append(moved, m.jobs[id])
	}
	m.progressed = m.progressed[:0]
	c.projector.publishProgress(moved, events.Seq(m.position.Seq))
}
