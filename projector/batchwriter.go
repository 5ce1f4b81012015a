package projector

import (
	"errors"
	"time"

	"licenseimport/events"
)

// lanes fold facts into one batch while the one before it is written: sorting, writing and
// committing take longer than folding does. One batch is written at a time, so that memory
// holds two of them at most. All but the writing itself is one goroutine's.
type batchWriter struct {
	store          *store
	maxEvents      int             // events in a batch
	maxConcurrent  int             // likewise, while several imports go on or did so lately; 0: as many
	lastConcurrent time.Time       // when several imports went on, as last seen
	afterCommit    func(*memtable) // is told of each commit; may be nil

	jobs      map[events.JobID]*Job // that go on
	past      past                  // what the open batch looks up
	active    *memtable             // being folded; nil: nothing to commit
	immutable *memtable             // being written or, if not busy, written last
	recycled  *memtable             // its room is the next one's
	writing   bool                  // the closed batch is being written
	done      chan error            // how that ended
}

func newBatchWriter(s *store, most int) *batchWriter {
	return &batchWriter{store: s, maxEvents: most, jobs: map[events.JobID]*Job{}, past: past{store: s}, done: make(chan error, 1)}
}

// apply folds one fact into the open batch.
func (l *batchWriter) apply(f fact) error {
	if l.active == nil {
		l.active, l.recycled = l.begin(l.recycled), nil
	}
	return l.active.apply(f)
}

// full tells whether the open batch should grow no more.
func (l *batchWriter) full() bool {
	return l.active.events >= l.maxEvents || l.active.bytes >= maxBatchBytes || l.maxConcurrent > 0 && l.active.events >= l.maxConcurrent && l.concurrentImports()
}

// inCompany tells whether several imports go on, or did so lately: then more are to be expected.
func (l *batchWriter) concurrentImports() bool {
	if len(l.jobs) > 1 {
		l.lastConcurrent = time.Now()
		return true
	}
	return time.Since(l.lastConcurrent) < concurrentFor
}

// handOver has the open batch written, as soon as the one before it is. What comes next is
// folded into another one meanwhile.
func (l *batchWriter) flush() error {
	if err := l.wait(); err != nil {
		return err
	}
	w, err := l.rotate()
	if err != nil {
		return err
	}
	b := l.immutable
	l.writing = true
	go func() { l.done <- w.commit(b) }()
	return nil
}

// turn closes the open batch and begins the transaction that it is to be written in. No
// other may be open.
func (l *batchWriter) rotate() (*writing, error) {
	l.past.rest()
	if err := l.active.close(); err != nil {
		return nil, err
	}
	w, err := l.store.begin()
	if err != nil {
		return nil, err
	}
	if l.immutable != nil {
		l.immutable.reset()
	}
	l.recycled, l.immutable, l.active = l.immutable, l.active, nil
	l.past.written = l.immutable
	return w, nil
}

// wait ends when nothing is being written.
func (l *batchWriter) wait() error {
	l.past.rest() // whoever writes may wait for it
	if !l.writing {
		return nil
	}
	return l.onCommitted(<-l.done)
}

// settle takes note of how writing the closed batch ended. After an error nothing counts that
// was folded behind it, and the store has to be loaded again.
func (l *batchWriter) onCommitted(err error) error {
	l.writing = false
	if err != nil {
		l.active = nil
		return err
	}
	l.store.position = l.immutable.position
	if l.afterCommit != nil {
		l.afterCommit(l.immutable)
	}
	return nil
}

// finish has all written that was folded.
func (l *batchWriter) finish() error {
	if l.active != nil && l.active.events > 0 {
		if err := l.flush(); err != nil {
			return errors.Join(err, l.wait())
		}
	}
	return l.wait()
}

// stop ends after an error: what is open is dropped. What is being written is not.
func (l *batchWriter) stop(cause error) error {
	l.active = nil
	if err := l.wait(); err != nil {
		return errors.Join(cause, err)
	}
	return cause
}

// position is that of the last batch that was closed: the one that the open batch follows.
func (l *batchWriter) position() position {
	if l.immutable != nil {
		return l.immutable.position
	}
	return l.store.position
}

// idle tells that no fact is at hand: nobody shall wait for a transaction that is not used.
func (l *batchWriter) idle(stream *follower) {
	if len(stream.facts) == 0 {
		l.past.rest()
	}
}
