package projector

import (
	"errors"
	"time"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// madviseAfter is the number of events that touch so many pages of the file that these are dropped
// from this process's memory after the commit.
const madviseAfter = 5000

// batchWriter folds facts into one memtable while the previous one is written: sorting, writing and
// committing take longer than folding. One memtable is written at a time, so memory holds at most
// two. All but the writing itself belongs to one goroutine.
type batchWriter struct {
	store          *viewstore.Store
	maxEvents      int             // in a memtable
	maxConcurrent  int             // the same, while several imports run or did lately; 0: no such limit
	lastConcurrent time.Time       // when several imports were running, as last seen
	afterCommit    func(*memtable) // called after each commit; may be nil

	jobs      map[events.JobID]*Job // running ones
	overlay   *viewstore.Overlay    // what the active memtable looks up
	active    *memtable             // being filled; nil: there is nothing to commit
	immutable *memtable             // being written or, if not writing, written last
	recycled  *memtable             // its buffers are reused
	writing   bool
	done      chan error // result of writing the immutable memtable
}

func newBatchWriter(s *viewstore.Store, maxEvents int) *batchWriter {
	return &batchWriter{
		store: s, maxEvents: maxEvents, jobs: map[events.JobID]*Job{},
		overlay: viewstore.NewOverlay(s), done: make(chan error, 1),
	}
}

// apply folds one fact into the active memtable.
func (l *batchWriter) apply(f fact) error {
	if l.active == nil {
		l.active, l.recycled = l.begin(l.recycled), nil
	}
	return l.active.apply(f)
}

// full reports whether the active memtable should be flushed.
func (l *batchWriter) full() bool {
	b := l.active
	return b.events >= l.maxEvents || b.bytes >= maxBatchBytes ||
		l.maxConcurrent > 0 && b.events >= l.maxConcurrent && l.concurrentImports()
}

// concurrentImports reports whether several imports are running, or were lately: more are likely.
func (l *batchWriter) concurrentImports() bool {
	if len(l.jobs) > 1 {
		l.lastConcurrent = time.Now()
		return true
	}
	return time.Since(l.lastConcurrent) < concurrentFor
}

// flush starts to write the active memtable, once the previous one is written. The next facts go
// into another one.
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
	go func() { l.done <- b.commit(w) }()
	return nil
}

// rotate freezes the active memtable and begins the transaction that it is to be written in. No
// other transaction may be open.
func (l *batchWriter) rotate() (*viewstore.WriteTx, error) {
	l.overlay.Release()
	if err := l.active.close(); err != nil {
		return nil, err
	}
	w, err := l.store.Begin()
	if err != nil {
		return nil, err
	}
	l.overlay.Freeze(l.active.Memtable)
	if l.immutable != nil {
		l.immutable.reset()
	}
	l.recycled, l.immutable, l.active = l.immutable, l.active, nil
	return w, nil
}

// commit writes the memtable.
func (b *memtable) commit(w *viewstore.WriteTx) error {
	err := w.Commit(b.Memtable, b.position)
	if err == nil && b.events >= madviseAfter {
		w.DropResident()
	}
	return err
}

// wait returns when nothing is being written.
func (l *batchWriter) wait() error {
	l.overlay.Release() // the writer may wait for it
	if !l.writing {
		return nil
	}
	return l.onCommitted(<-l.done)
}

// onCommitted handles the result of writing the immutable memtable. After an error all that was
// folded since is dropped, and the store must be reloaded.
func (l *batchWriter) onCommitted(err error) error {
	l.writing = false
	if err != nil {
		l.active = nil
		return err
	}
	l.store.SetPosition(l.immutable.position)
	if l.afterCommit != nil {
		l.afterCommit(l.immutable)
	}
	return nil
}

// finish writes everything that was folded.
func (l *batchWriter) finish() error {
	if l.active != nil && l.active.events > 0 {
		if err := l.flush(); err != nil {
			return errors.Join(err, l.wait())
		}
	}
	return l.wait()
}

// stop ends after an error: it drops the active memtable, and waits for the one that is being
// written.
func (l *batchWriter) stop(cause error) error {
	l.active = nil
	if err := l.wait(); err != nil {
		return errors.Join(cause, err)
	}
	return cause
}

// position is where the active memtable began: that of the immutable one, else of the file.
func (l *batchWriter) position() viewstore.Position {
	if l.immutable != nil {
		return l.immutable.position
	}
	return l.store.Position()
}

// releaseIdle closes the overlay's transaction while no fact is pending: nothing should wait for a
// transaction that is not used.
func (l *batchWriter) releaseIdle(stream *follower) {
	if len(stream.facts) == 0 {
		l.overlay.Release()
	}
}
