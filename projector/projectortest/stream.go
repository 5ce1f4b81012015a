package projectortest

import (
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// Stream is the stream LICENSES of an embedded server.
type Stream struct {
	*eventlog.Log
	t    testing.TB
	last map[events.JobID]events.Seq
}

// NewStream starts a server with empty streams. It stops when the test ends.
func NewStream(t testing.TB) *Stream {
	return &Stream{eventlogtest.Start(t), t, map[events.JobID]events.Seq{}}
}

// Add appends events as a processor does: outcomes in one batch with the fact that follows them.
// The last event must be a fact.
func (l *Stream) Add(all ...events.Event) {
	l.t.Helper()
	var batch *eventlog.Batch
	for _, e := range all {
		body, err := events.Encode(e, time.Now())
		check(l.t, err)
		if batch == nil {
			batch = l.NewBatch(e.Job())
		}
		if !strings.HasPrefix(e.Subject(), "imports.") {
			if _, first := e.(*events.LicenseImported); first {
				check(l.t, batch.AddAfter(e.Subject(), body, e.Subject(), 0))
			} else {
				check(l.t, batch.Add(e.Subject(), body))
			}
			continue
		}
		seq, err := batch.Commit(l.t.Context(), e.Subject(), body, l.last[e.Job()])
		check(l.t, err)
		l.last[e.Job()], batch = seq, nil
	}
}

// check ends the test on an error.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
