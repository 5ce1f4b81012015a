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
	progressEvery = 250 * time.Millisecond // at most
	heartbeat     = 15 * time.Second       // while nothing moves: proxies close silent connections
	eventTime     = 30 * time.Second       // that a client has to take one event
)

var errFailed = errors.New("the views have stopped")

// streamImport sends how an import goes on, until it ends, the client leaves or
// the server stops.
func (a *API) streamImport(w http.ResponseWriter, r *http.Request, j *projector.Job, _ access.Manager) error {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would hold events back
	if r.Method == http.MethodHead {
		return nil
	}
	s := &eventStream{w: w, conn: http.NewResponseController(w)}
	for {
		changed := a.views.Changes() // before looking, so that nothing is missed
		j, err := a.views.Job(j.ID)
		if err == nil && j == nil {
			err = projector.ErrDamaged
		}
		if err != nil {
			return err
		}
		if err := s.send(j); err != nil || j.Ended() {
			return err
		}
		if changed == nil {
			return errFailed
		}
		if goOn, err := s.pause(r, changed); !goOn {
			return err
		}
	}
}

// eventStream writes Server-Sent Events.
type eventStream struct {
	w    http.ResponseWriter
	conn *http.ResponseController
	last []byte // what was sent last
}

// send writes the import as it is, unless that was sent already, and the end if
// it has come.
func (s *eventStream) send(j *projector.Job) error {
	data, err := json.Marshal(renderImport(j, nil))
	if err != nil {
		return err
	}
	if !bytes.Equal(data, s.last) {
		s.last = data
		if err := s.write("event: progress\ndata: %s\n\n", data); err != nil {
			return err
		}
	}
	if j.Ended() {
		return s.write("event: done\ndata: %s\n\n", data)
	}
	return nil
}

func (s *eventStream) write(format string, args ...any) error {
	// A writer without deadlines, as in a test, has no slow client either.
	_ = s.conn.SetWriteDeadline(time.Now().Add(eventTime))
	if _, err := fmt.Fprintf(s.w, format, args...); err != nil {
		return err
	}
	return s.conn.Flush()
}

// pause waits for a change, but progressEvery at least; false when the stream is over.
func (s *eventStream) pause(r *http.Request, changed <-chan struct{}) (bool, error) {
	least := time.NewTimer(progressEvery)
	defer least.Stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	waited := false
	for {
		if waited && changed == nil {
			return true, nil
		}
		select {
		case <-least.C:
			waited = true
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
}
