package ingest

import (
	"context"
	"net/http"

	"licenseimport/events"
	"licenseimport/events/importjob"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// retryHandler answers POST …/:id/retry/ below the results of a kind: an upload whose rows are those that an
// import rejected. While it goes on its key is authenticated again.
func (in *Ingest) retryHandler(auth *access.Authenticator, kind *events.Kind) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, p httpx.Params, m access.Manager) error {
		// Not the request's context: a client that disconnects has asked for everything already.
		ctx, stop := auth.Watch(in.uploads, r, access.Import)
		defer stop()
		return in.serveRetry(ctx, w, r, p, kind, m,
			func(ctx context.Context) error { return auth.Recheck(ctx, r, access.Import) })
	}
}

func (in *Ingest) serveRetry(
	ctx context.Context, w http.ResponseWriter, r *http.Request, p httpx.Params, kind *events.Kind, m access.Manager,
	recheck func(context.Context) error,
) error {
	if err := mayImport(kind, m); err != nil {
		return err
	}
	job, err := events.ParseJobID(p.ByName("id"))
	if err != nil {
		return httpx.NotFound("There is no such import.")
	}
	first, err := in.load(ctx, job)
	if err == nil {
		err = canRetry(first, kind, m)
	}
	if err != nil {
		return storeError(err)
	}
	o, err := parseRetryOptions(r, kind, first.Started)
	if err != nil {
		return err
	}
	repeated, err := in.sealedUpload(ctx, m.Name, o.key)
	var remap *remapping
	if err == nil && repeated.Sealed == nil { // else the rows as they were sent are compared
		remap, err = in.remap(ctx, first.Started, o)
	}
	if err != nil {
		return storeError(err)
	}
	if err := in.admit(m.Name); err != nil {
		return err
	}
	defer in.limiter.release(m.Name)
	ctx, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	source, err := openRejectedSource(ctx, in.log, first.Started, remap, m, in.config)
	if err != nil {
		return err
	}
	defer source.stop()
	if repeated.Sealed != nil {
		return answerRepeat(w, r, repeated, o, source)
	}
	u := &upload{in: in, ctx: ctx, halt: halt, manager: m, options: o, recheck: recheck, source: source}
	if err := u.run(); err != nil {
		return err
	}
	return answerJob(w, r, http.StatusOK, kind, u.job)
}

// canRetry is why a manager may not retry an import, or nil. Managers get the same answer for an
// import that they may not see as for one that does not exist.
func canRetry(s importjob.State, kind *events.Kind, m access.Manager) error {
	if s.Started != nil && !sees(m, kind, s.Started) {
		return noSuchImport(s.Job)
	}
	return s.CanRetry()
}

// checkCorrected checks the import whose rejected rows a file has, corrected, as its sender says; 0: nobody says so.
func (in *Ingest) checkCorrected(ctx context.Context, job events.JobID, kind *events.Kind, m access.Manager) error {
	if job == 0 {
		return nil
	}
	first, err := in.load(ctx, job)
	switch {
	case err != nil:
		return storeError(err)
	case !canCorrect(first, kind, m):
		return httpx.BadParameter("retry_of", job.String(), "the id of an import that has ended and rejected rows")
	}
	return nil
}

// canCorrect reports whether a file may have the corrected rows of an import: one that has ended, rejected rows,
// and is the manager's to know of.
func canCorrect(s importjob.State, kind *events.Kind, m access.Manager) bool {
	if canRetry(s, kind, m) != nil {
		return false
	}
	e, finished := s.End.Event.(*events.ImportFinished)
	return !finished || e.Rejected > 0
}
