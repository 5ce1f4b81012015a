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
	// indexedMessages are so many that an index is written while more come: a start after a kill reads what the last
	// one lacks, a million messages in 1.3 CPU seconds.
	indexedMessages = 500_000
	// indexPause is the shortest time between two indexes, and indexShare the most of the time that they take.
	indexPause = 10 * time.Second
	indexShare = 200
)

// An indexer writes the index of LICENSES when the streams have become quiet, and after indexedMessages. Without one
// a server that was killed reads all events at its start. It belongs to supervise.
type indexer struct {
	of      *Server
	most    uint64 // messages without an index, as indexedMessages
	srv     *server.Server
	last    [2]uint64 // last sequences of ROWS and LICENSES as last seen
	since   time.Time // when they changed
	written uint64    // the last sequence of LICENSES that an index has
	next    time.Time // not before
	failed  bool      // it has logged why it writes none
}

// extendIndex adds to the index of LICENSES what it lacks, before the server starts.
func (s *Server) extendIndex() {
	s.indexed = 0
	if s.config.NoTuning || !s.spaceForIndex() {
		return
	}
	last, err := natstuning.ExtendIndex(messagesDir(s.store, events.LicensesStream), events.LicensesStream)
	if err != nil {
		slog.Debug("the NATS server reads the whole stream", "stream", events.LicensesStream, "reason", err)
		return
	}
	s.indexed = last
}

// look writes an index if it is time to.
func (i *indexer) look(srv *server.Server, now time.Time) {
	if i.srv != srv {
		*i = indexer{of: i.of, most: i.most, srv: srv, written: i.of.indexed, failed: i.failed}
	}
	rowsStream := i.of.direct.stream(srv, events.RowsStream)
	licensesStream := i.of.direct.stream(srv, events.LicensesStream)
	if rowsStream == nil || licensesStream == nil {
		return // it is not there yet, or this release has other private fields
	}
	licenses := licensesStream.Head()
	if last := [2]uint64{rowsStream.Head(), licenses}; last != i.last {
		i.last, i.since = last, now
	}
	quiet := licenses != i.written && now.Sub(i.since) >= quietFor
	if !quiet && licenses < i.written+i.most || now.Before(i.next) {
		return
	}
	err := natstuning.WriteIndex(srv, events.LicensesStream)
	if err == nil {
		i.written = licenses
	} else if !i.failed {
		i.failed = true
		slog.Warn("the index of the stream is not written: a start after a kill takes longer",
			"stream", events.LicensesStream, "reason", err)
	}
	i.next = now.Add(max(indexPause, indexShare*time.Since(now)))
}

// spaceForIndex reports whether the disk has space for another index beside the last one.
func (s *Server) spaceForIndex() bool {
	free, known := fsx.FreeSpace(s.store)
	last, err := os.Stat(filepath.Join(messagesDir(s.store, events.LicensesStream), natstuning.IndexName))
	size := int64(0)
	if err == nil {
		size = last.Size()
	}
	return !known || free >= max(uint64(s.config.MinFree), minRestartSpace)+2*uint64(size)
}
