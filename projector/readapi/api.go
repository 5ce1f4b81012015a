package readapi

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

const prefix = "/api/v1/"

// API answers every GET from the views of a projector.
type API struct {
	views   *projector.Projector
	results resultCache
}

// New makes an API of the views of a projector, which need not run yet.
func New(views *projector.Projector) *API { return &API{views: views} }

// Register adds the routes of all reads.
func (a *API) Register(router *httpx.Router, auth *access.Authenticator) {
	get := func(path string, right access.Right, h access.Handler) {
		router.Handle(http.MethodGet, prefix+path, auth.Require(right, a.onceCaughtUp(h)))
	}
	get("licenses-import-results/", access.ReadImports, a.listImports)
	get("licenses-import-results/:id/", access.ReadImports, a.forJob(a.getImport))
	get("licenses-import-results/:id/invalid_rows/", access.ReadImports, a.forJob(a.listInvalidRows))
	get("licenses-import-results/:id/existed_rows/", access.ReadImports, a.forJob(a.listExistedRows))
	get("licenses-import-results/:id/invalid_rows.csv", access.ReadImports, a.forJob(a.invalidRowsCSV))
	get("licenses-import-results/:id/events/", access.ReadImports, a.forJob(a.streamImport))
	get("licenses/", access.ReadLicenses, a.listLicenses)
	get("licenses/:id/", access.ReadLicenses, a.getLicense)
	get("licenses/:id/event/", access.ReadLicenses, a.getLicenseEvent)
	get("customers/", access.ReadCustomers, a.listCustomers)
	get("customers/:id/", access.ReadCustomers, a.getCreated(customers))
	get("orders/", access.ReadCustomers, a.listOrders)
	get("orders/:id/", access.ReadCustomers, a.getCreated(orders))
	get(strings.TrimPrefix(ExportPath, prefix), access.Manage, a.exportViews)
	router.Reserve(http.MethodPost, prefix+"licenses/import_from_csv/") // and not the license of that id
}

// onceCaughtUp answers only from views that have reached the stream's end once.
func (a *API) onceCaughtUp(h access.Handler) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
		err := a.views.WaitForStart(r.Context())
		if err == nil {
			err = h(w, r, params, m)
		}
		return unavailable(err)
	}
}

// unavailable makes a 503 of the errors that another attempt may not meet.
func unavailable(err error) error {
	switch {
	case errors.Is(err, projector.ErrLagging):
		return httpx.Unavailable(time.Second, "views_behind", "The views are behind what was stored. Try again shortly.").Because(err)
	case errors.Is(err, projector.ErrTooBroad):
		return httpx.Unavailable(time.Second, "search_too_broad",
			"The search took longer than %s. Narrow it: give more of the text, or a filter such as license_key, product__short_code or import_id.", projector.ReadTimeout)
	}
	return err
}

// jobHandler answers about one import.
type jobHandler func(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error

// forJob finds the import that a path names. One that the manager may not see is
// as if it did not exist.
func (a *API) forJob(h jobHandler) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
		id, err := events.ParseJobID(params.ByName("id"))
		if err != nil {
			return httpx.NotFound("There is no such import.")
		}
		j, err := a.views.FindJob(r.Context(), id)
		if err != nil {
			return err
		}
		if j == nil || !seesImport(m, j) {
			return httpx.NotFound("There is no import %s.", id)
		}
		return h(w, r, j, m)
	}
}

// parseID reads the id of a license, customer or order; false: nothing has it.
func parseID(params httpx.Params) (events.Seq, bool) {
	id, err := strconv.ParseUint(params.ByName("id"), 10, 64)
	return events.Seq(id), err == nil && id > 0
}

// parseBool reads a truth value as the import files have it.
func parseBool(name, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true", "1", "yes":
		return true, nil
	case "false", "0", "no":
		return false, nil
	}
	return false, httpx.BadParameter(name, value, "true or false")
}
