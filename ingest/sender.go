package ingest

import (
	"sync"
	"time"
)

// batch holds encoded events, one behind the other.
type batch struct {
	text []byte
	ends []int
}

// takes tells whether an event of n bytes may join the batch. One that is
// larger than a batch should be goes alone.
func (b *batch) takes(n int) bool {
	return len(b.ends) == 0 || len(b.ends) < maxBatchRows && len(b.text)+n <= maxBatchBytes
}

func (b *batch) add(body []byte) {
	b.text = append(b.text, body...)
	b.ends = append(b.ends, len(b.text))
}

func (b *batch) reset() { b.text, b.ends = b.text[:0], b.ends[:0] }

// bodies are the events; they point into the batch.
func (b *batch) bodies() [][]byte {
	bodies, from := make([][]byte, len(b.ends)), 0
	for i, end := range b.ends {
		bodies[i] = b.text[from:end:end]
		from = end
	}
	return bodies
}

// sender collects events into batches and stores these, in order, while the
// next one is filled. The batches go round, so memory is bounded and whoever
// fills waits for whoever stores.
type sender struct {
	store func([][]byte) error

	mu      sync.Mutex // of the two below: add against the idle flush
	current *batch     // being filled; nil: none
	added   uint64     // events, ever

	empty   chan *batch
	full    chan *batch
	broken  chan struct{} // closed when store has failed
	stored  chan struct{} // closed when all is stored that will be
	err     error         // what store failed with, once broken is closed
	closing chan struct{} // ends the idle flush
	idle    sync.WaitGroup
}

// newSender begins to store; finish must be called. The bodies that store gets
// are valid until it returns.
func newSender(flushAfter time.Duration, store func([][]byte) error) *sender {
	s := &sender{
		store: store,
		empty: make(chan *batch, batches), full: make(chan *batch, batches),
		broken: make(chan struct{}), stored: make(chan struct{}), closing: make(chan struct{}),
	}
	for range batches {
		s.empty <- new(batch)
	}
	go s.storeAll()
	s.idle.Go(func() { s.flushIdle(flushAfter) })
	return s
}

// add copies an event's body into a batch. It fails with what store failed with.
func (s *sender) add(body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.added++
	if s.current != nil && !s.current.takes(len(body)) {
		s.flush()
	}
	if s.current == nil {
		select {
		case s.current = <-s.empty:
		case <-s.broken:
			return s.err
		}
	}
	s.current.add(body)
	return nil
}

// flush hands the current batch on. It never blocks: there is room for all.
func (s *sender) flush() {
	s.full <- s.current
	s.current = nil
}

// finish stores what is left, waits until all is stored, and tells whether it is.
func (s *sender) finish() error {
	close(s.closing)
	s.idle.Wait()
	if s.current != nil {
		s.flush()
	}
	close(s.full)
	<-s.stored
	return s.err
}

// storeAll stores one batch after the other. After a failure it stores nothing
// more, since rows would be missing in between.
func (s *sender) storeAll() {
	defer close(s.stored)
	for b := range s.full {
		if s.err != nil {
			continue
		}
		if s.err = s.store(b.bodies()); s.err != nil {
			close(s.broken)
			continue
		}
		b.reset()
		s.empty <- b
	}
}

// flushIdle hands a batch on when nothing was added to it for a while. Where
// add holds the lock it is either busy or waiting for a batch to be stored.
func (s *sender) flushIdle(after time.Duration) {
	ticker := time.NewTicker(after)
	defer ticker.Stop()
	var seen uint64
	for {
		select {
		case <-s.closing:
			return
		case <-ticker.C:
		}
		if !s.mu.TryLock() {
			continue
		}
		if s.current != nil && s.added == seen {
			s.flush()
		}
		seen = s.added
		s.mu.Unlock()
	}
}
