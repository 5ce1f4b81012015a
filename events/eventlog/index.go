package eventlog

import (
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"licenseimport/events"
	"licenseimport/internal/fsx"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// quietFor is how long nothing was stored before the index of LICENSES is written: it takes appends no
	// sooner than the index is on its way to the disk.
	quietFor = time.Second
	// indexPause is the shortest time between two indexes, and indexShare the most of the time that they take.
	indexPause = 10 * time.Second
	indexShare = 200
)

// An indexer writes the index of LICENSES when the streams have become quiet. Without one of the last state a
// server that was killed reads all events at its start. It belongs to supervise.
type indexer struct {
	direct  *directReader
	srv     *server.Server
	last    [2]uint64 // last sequences of ROWS and LICENSES as last seen
	since   time.Time // when they changed
	written uint64    // the last sequence of LICENSES that an index has
	next    time.Time // not before
	failed  bool      // it has logged why it writes none
}

// look writes an index if it is time to.
func (i *indexer) look(srv *server.Server, now time.Time) {
	if i.srv != srv {
		*i = indexer{direct: i.direct, srv: srv, failed: i.failed}
	}
	rowsStream, licensesStream := i.direct.stream(srv, events.RowsStream), i.direct.stream(srv, events.LicensesStream)
	if rowsStream == nil || licensesStream == nil {
		return // it is not there yet, or this release has other private fields
	}
	licenses := licensesStream.Head()
	if last := [2]uint64{rowsStream.Head(), licenses}; last != i.last {
		i.last, i.since = last, now
		return
	}
	if licenses == i.written || now.Sub(i.since) < quietFor || now.Before(i.next) {
		return
	}
	err := natstuning.WriteIndex(srv, events.LicensesStream)
	if err == nil {
		i.written = licenses
	} else if !i.failed {
		i.failed = true
		slog.Warn("the index of the stream is not written: a start after a kill takes longer", "stream", events.LicensesStream, "reason", err)
	}
	i.next = now.Add(max(indexPause, indexShare*time.Since(now)))
}

// spaceForIndex reports whether the disk has space for another index beside the last one.
func (s *Server) spaceForIndex() bool {
	free, known := fsx.FreeSpace(s.store)
	last, err := os.Stat(filepath.Join(streamDir(s.store, events.LicensesStream), "msgs", "index.db"))
	size := int64(0)
	if err == nil {
		size = last.Size()
	}
	return !known || free >= max(uint64(s.config.MinFree), minRestartSpace)+2*uint64(size)
}
