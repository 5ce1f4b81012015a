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
func cancel(s importjob.State, kind *events.Kind, m access.Manager) (events.Event, error) {
	if s.Started != nil && !sees(m, kind, s.Started) {
		return nil, noSuchImport(s.Job)
	}
	return s.Cancel(m.Name)
}

// undo is the fact that has an import taken back as a manager wishes, or why not. Who may see an import may
// undo it, unless it may have changed licenses that the manager may not see.
func undo(s importjob.State, kind *events.Kind, m access.Manager) (events.Event, error) {
	switch {
	case s.Started == nil: // the state refuses it
	case !sees(m, kind, s.Started):
		return nil, noSuchImport(s.Job)
	case m.Limited() && !within(m, s.Started.Products):
		return nil, httpx.Forbidden("Import %d may have licenses of products that this key is not for, so this key may not undo it.", s.Job)
	}
	return s.Undo(m.Name)
}

// sees reports whether a manager sees an import at the address of a kind: each has those of the kind only.
func sees(m access.Manager, kind *events.Kind, started *events.ImportStarted) bool {
	return events.KindNamed(started.Kind) == kind && m.Sees(started.Manager, kind)
}

// within reports whether an import that was limited to some products, none: not limited, has only products
// that a limited manager may see.
func within(m access.Manager, products []string) bool {
	return len(products) > 0 && !slices.ContainsFunc(products, func(p string) bool { return !m.Allowed(p) })
}

func noSuchImport(job events.JobID) *httpx.Error {
	return refusal(&importjob.RefusedError{Job: job, Reason: importjob.NotStarted})
}

// refusal is the answer to a request that the import's state does not allow.
func refusal(e *importjob.RefusedError) *httpx.Error {
	code, message := e.Problem()
	switch {
	case e.Reason == importjob.NotStarted:
		return httpx.NotFound("%s", message)
	case code == "":
		return httpx.New(http.StatusInternalServerError, "internal", "The import's state does not allow this.").
			Because(e).ForJob(uint64(e.Job))
	case e.Reason == importjob.EndPending:
		return httpx.Unavailable(2*time.Second, code, "%s", message).ForJob(uint64(e.Job))
	}
	return httpx.Conflict(code, "%s", message).ForJob(uint64(e.Job))
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
