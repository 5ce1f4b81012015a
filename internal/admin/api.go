package admin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// Catalogue is the table of products that licenses may be imported for.
type Catalogue interface {
	List(ctx context.Context) ([]events.CatalogueProduct, error)
	Change(ctx context.Context, shortCode string, change func(*events.CatalogueProduct)) error
	Remove(ctx context.Context, shortCode string) error
}

// Config is what the API is made of.
type Config struct {
	Audit *Audit
	Keys  *access.Store
	Uses  *access.Uses
	// Catalogue returns the catalogue for changes by a manager.
	Catalogue func(manager string) Catalogue
	// CheckProduct returns what is wrong with a product, for the admin, and brings it into canonical form.
	CheckProduct func(*events.CatalogueProduct) error
}

// API answers the requests of admins.
type API struct{ Config }

// New makes the API. It makes no request.
func New(c Config) *API { return &API{c} }

const prefix = "/api/v1/"

// routes is the table of all routes. All of them need access.Manage.
func (a *API) routes() []struct {
	method, path string
	serve        access.Handler
	query        []string
} {
	paged := []string{"limit", "offset"}
	return []struct {
		method, path string
		serve        access.Handler
		query        []string
	}{
		{http.MethodGet, "audit-log/", a.listAudit, paged},
		{http.MethodGet, "manager-keys/", a.listKeys, paged},
		{http.MethodPost, "manager-keys/", a.createKey, nil},
		{http.MethodDelete, "manager-keys/:begins_with/", a.revokeKey, nil},
		{http.MethodPost, "products/", a.setProduct, nil},
		{http.MethodDelete, "products/:id/", a.removeProduct, nil},
	}
}

// Register adds the routes to the router.
func (a *API) Register(router *httpx.Router, auth *access.Authenticator) {
	for _, r := range a.routes() {
		router.Handle(r.method, prefix+r.path, auth.Require(access.Manage, r.serve), r.query...)
	}
	// The role projector answers these.
	router.Reserve(http.MethodGet, prefix+"products/")
	router.Reserve(http.MethodGet, prefix+"products/:id/")
}

// Limits of a request.
const (
	timeout = 10 * time.Second // of what the streams are asked
	maxBody = 64 << 10         // bytes
)

// decodeBody reads a request's body: see [httpx.DecodeJSON].
func decodeBody(w http.ResponseWriter, r *http.Request, into any, example string) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return httpx.TooLarge("body_too_large", "The body is longer than %d KiB.", maxBody>>10)
	}
	if err != nil {
		return httpx.BadRequest("invalid_body", "The body ended early: send it again.").Because(err)
	}
	if err := httpx.DecodeJSON(body, into); err != nil {
		return httpx.BadRequest("invalid_body", "The body must be one JSON object such as %s: %v.", example, err)
	}
	return nil
}

// storeError is the answer to an error of a bucket or of the stream.
func storeError(err error) error {
	if _, unrecorded := errors.AsType[*eventlog.UnrecordedError](err); unrecorded {
		return httpx.Unavailable(time.Second, "unrecorded",
			"The change is made. Its entry in the audit log could not be stored yet, and follows within a minute after that is possible.").Because(err)
	}
	return httpx.Unavailable(time.Second, "store_unavailable",
		"The store does not answer at the moment. Try again shortly.").Because(err)
}

func (a *API) listAudit(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	page, err := httpx.ParsePage(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	entries, count, err := a.Audit.List(ctx, page.Offset, page.Limit)
	if err != nil {
		return storeError(err)
	}
	return httpx.WritePage(w, r, page, count, entries)
}
