package ingest

import (
	"context"
	"net/http"

	"licenseimport/events"
	"licenseimport/events/importjob"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// serveCancel answers POST /api/v1/licenses-import-results/:id/cancel/.
func (in *Ingest) serveCancel(w http.ResponseWriter, r *http.Request, p httpx.Params, m access.Manager) error {
	job, err := events.ParseJobID(p.ByName("id"))
	if err != nil {
		return httpx.NotFound("There is no such import.")
	}
	ctx, stop := context.WithTimeout(r.Context(), storeTimeout)
	defer stop()
	_, err = in.transition(ctx, job, func(s importjob.State) (events.Event, error) { return cancel(s, m) })
	if err != nil {
		return storeError(err)
	}
	in.config.Log.Info("import cancelled", "job_id", job)
	return answerJob(w, r, http.StatusAccepted, job)
}
