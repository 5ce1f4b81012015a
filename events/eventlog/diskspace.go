package eventlog

import (
	"errors"
	"fmt"

	"licenseimport/internal/fsx"
)

// ErrDiskFull says that the embedded server's disk has less room than is kept free.
var ErrDiskFull = errors.New("the disk is full")

// CheckFreeSpace tells whether rows may be stored: [ErrDiskFull] where the disk of the embedded
// server has less than [ServerConfig].MinFree left. A full disk is not left to
// JetStream: what it says of one looks like a batch that did not arrive whole, and
// it switches itself off (see restart.go). What was accepted before can still be decided in the room
// that is kept free. Of a server that runs elsewhere nothing is known: nil.
func (l *Log) CheckFreeSpace() error {
	if l.server == nil {
		return nil
	}
	return l.server.CheckFreeSpace()
}

// CheckFreeSpace is [Log.CheckFreeSpace] for whoever has no log.
func (s *Server) CheckFreeSpace() error {
	if s.stopped() {
		return fmt.Errorf("%w: %w", ErrDiskFull, errStopped)
	}
	free, known := fsx.FreeSpace(s.store)
	if s.config.MinFree <= 0 || !known || free >= uint64(s.config.MinFree) {
		return nil
	}
	return fmt.Errorf("%w: %d MiB are left on that of %s, and %d MiB are kept free for what was accepted already",
		ErrDiskFull, free>>20, s.config.Dir, s.config.MinFree>>20)
}
