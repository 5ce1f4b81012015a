package readapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"syscall"
	"time"

	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// RebuildPath is the path that has the views folded again, for admins.
const RebuildPath = ExportPath + "rebuild/"

// RebuildProgress is the data of an event "progress" of a rebuild.
type RebuildProgress struct {
	Events uint64 `json:"events"` // folded so far
	Of     uint64 `json:"of"`
}

// RebuildResult is the data of the event "done" of a rebuild.
type RebuildResult struct {
	Events  uint64  `json:"events"`
	Seconds float64 `json:"seconds"`
	Digest  string  `json:"digest"` // of the views, SHA-256 in hex
}

// rebuildViews folds the views again while they are read, and sends its progress as Server-Sent Events. The views stay
// as they are if it fails, or if the client leaves before the new ones are whole. Then there is no event "done".
func (a *API) rebuildViews(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	latest, ended := make(chan RebuildProgress, 1), make(chan error, 1)
	var result projector.RebuildResult
	go func() {
		var err error
		result, err = a.projector.Rebuild(r.Context(), func(done, total uint64) {
			select {
			case <-latest: // it was not sent, and need not be any more
			default:
			}
			latest <- RebuildProgress{Events: done, Of: total}
		})
		ended <- err
	}()
	s := &eventStream{w: w, conn: http.NewResponseController(w)}
	beat := time.NewTicker(progressInterval)
	defer beat.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return rebuildProblem(err)
			}
			return s.sendAs("done", RebuildResult{
				Events: result.Events, Seconds: result.Duration.Seconds(), Digest: result.Digest,
			})
		case <-httpx.Stopping(r.Context()):
			return nil
		case <-beat.C:
		}
		select {
		case progress := <-latest:
			if err := s.sendAs("progress", progress); err != nil {
				return err
			}
		default:
		}
	}
}

// sendAs sends an event with a value as its data.
func (s *eventStream) sendAs(event string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	setStreamHeader(s.w.Header())
	return s.write("event: %s\ndata: %s\n\n", event, data)
}

func rebuildProblem(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return httpx.New(http.StatusInsufficientStorage, "disk_full",
			"The server's disk has no space for other views beside the present ones. Free some.").Because(err)
	case errors.Is(err, projector.ErrNotFolding):
		return httpx.Unavailable(retryAfter, "views_behind",
			"The views cannot be made again now; /readyz says why.").Because(err)
	}
	return err
}
