package ingest

import (
	"context"
	"net/http"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/internal/workbook"
)

// Ingest takes uploads, and the requests to cancel, undo and retry imports.
type Ingest struct {
	log      *eventlog.Log
	jobs     *eventlog.Bucket
	mappings *eventlog.RecordedBucket // saved mappings, by the token of their name
	config   Config
	limiter  *limiter

	uploads context.Context // of all uploads; ends when a shutdown aborts them
	halt    context.CancelCauseFunc
}

// New makes an Ingest on a log. It makes no request.
func New(log *eventlog.Log, c Config) *Ingest {
	c = c.withDefaults()
	in := &Ingest{log: log, jobs: log.Bucket(eventlog.Jobs), mappings: RecordedMappings(log), config: c,
		limiter: newLimiter(c.MaxUploads)}
	in.uploads, in.halt = context.WithCancelCause(context.Background())
	return in
}

// The paths. Each is served without its last slash, too. Those of a kind are in the table of kinds.
const (
	prefix       = "/api/v1/"
	mappingsPath = prefix + "import-mappings/"
	inspectPath  = prefix + "imports/inspect/"
)

// Register adds the routes to the router.
func (in *Ingest) Register(rt *httpx.Router, auth *access.Authenticator) {
	for _, kind := range events.Kinds {
		in.registerKind(rt, auth, kind)
	}
	rt.Handle(http.MethodPost, inspectPath, auth.Require(access.Import, in.serveInspect), inspectParameters()...)
	rt.Handle(http.MethodGet, mappingsPath, auth.Require(access.Identify, in.listMappings), "limit", "offset")
	rt.Handle(http.MethodGet, mappingsPath+":name/", auth.Require(access.Identify, in.showMapping))
	rt.Handle(http.MethodPut, mappingsPath+":name/", auth.Require(access.Import, in.saveMapping))
	rt.Handle(http.MethodDelete, mappingsPath+":name/", auth.Require(access.Import, in.removeMapping))
}

// registerKind adds the routes of one kind of import.
func (in *Ingest) registerKind(rt *httpx.Router, auth *access.Authenticator, kind *events.Kind) {
	rt.Handle(http.MethodPost, prefix+kind.Upload, auth.Require(access.Import, in.uploadHandler(auth, kind)),
		parameterNames()...)
	one := resultsPath(kind) + ":id/"
	rt.Handle(http.MethodPost, one+"cancel/", auth.Require(access.Cancel, in.cancelHandler(kind)))
	rt.Handle(http.MethodPost, one+"undo/", auth.Require(access.Undo, in.undoHandler(kind)))
	rt.Reserve(http.MethodGet, one+"undo/") // the role projector answers it
	rt.Handle(http.MethodPost, one+"retry/", auth.Require(access.Import, in.retryHandler(auth, kind)),
		retryParameterNames()...)
	rt.Handle(http.MethodGet, prefix+kind.Template(".csv"), auth.Require(access.Identify,
		serveTemplate(Template, kind, "text/csv; charset=utf-8", ".csv")))
	rt.Handle(http.MethodGet, prefix+kind.Template(".xlsx"), auth.Require(access.Identify,
		serveTemplate(TemplateWorkbook, kind, workbook.ContentType, ".xlsx")))
}

// resultsPath is where the results of a kind's imports are.
func resultsPath(kind *events.Kind) string { return prefix + kind.Results }

// Shutdown refuses new uploads with 503 and waits for those in flight. When ctx ends first,
// Shutdown aborts them, which takes at most some 20 s, answers them 503 and returns the context's
// error. Call it before the HTTP server's Shutdown.
func (in *Ingest) Shutdown(ctx context.Context) error {
	err := in.limiter.drain(ctx)
	if err == nil {
		return nil
	}
	in.halt(stopping())
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), haltGrace+2*lastFactTimeout)
	defer cancel()
	_ = in.limiter.drain(grace) // after that the janitor ends what is left
	return err
}

// Uploads is the number of uploads in flight.
func (in *Ingest) Uploads() int { return in.limiter.inUse() }

// MaxUploads is the limit of uploads in flight. Half as many again may be in flight where one manager
// holds more than half of them: see Config.MaxUploads.
func (in *Ingest) MaxUploads() int { return in.config.MaxUploads }

func stopping() *httpx.Error {
	return httpx.Unavailable(5*time.Second, "stopping", "The server is stopping: send the file again shortly.")
}

// admit takes a place of the limiter for an upload of the manager, or returns the answer 503 or 507.
func (in *Ingest) admit(manager string) error {
	if err := in.log.CheckFreeSpace(); err != nil {
		return diskFull(err)
	}
	switch {
	case in.limiter.tryAcquire(manager):
		return nil
	case in.limiter.draining.Load():
		return stopping()
	default:
		return httpx.Unavailable(5*time.Second, "too_many_uploads",
			"%d uploads are under way already: try again shortly.", in.config.MaxUploads)
	}
}
