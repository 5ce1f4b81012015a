package ingest

import (
	"sync"
	"time"
)

// batch holds encoded events, one behind the other.
type buffer struct {
	data []byte
	ends []int
}

// takes tells whether an event of n bytes may join the batch. One that is
// larger than a batch should be goes alone.
func (b *buffer) fits(n int) bool {
	return len(b.ends) == 0 || len(b.ends) < maxBatchRows && len(b.data)+n <= maxBatchBytes
}

func (b *buffer) add(body []byte) {
	b.data = append(b.data, body...)
	b.ends = append(b.ends, len(b.data))
}

func (b *buffer) reset() { b.data, b.ends = b.data[:0], b.ends[:0] }

// bodies are the events; they point into the batch.
func (b *buffer) bodies() [][]byte {
	bodies, from := make([][]byte, len(b.ends)), 0
	for i, end := range b.ends {
		bodies[i] = b.data[from:end:end]
		from = end
	}
	return bodies
}

// sender collects events into batches and stores these, in order, while the
// next one is filled. The batches go round, so memory is bounded and whoever
// fills waits for whoever stores.
type batcher struct {
	store func([][]byte) error

	mu      sync.Mutex // of the two below: add against the idle flush
	current *buffer    // being filled; nil: none
	added   uint64     // events, ever

	free     chan *buffer
	full     chan *buffer
	failed   chan struct{} // closed when store has failed
	stored   chan struct{} // closed when all is stored that will be
	err      error         // what store failed with, once broken is closed
	stopIdle chan struct{} // ends the idle flush
	idle     sync.WaitGroup
}

// newSender begins to store; finish must be called. The bodies that store gets
// are valid until it returns.
func newBatcher(flushAfter time.Duration, store func([][]byte) error) *batcher {
	b := &batcher{
		store: store,
		free:  make(chan *buffer, buffersPerUpload), full: make(chan *buffer, buffersPerUpload),
		failed: make(chan struct{}), stored: make(chan struct{}), stopIdle: make(chan struct{}),
	}
	for range buffersPerUpload {
		b.free <- new(buffer)
	}
	go b.storeAll()
	b.idle.Go(func() { b.flushIdle(flushAfter) })
	return b
}

// add copies an event's body into a batch. It fails with what store failed with.
func (b *batcher) add(body []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.added++
	if b.current != nil && !b.current.fits(len(body)) {
		b.flush()
	}
	if b.current == nil {
		select {
		case b.current = <-b.free:
		case <-b.failed:
			return b.err
		}
	}
	b.current.add(body)
	return nil
}

// flush hands the current batch on. It never blocks: there is room for all.
func (b *batcher) flush() {
	b.full <- b.current
	b.current = nil
}

// finish stores what is left, waits until all is stored, and tells whether it is.
func (b *batcher) finish() error {
	close(b.stopIdle)
	b.idle.Wait()
	if b.current != nil {
		b.flush()
	}
	close(b.full)
	<-b.stored
	return b.err
}

// storeAll stores one batch after the other. After a failure it stores nothing
// more, since rows would be missing in between.
func (b *batcher) storeAll() {
	defer close(b.stored)
	for buf := range b.full {
		if b.err != nil {
			continue
		}
		if b.err = b.store(buf.bodies()); b.err != nil {
			close(b.failed)
			continue
		}
		buf.reset()
		b.free <- buf
	}
}

// flushIdle hands a batch on when nothing was added to it for a while. Where
// add holds the lock it is either busy or waiting for a batch to be stored.
func (b *batcher) flushIdle(after time.Duration) {
	ticker := time.NewTicker(after)
	defer ticker.Stop()
	var seen uint64
	for {
		select {
		case <-b.stopIdle:
			return
		case <-ticker.C:
		}
		if !b.mu.TryLock() {
			continue
		}
		if b.current != nil && b.added == seen {
			b.flush()
		}
		seen = b.added
		b.mu.Unlock()
	}
}
