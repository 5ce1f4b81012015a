package viewstore

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A file may be damaged while it is open: truncated, overwritten, or on a disk that fails. bbolt
// panics then, some of the time while it holds its locks, and later calls wait for these for ever. So
// each call of bbolt that may wait runs in a separate goroutine. The first damage that a call meets
// fails the store: all calls return, those that hang are left behind, and the caller opens the file
// again.

// ErrHangs is a call that bbolt, or the file's disk, did not answer in time.
var ErrHangs = errors.New("the views' file does not answer")

// ErrRetired is a call of a Store that another one has replaced.
var ErrRetired = errors.New("the views' file was replaced")

const (
	readTime   = 10 * time.Second // for a read
	closeTime  = 5 * time.Second  // for open transactions to end when the store is closed
	settleTime = time.Second      // for calls to end by themselves when the store has failed
)

// Damaged returns a channel that is closed when the file was found to be damaged while it was open.
func (s *Store) Damaged() <-chan struct{} { return s.failed }

// Err is the damage that failed the store; nil while there is none.
func (s *Store) Err() error {
	select {
	case <-s.failed:
		return s.cause
	default:
		return nil
	}
}

// note fails the store if err is damage.
func (s *Store) note(err error) error {
	if errors.Is(err, ErrDamaged) {
		s.failOnce.Do(func() {
			s.cause = err
			close(s.failed)
		})
	}
	return err
}

// guard turns the panics and memory faults of damaged pages into an error, and fails the store. Defer it with the
// result of debug.SetPanicOnFault(true). Unlike catchDamage it allocates nothing.
func (s *Store) guard(err *error, before bool) {
	debug.SetPanicOnFault(before)
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrDamaged, p)
	}
	_ = s.note(*err)
}

// attempt calls f in a separate goroutine and returns its error; [ErrHangs] after a time, 0: none.
// Where the store fails meanwhile, f may never return: what f writes must not be read after an error.
func (s *Store) attempt(limit time.Duration, f func() error) error {
	if err := s.Err(); err != nil {
		return err
	}
	if !s.using.TryRLock() {
		return ErrRetired
	}
	done := make(chan error, 1)
	go func() {
		defer s.using.RUnlock()
		var err error
		defer func() { done <- err }()
		defer s.guard(&err, debug.SetPanicOnFault(true))
		err = f()
	}()
	var expired <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case err := <-done:
		return err
	case <-expired:
		return ErrHangs
	case <-s.failed:
		return s.Settle(done)
	}
}

// Settle waits a second for the result of work on a store that has failed, and returns that or the
// damage.
func (s *Store) Settle(done <-chan error) error {
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return s.cause
	}
}

// Probe makes a real read of the file, within a time.
func (s *Store) Probe(limit time.Duration) error {
	return s.attempt(limit, func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			if tx.Bucket(metaBucket).Get(positionKey) == nil {
				return fmt.Errorf("%w: no position", ErrDamaged)
			}
			return s.checkSize(tx)
		})
	})
}

// Close closes the file and releases its lock. It waits 5 s at most for open transactions, and 1 s if
// the store has failed; after that it leaves them and the open file behind and returns [ErrHangs].
func (s *Store) Close() error {
	done := make(chan error, 1)
	go func() { done <- s.db.Close() }()
	limit := closeTime
	if s.Err() != nil {
		limit = settleTime
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return ErrHangs
	}
}

// Retire closes the file once the calls that go on have ended, however long they take. Calls that begin
// later are an [ErrRetired], and none of what they were given was called. Nothing may be writing.
func (s *Store) Retire() error {
	s.using.Lock()
	return s.db.Close()
}

// checkSize detects a truncated file. A file that was removed is none: it goes on without a name.
func (s *Store) checkSize(tx *bolt.Tx) error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	return checkSize(tx, info)
}

func checkSize(tx *bolt.Tx, info os.FileInfo) error {
	if info.Size() < tx.Size() {
		return fmt.Errorf("%w: it has %d of %d bytes", ErrDamaged, info.Size(), tx.Size())
	}
	return nil
}
