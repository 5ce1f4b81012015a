package projector

import (
	"errors"
	"time"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// madviseAfter is the number of events, of one commit or of several, that touch so many pages of the file that these
// are dropped from this process's memory after the commit.
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
	members   memberCounts
	overlay   *viewstore.Overlay // what the active memtable looks up
	active    *memtable          // being filled; nil: there is nothing to commit
	immutable *memtable          // being written or, if not writing, written last
	recycled  *memtable          // its buffers are reused
	touched   int                // events committed since the file's pages were dropped from memory
	writing   bool
	done      chan error // result of writing the immutable memtable
}

func newBatchWriter(s *viewstore.Store, maxEvents int) *batchWriter {
	return &batchWriter{
		store: s, maxEvents: maxEvents, jobs: map[events.JobID]*Job{}, members: memberCounts{},
		overlay: viewstore.NewOverlay(s), done: make(chan error, 1),
	}
}

// apply folds one fact into the active memtable. The fact's event and body are then not valid any more.
func (bw *batchWriter) apply(f fact) error {
	if bw.active == nil {
		bw.active, bw.recycled = bw.begin(bw.recycled), nil
	}
	if err := bw.active.apply(f); err != nil {
		return err
	}
	f.recycle()
	return nil
}

// full reports whether the active memtable should be flushed.
func (bw *batchWriter) full() bool {
	m := bw.active
	return m.events >= bw.maxEvents || m.bytes >= maxBatchBytes ||
		bw.maxConcurrent > 0 && m.events >= bw.maxConcurrent && bw.concurrentImports()
}

// concurrentImports reports whether several imports are running, or were lately: more are likely.
func (bw *batchWriter) concurrentImports() bool {
	if len(bw.jobs) > 1 {
		bw.lastConcurrent = time.Now()
		return true
	}
	return time.Since(bw.lastConcurrent) < concurrentFor
}

// flush starts to write the active memtable, once the previous one is written. The next facts go
// into another one.
func (bw *batchWriter) flush() error {
	if err := bw.wait(); err != nil {
		return err
	}
	w, err := bw.rotate()
	if err != nil {
		return err
	}
	m := bw.immutable
	bw.writing = true
	go func() { bw.done <- m.commit(w) }()
	return nil
}

// rotate freezes the active memtable and begins the transaction that it is to be written in. No
// other transaction may be open.
func (bw *batchWriter) rotate() (*viewstore.WriteTx, error) {
	bw.overlay.Release()
	if err := bw.active.close(); err != nil {
		return nil, err
	}
	w, err := bw.store.Begin()
	if err != nil {
		return nil, err
	}
	bw.overlay.Freeze(bw.active.Memtable)
	if bw.immutable != nil {
		bw.immutable.reset()
	}
	bw.recycled, bw.immutable, bw.active = bw.immutable, bw.active, nil
	bw.touched += bw.immutable.events
	if bw.immutable.drops = bw.touched >= madviseAfter; bw.immutable.drops {
		bw.touched = 0
	}
	return w, nil
}

// commit writes the memtable.
func (m *memtable) commit(w *viewstore.WriteTx) error {
	err := w.Commit(m.Memtable, m.position)
	if err == nil && m.drops {
		w.DropResident()
	}
	return err
}

// wait returns when nothing is being written.
func (bw *batchWriter) wait() error {
	bw.overlay.Release() // the writer may wait for it
	if !bw.writing {
		return nil
	}
	select {
	case err := <-bw.done:
		return bw.onCommitted(err)
	case <-bw.store.Damaged():
		return bw.onCommitted(bw.store.Settle(bw.done))
	}
}

// onCommitted handles the result of writing the immutable memtable. After an error all that was
// folded since is dropped, and the store must be reloaded.
func (bw *batchWriter) onCommitted(err error) error {
	bw.writing = false
	if err != nil {
		bw.active = nil
		return err
	}
	bw.store.SetPosition(bw.immutable.position)
	if bw.afterCommit != nil {
		bw.afterCommit(bw.immutable)
	}
	return nil
}

// finish writes everything that was folded.
func (bw *batchWriter) finish() error {
	if bw.active != nil && bw.active.events > 0 {
		if err := bw.flush(); err != nil {
			return errors.Join(err, bw.wait())
		}
	}
	return bw.wait()
}

// stop ends after an error: it drops the active memtable, and waits for the one that is being
// written.
func (bw *batchWriter) stop(cause error) error {
	bw.active = nil
	if err := bw.wait(); err != nil {
		return errors.Join(cause, err)
	}
	return cause
}

// position is where the active memtable began: that of the immutable one, else of the file.
func (bw *batchWriter) position() viewstore.Position {
	if bw.immutable != nil {
		return bw.immutable.position
	}
	return bw.store.Position()
}

// releaseIdle closes the overlay's transaction while no fact is pending: nothing should wait for a
// transaction that is not used.
func (bw *batchWriter) releaseIdle(stream *follower) {
	if len(stream.facts) == 0 {
		bw.overlay.Release()
	}
}
