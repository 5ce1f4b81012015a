package readapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

const (
	prefix     = "/api/v1/"
	retryAfter = time.Second // of a 503
)

// API answers every GET from the views of a projector. Its methods may be called concurrently.
type API struct {
	projector *projector.Projector
	catalogue Catalogue
	results   resultCache
}

// Catalogue is the table of products that licenses may be imported for.
type Catalogue interface {
	// List returns all products, sorted by short code.
	List(ctx context.Context) ([]events.CatalogueProduct, error)
}

// New makes the API of a projector, which need not run yet, and of the catalogue.
func New(p *projector.Projector, c Catalogue) *API { return &API{projector: p, catalogue: c} }

// route is one read.
type route struct {
	path  string // below prefix
	right access.Right
	serve access.Handler
	query []string // the query parameters that it understands
	long  bool     // it answers in pieces, and ends within a second after its key was revoked
}

// routes is the table of all reads.
func (a *API) routes() []route {
	var all []route
	for _, k := range events.Kinds {
		all = append(all, a.importRoutes(k)...)
	}
	return append(all, []route{
		{path: "licenses/", right: access.ReadLicenses, serve: a.listLicenses, query: ordered(append([]string{"sort"}, licenseFilters...)...)},
		{path: "licenses/export/", right: access.ReadLicenses, serve: a.exportLicenses, query: licenseFilters, long: true},
		{path: "licenses/:id/", right: access.ReadLicenses, serve: a.getLicense},
		{path: "licenses/:id/event/", right: access.ReadLicenses, serve: a.getLicenseEvent},
		{path: "licenses/:id/history/", right: access.ReadLicenses, serve: a.listHistory, query: paged()},
		{path: "products/", right: access.ReadLicenses, serve: a.listProducts, query: paged("short_code")},
		{path: "products/:id/", right: access.ReadLicenses, serve: a.getProduct},
		{path: "customers/", right: access.ReadCustomers, serve: a.listCustomers, query: ordered(append([]string{"sort"}, customerFilters...)...)},
		{path: "customers/export/", right: access.ReadCustomers, serve: a.exportCustomers, query: customerFilters, long: true},
		{path: "customers/:id/", right: access.ReadCustomers, serve: a.getParty(customers)},
		{path: "orders/", right: access.ReadCustomers, serve: a.listOrders, query: ordered(append([]string{"sort"}, orderFilters...)...)},
		{path: "orders/export/", right: access.ReadCustomers, serve: a.exportOrders, query: slices.Concat(orderFilters, orderRange), long: true},
		{path: "orders/:id/", right: access.ReadCustomers, serve: a.getParty(orders)},
		{path: strings.TrimPrefix(ExportPath, prefix), right: access.Manage, serve: a.exportViews, long: true},
	}...)
}

// importRoutes are the reads of the imports of a kind.
func (a *API) importRoutes(k *events.Kind) []route {
	one := func(path string, h jobHandler, query ...string) route {
		return route{path: k.Results + ":id/" + path, right: access.ReadImports, serve: a.forJob(k, h), query: query}
	}
	long := func(path string, h jobHandler, query ...string) route {
		r := one(path, h, query...)
		r.long = true
		return r
	}
	return []route{
		{path: k.Results, right: access.ReadImports, serve: a.listImports(k), query: ordered("status__iexact", "status_iexact")},
		one("", a.getImport),
		one("invalid_rows/", a.listInvalidRows, paged("code")...),
		one("existed_rows/", a.listExistedRows, paged()...),
		one("updated_rows/", a.listUpdatedRows, paged()...),
		one("kept_rows/", a.listKeptRows, paged()...),
		one("warnings/", a.listWarnings, paged("code")...),
		one("undo/", a.previewUndo),
		long("invalid_rows.csv", a.invalidRowsCSV, "raw"),
		long("invalid_rows.xlsx", a.invalidRowsXLSX),
		long("imported_rows.csv", a.importedRowsCSV),
		long("events/", a.streamImport),
	}
}

// Register adds the routes of all reads.
func (a *API) Register(router *httpx.Router, auth *access.Authenticator) {
	for _, r := range a.routes() {
		if r.long {
			r.serve = watched(auth, r.right, r.serve)
		}
		router.Handle(http.MethodGet, prefix+r.path, auth.Require(r.right, a.answer(r.serve)), r.query...)
	}
	router.Handle(http.MethodPost, RebuildPath, auth.Require(access.Manage, watched(auth, access.Manage, a.rebuildViews)))
	// The role ingest takes the others of these. Without the first, a GET of the import path would look for a license
	// of that id.
	for _, k := range events.Kinds {
		router.Reserve(http.MethodPost, prefix+k.Upload)
		router.Reserve(http.MethodPost, prefix+k.Results+":id/undo/")
	}
}

// paged returns the query parameters of a list: these and those of a page.
func paged(parameters ...string) []string { return append([]string{"limit", "offset"}, parameters...) }

// ordered returns the query parameters of a list that has an order: these, the order and those of a page.
func ordered(parameters ...string) []string {
	return paged(append([]string{"order_by"}, parameters...)...)
}

// watched ends the request's context within a second after its key was revoked.
func watched(auth *access.Authenticator, right access.Right, h access.Handler) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
		ctx, stop := auth.Watch(r.Context(), r, right)
		defer stop()
		return h(w, r.WithContext(ctx), params, m)
	}
}

// answer calls h when the views have reached the stream's end once since the start, and makes a 503
// of what a later attempt may not meet.
func (a *API) answer(h access.Handler) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
		err := a.projector.WaitForStart(r.Context())
		if err == nil {
			err = h(w, r, params, m)
		}
		return unavailable(err)
	}
}

// unavailable makes a 503 of the errors of a wait, of damaged views and of a search.
func unavailable(err error) error {
	switch {
	case errors.Is(err, projector.ErrLagging):
		return httpx.Unavailable(retryAfter, "views_behind",
			"The views are behind what was stored. Try again shortly.").Because(err)
	case errors.Is(err, projector.ErrDamaged), errors.Is(err, projector.ErrHangs):
		return httpx.Unavailable(retryAfter, "views_behind",
			"The views cannot be read, and are made again from what is stored. Try again shortly.").Because(err)
	case errors.Is(err, projector.ErrTooBroad):
		return httpx.Unavailable(retryAfter, "search_too_broad",
			"The answer took longer than %s to find. Narrow it: give more of the text, "+
				"or a filter such as license_key, product__short_code or import_id.", projector.ReadTimeout)
	}
	return err
}

// jobHandler answers about one import.
type jobHandler func(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error

// forJob calls h with the import of a kind that a path names. One of another kind, or that the manager may not see,
// is as if it did not exist.
func (a *API) forJob(k *events.Kind, h jobHandler) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
		id, err := events.ParseJobID(params.ByName("id"))
		if err != nil {
			return httpx.NotFound("There is no such import.")
		}
		j, err := a.projector.FindJob(r.Context(), id)
		if err != nil {
			return err
		}
		if j == nil || j.ImportKind() != k || !seesImport(m, j) {
			return httpx.NotFound("There is no import %s.", id)
		}
		return h(w, r, j, m)
	}
}

// parseID reads the id of a license, customer or order. ok is false for what cannot be an id.
func parseID(params httpx.Params) (id events.Seq, ok bool) {
	return events.ParseSeq(params.ByName("id"))
}

// parseBool reads a truth value as the imported files write it.
func parseBool(name, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true", "1", "yes":
		return true, nil
	case "false", "0", "no":
		return false, nil
	}
	return false, httpx.BadParameter(name, value, "true or false")
}
