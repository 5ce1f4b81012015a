package ingest

import (
	"context"
	"net/http"

	"licenseimport/events"
	"licenseimport/events/importjob"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// cancelHandler answers POST …/:id/cancel/ below the results of a kind.
func (in *Ingest) cancelHandler(kind *events.Kind) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, p httpx.Params, m access.Manager) error {
		job, err := events.ParseJobID(p.ByName("id"))
		if err != nil {
			return httpx.NotFound("There is no such import.")
		}
		ctx, stop := context.WithTimeout(r.Context(), storeTimeout)
		defer stop()
		_, err = in.transition(ctx, job, func(s importjob.State) (events.Event, error) { return cancel(s, kind, m) })
		if err != nil {
			return storeError(err)
		}
		in.config.Log.Info("import cancelled", "job_id", job)
		return answerJob(w, r, http.StatusAccepted, kind, job)
	}
}
