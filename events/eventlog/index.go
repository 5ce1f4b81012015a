package eventlog

import (
	"log/slog"
	"os"
	"path/filepath"

	"licenseimport/events"
	"licenseimport/internal/fsx"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats-server/v2/server"
)

// The index is extended when it lacks so many messages, and an eighth of all. A start after a kill reads what it lacks;
// and to extend it takes time for all subjects that it has: see ADR 48.
const (
	indexAfter = 1 << 20
	indexShare = 8
)

// isDue reports whether head is so far after last that it is time for what takes time for all messages of a stream: at
// least every messages, and a share of all, as an eighth.
func isDue(head, last, every, share uint64) bool { return head >= last+max(every, head/share) }

// An indexer extends the index of LICENSES while the server runs. Without one a server that was killed reads all events
// at its start. It belongs to supervise.
type indexer struct {
	of      *Server
	after   uint64 // indexAfter
	srv     *server.Server
	written uint64 // the last sequence of LICENSES that the index has
	failed  bool   // it has logged why it writes none
}

// extendIndex adds to the index of LICENSES what it lacks, before the server starts.
func (s *Server) extendIndex() {
	s.indexed, s.inOrder = 0, false
	if s.config.NoTuning || !s.spaceForIndex() {
		return
	}
	last, sorted, err := natstuning.ExtendIndex(messagesDir(s.store, events.LicensesStream), events.LicensesStream)
	if err != nil {
		slog.Debug("the NATS server reads the whole stream", "stream", events.LicensesStream, "reason", err)
		return
	}
	s.indexed, s.inOrder = last, sorted
}

// look extends the index if it is time to.
func (i *indexer) look(srv *server.Server) {
	if i.srv != srv {
		i.srv, i.written = srv, i.of.indexed
	}
	stream := i.of.direct.stream(srv, events.LicensesStream)
	if stream == nil {
		return // it is not there yet, or this release has other private fields
	}
	head := stream.Head()
	if head < i.written { // it is another stream
		i.written = 0
	}
	if !isDue(head, i.written, i.after, indexShare) || !i.of.spaceForIndex() {
		return
	}
	written, err := natstuning.ExtendIndexOf(srv, events.LicensesStream)
	if err == nil {
		i.written, i.failed = written, false
		return
	}
	i.written = head // so it is tried again when that many more are there
	if !i.failed {
		i.failed = true
		slog.Warn("the index of the stream is not written: a start after a kill takes longer",
			"stream", events.LicensesStream, "reason", err)
	}
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
