package ingest

import (
	"sync"
	"time"
)

// buffer collects the encoded events of one batch.
type buffer struct {
	data []byte // the events, back to back
	ends []int  // of each event, in data
}

// fits reports whether an event of n bytes may be added. An event larger than maxBatchBytes gets a
// batch to itself.
func (b *buffer) fits(n int) bool {
	return len(b.ends) == 0 || len(b.ends) < maxBatchRows && len(b.data)+n <= maxBatchBytes
}

func (b *buffer) add(body []byte) {
	b.data = append(b.data, body...)
	b.ends = append(b.ends, len(b.data))
}

func (b *buffer) reset() { b.data, b.ends = b.data[:0], b.ends[:0] }

// bodies returns the events. They point into the buffer.
func (b *buffer) bodies() [][]byte {
	bodies, from := make([][]byte, len(b.ends)), 0
	for i, end := range b.ends {
		bodies[i] = b.data[from:end:end]
		from = end
	}
	return bodies
}

// batcher collects events into batches and stores them in order. It stores one batch while the next
// one fills. The number of buffers is fixed, so memory is bounded, and add waits while the store is
// slower (backpressure).
type batcher struct {
	store func([][]byte) error

	mu      sync.Mutex // guards current and added
	current *buffer    // being filled; nil: none
	added   uint64     // events since the start

	free     chan *buffer
	full     chan *buffer
	failed   chan struct{} // closed when store has failed
	stored   chan struct{} // closed when storeAll has ended
	err      error         // of store; read it after failed or stored is closed
	stopIdle chan struct{} // closed to end flushIdle
	idle     sync.WaitGroup
}

// newBatcher starts a batcher. The caller must call finish. The bodies that store receives are
// valid until store returns. A batch that does not fill is stored when flushAfter, or up to twice
// as long, has passed without a new event.
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

// add copies an event into a batch. It returns the error of store if that has failed.
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

// flush queues the current buffer. It never blocks: full holds all buffers.
func (b *batcher) flush() {
	b.full <- b.current
	b.current = nil
}

// finish stores the last batch and returns the first error of store.
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

// storeAll stores the queued batches in order. After a failure it stores none: there would be a
// gap.
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

// flushIdle queues the current buffer if no event was added between two ticks. If add holds the
// lock it is active, or it waits for a free buffer: there is nothing to flush.
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
