package ingest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"licenseimport/events"
	"licenseimport/events/importjob"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/internal/retry"
)

// endTimeout bounds the wait of an undo for the end of an import that was cancelled: a processor appends it
// when its next batch is refused.
const endTimeout = 5 * time.Second

// endPoll paces that wait.
var endPoll = retry.Policy{First: 10 * time.Millisecond, Max: 200 * time.Millisecond, Jitter: 0.5}

// undoHandler answers POST …/:id/undo/ below the results of a kind.
func (in *Ingest) undoHandler(kind *events.Kind) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, p httpx.Params, m access.Manager) error {
		job, err := events.ParseJobID(p.ByName("id"))
		if err != nil {
			return httpx.NotFound("There is no such import.")
		}
		ctx, stop := context.WithTimeout(r.Context(), storeTimeout)
		defer stop()
		if err := in.startUndo(ctx, kind, job, m); err != nil {
			return storeError(err)
		}
		in.config.Log.Info("undo of an import asked for", "job_id", job)
		return answerJob(w, r, http.StatusAccepted, kind, job)
	}
}

// startUndo appends the request for an undo. It waits for the end of an import that was cancelled a moment
// ago, so that a client may undo what it has just cancelled.
func (in *Ingest) startUndo(ctx context.Context, kind *events.Kind, job events.JobID, m access.Manager) error {
	wait, stop := context.WithTimeout(ctx, endTimeout)
	defer stop()
	for poll := endPoll.Start(); ; {
		_, err := in.transition(ctx, job, func(s importjob.State) (events.Event, error) { return undo(s, kind, m) })
		refused, ok := errors.AsType[*importjob.RefusedError](err)
		if !ok || refused.Reason != importjob.EndPending || poll.Wait(wait, err) != nil {
			return err
		}
	}
}
