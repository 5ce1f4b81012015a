package readapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

const (
	progressInterval = 250 * time.Millisecond // at least, between two events
	heartbeat        = 15 * time.Second       // between comments: proxies close silent connections
	eventTime        = 30 * time.Second       // for a client to take one event
)

var errViewsStopped = errors.New("the views have stopped")

// streamImport sends the progress of an import, or of its undo, as Server-Sent Events, until that ends, the
// client leaves, the server stops or the views fail.
func (a *API) streamImport(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	setStreamHeader(w.Header())
	if r.Method == http.MethodHead {
		return nil
	}
	s := &eventStream{manager: m, w: w, conn: http.NewResponseController(w)}
	for {
		changed := a.projector.Changes() // before the look, so that no change is missed
		j, err := mustExist(a.projector.Job(j.ID))
		if err != nil {
			return err
		}
		others, err := a.related(j, m)
		if err != nil {
			return err
		}
		if err := s.send(j, others); err != nil || j.Settled() {
			return err
		}
		if changed == nil {
			return errViewsStopped
		}
		if goOn, err := s.pause(r, changed); !goOn {
			return err
		}
	}
}

func setStreamHeader(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // else nginx buffers the events
}

// eventStream writes Server-Sent Events.
type eventStream struct {
	manager access.Manager
	w       http.ResponseWriter
	conn    *http.ResponseController
	last    []byte // the data of the last progress event
}

// send writes the import as it is, unless that was sent last, and "done" if
// nothing more is being done to it.
func (s *eventStream) send(j *projector.Job, others related) error {
	data, err := json.Marshal(renderImport(j, s.manager, others, nil))
	if err != nil {
		return err
	}
	if !bytes.Equal(data, s.last) {
		s.last = data
		if err := s.write("event: progress\ndata: %s\n\n", data); err != nil {
			return err
		}
	}
	if j.Settled() {
		return s.write("event: done\ndata: %s\n\n", data)
	}
	return nil
}

func (s *eventStream) write(format string, args ...any) error {
	// The writer of a test has no deadlines, and no slow client.
	_ = s.conn.SetWriteDeadline(time.Now().Add(eventTime))
	if _, err := fmt.Fprintf(s.w, format, args...); err != nil {
		return err
	}
	return s.conn.Flush()
}

// pause waits for a change, and for progressInterval at least. It returns false when the stream is
// over.
func (s *eventStream) pause(r *http.Request, changed <-chan struct{}) (goOn bool, err error) {
	interval := time.NewTimer(progressInterval)
	defer interval.Stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for passed := false; !passed || changed != nil; {
		select {
		case <-interval.C:
			passed = true
		case <-changed:
			changed = nil
		case <-beat.C:
			if err := s.write(": still here\n\n"); err != nil {
				return false, err
			}
		case <-r.Context().Done():
			return false, nil
		case <-httpx.Stopping(r.Context()):
			return false, nil
		}
	}
	return true, nil
}
