package projector

import (
	"errors"
	"time"

	"licenseimport/events"
)

// lanes fold facts into one batch while the one before it is written: sorting, writing and
// committing take longer than folding does. One batch is written at a time, so that memory
// holds two of them at most. All but the writing itself is one goroutine's.
type lanes struct {
	store     *store
	most      int          // events in a batch
	shared    int          // likewise, while several imports go on or did so lately; 0: as many
	company   time.Time    // when several imports went on, as last seen
	committed func(*batch) // is told of each commit; may be nil

	jobs   map[events.JobID]*Job // that go on
	past   past                  // what the open batch looks up
	open   *batch                // being folded; nil: nothing to commit
	closed *batch                // being written or, if not busy, written last
	spare  *batch                // its room is the next one's
	busy   bool                  // the closed batch is being written
	done   chan error            // how that ended
}

func newLanes(s *store, most int) *lanes {
	return &lanes{store: s, most: most, jobs: map[events.JobID]*Job{}, past: past{store: s}, done: make(chan error, 1)}
}

// apply folds one fact into the open batch.
func (l *lanes) apply(f fact) error {
	if l.open == nil {
		l.open, l.spare = l.begin(l.spare), nil
	}
	return l.open.apply(f)
}

// full tells whether the open batch should grow no more.
func (l *lanes) full() bool {
	return l.open.events >= l.most || l.open.bytes >= maxBatchBytes || l.shared > 0 && l.open.events >= l.shared && l.inCompany()
}

// inCompany tells whether several imports go on, or did so lately: then more are to be expected.
func (l *lanes) inCompany() bool {
	if len(l.jobs) > 1 {
		l.company = time.Now()
		return true
	}
	return time.Since(l.company) < companyLasts
}

// handOver has the open batch written, as soon as the one before it is. What comes next is
// folded into another one meanwhile.
func (l *lanes) handOver() error {
	if err := l.wait(); err != nil {
		return err
	}
	w, err := l.turn()
	if err != nil {
		return err
	}
	b := l.closed
	l.busy = true
	go func() { l.done <- w.commit(b) }()
	return nil
}

// turn closes the open batch and begins the transaction that it is to be written in. No
// other may be open.
func (l *lanes) turn() (*writing, error) {
	l.past.rest()
	if err := l.open.close(); err != nil {
		return nil, err
	}
	w, err := l.store.begin()
	if err != nil {
		return nil, err
	}
	if l.closed != nil {
		l.closed.reset()
	}
	l.spare, l.closed, l.open = l.closed, l.open, nil
	l.past.written = l.closed
	return w, nil
}

// wait ends when nothing is being written.
func (l *lanes) wait() error {
	l.past.rest() // whoever writes may wait for it
	if !l.busy {
		return nil
	}
	return l.settle(<-l.done)
}

// settle takes note of how writing the closed batch ended. After an error nothing counts that
// was folded behind it, and the store has to be loaded again.
func (l *lanes) settle(err error) error {
	l.busy = false
	if err != nil {
		l.open = nil
		return err
	}
	l.store.position = l.closed.position
	if l.committed != nil {
		l.committed(l.closed)
	}
	return nil
}

// finish has all written that was folded.
func (l *lanes) finish() error {
	if l.open != nil && l.open.events > 0 {
		if err := l.handOver(); err != nil {
			return errors.Join(err, l.wait())
		}
	}
	return l.wait()
}

// stop ends after an error: what is open is dropped. What is being written is not.
func (l *lanes) stop(cause error) error {
	l.open = nil
	if err := l.wait(); err != nil {
		return errors.Join(cause, err)
	}
	return cause
}

// position is that of the last batch that was closed: the one that the open batch follows.
func (l *lanes) position() position {
	if l.closed != nil {
		return l.closed.position
	}
	return l.store.position
}

// idle tells that no fact is at hand: nobody shall wait for a transaction that is not used.
func (l *lanes) idle(stream *flow) {
	if len(stream.facts) == 0 {
		l.past.rest()
	}
}
