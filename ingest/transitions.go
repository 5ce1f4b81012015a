package ingest

import (
	"net/http"
	"slices"
	"time"

	"licenseimport/events"
	"licenseimport/events/importjob"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// cancel is the fact that ends an import as a manager wishes, or why not. Managers get the same
// answer for an import that they may not see as for one that does not exist.
func cancel(s importjob.State, m access.Manager) (events.Event, error) {
	if s.Started != nil && !m.Sees(s.Started.Manager) {
		return nil, noSuchImport(s.Job)
	}
	return s.Cancel(m.Name)
}

// undo is the fact that has an import taken back as a manager wishes, or why not. Who may see an import may
// undo it, unless it may have changed licenses that the manager may not see.
func undo(s importjob.State, m access.Manager) (events.Event, error) {
	switch {
	case s.Started == nil: // the state refuses it
	case !m.Sees(s.Started.Manager):
		return nil, noSuchImport(s.Job)
	case m.Limited() && !within(m, s.Started.Products):
		return nil, httpx.Forbidden("Import %d may have licenses of products that this key is not for, so this key may not undo it.", s.Job)
	}
	return s.Undo(m.Name)
}

// within reports whether an import that was limited to some products, none: not limited, has only products
// that a limited manager may see.
func within(m access.Manager, products []string) bool {
	return len(products) > 0 && !slices.ContainsFunc(products, func(p string) bool { return !m.Allowed(p) })
}

func noSuchImport(job events.JobID) *httpx.Error {
	return httpx.NotFound("There is no import %d.", job)
}

// refusal is the answer to a request that the import's state does not allow.
func refusal(e *importjob.RefusedError) *httpx.Error {
	var answer *httpx.Error
	switch e.Reason {
	case importjob.NotStarted:
		return noSuchImport(e.Job)
	case importjob.WasCancelled:
		answer = httpx.Conflict("cancelled", "The import was cancelled by %s.", e.Detail)
	case importjob.WasAborted:
		answer = httpx.Conflict("aborted", "The import was given up while it was still being uploaded: %s", e.Detail)
	case importjob.UploadEnded:
		answer = httpx.Conflict("already_ended", "The upload has ended already.")
	case importjob.ImportEnded:
		answer = httpx.Conflict("already_ended", "Import %d has ended already.", e.Job)
	case importjob.ImportingAll:
		answer = httpx.Conflict("importing",
			"Import %d has passed its validation and is being imported as a whole: it cannot be cancelled any more.", e.Job)
	case importjob.NeverSealed:
		answer = httpx.Conflict("nothing_to_retry",
			"The file of import %d did not arrive completely, so none of its rows was rejected: upload the file again.", e.Job)
	default:
		answer = undoRefusal(e)
	}
	return answer.ForJob(uint64(e.Job))
}

// undoRefusal is the answer to an undo that the import's state does not allow.
func undoRefusal(e *importjob.RefusedError) *httpx.Error {
	switch e.Reason {
	case importjob.NotEnded:
		return httpx.Conflict("not_ended", "Import %d has not ended: wait for its end, or cancel it first.", e.Job)
	case importjob.EndPending:
		return httpx.Unavailable(2*time.Second, "not_ended", "Import %d was cancelled and ends in a moment: try again shortly.", e.Job)
	case importjob.WasDryRun:
		return httpx.Conflict("dry_run", "Import %d was a dry run: it imported nothing, so there is nothing to undo.", e.Job)
	case importjob.NothingImported:
		return httpx.Conflict("nothing_imported",
			"Import %d ended while its file was being uploaded: it imported nothing, so there is nothing to undo.", e.Job)
	case importjob.UndoRunning:
		return httpx.Conflict("undo_running", "Import %d is being undone already, as %s asked.", e.Job, e.Detail)
	case importjob.WasUndone:
		return httpx.Conflict("already_undone", "Import %d was undone already, as %s asked.", e.Job, e.Detail)
	case importjob.NoUndo:
		return httpx.Conflict("cannot_be_undone", "An import of %s cannot be undone.", e.Detail)
	}
	return httpx.New(http.StatusInternalServerError, "internal", "The import's state does not allow this.").Because(e)
}

// janitorAction is what the janitor does about an import that has rows.
type janitorAction int

const (
	wait      janitorAction = iota // look again later
	abort                          // its upload is abandoned
	purgeRows                      // nobody needs its rows any more
)

// actionFor is the janitor's action for an import whose upload gave no sign of life for a time.
func actionFor(s importjob.State, silent time.Duration, now time.Time, c Config) janitorAction {
	switch {
	case s.Discarded():
		return purgeRows
	case s.Ended() && now.Sub(s.End.Time) > c.Retention:
		return purgeRows
	case s.CanAbort() && silent > c.Abandoned:
		return abort
	default:
		return wait
	}
}
