package eventlog

import (
	"errors"
	"fmt"

	"licenseimport/internal/fsx"
)

// ErrDiskFull says that the embedded server's disk has less free space than [ServerConfig].MinFree.
var ErrDiskFull = errors.New("the disk is full")

// CheckFreeSpace returns [ErrDiskFull] when the embedded server must not store rows: its disk has
// less free space than [ServerConfig].MinFree. JetStream cannot report a full disk well: the error
// looks like an incomplete batch, and JetStream disables itself (see restart.go). The reserved
// space lets accepted imports finish. The disk of a server that runs elsewhere is unknown: nil.
func (l *Log) CheckFreeSpace() error {
	if l.server == nil {
		return nil
	}
	return l.server.CheckFreeSpace()
}

// CheckFreeSpace is [Log.CheckFreeSpace] without a log.
func (s *Server) CheckFreeSpace() error {
	if s.stopped() {
		return fmt.Errorf("%w: %w", ErrDiskFull, errStopped)
	}
	free, known := fsx.FreeSpace(s.store)
	if s.config.MinFree <= 0 || !known || free >= uint64(s.config.MinFree) {
		return nil
	}
	return fmt.Errorf("%w: the disk of %s has %d MiB left, and %d MiB are reserved for accepted imports",
		ErrDiskFull, s.config.Dir, free>>20, s.config.MinFree>>20)
}
