package projector

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

const api = "/api/v1/"

// Register adds the routes of all reads.
func (p *Projector) Register(router *httpx.Router, auth *access.Authenticator) {
	get := func(path string, right access.Right, h access.Handler) {
		router.Handle(http.MethodGet, api+path, auth.Require(right, p.onceCaughtUp(h)))
	}
	get("licenses-import-results/", access.ReadImports, p.listImports)
	get("licenses-import-results/:id/", access.ReadImports, p.forJob(p.getImport))
	get("licenses-import-results/:id/invalid_rows/", access.ReadImports, p.forJob(p.listInvalidRows))
	get("licenses-import-results/:id/existed_rows/", access.ReadImports, p.forJob(p.listExistedRows))
	get("licenses-import-results/:id/invalid_rows.csv", access.ReadImports, p.forJob(p.invalidRowsCSV))
	get("licenses-import-results/:id/events/", access.ReadImports, p.forJob(p.streamImport))
	get("licenses/", access.ReadLicenses, p.listLicenses)
	get("licenses/:id/", access.ReadLicenses, p.getLicense)
	get("licenses/:id/event/", access.ReadLicenses, p.getLicenseEvent)
	get("customers/", access.ReadCustomers, p.listCustomers)
	get("customers/:id/", access.ReadCustomers, p.getMade(customers, "customer", customerObject))
	get("orders/", access.ReadCustomers, p.listOrders)
	get("orders/:id/", access.ReadCustomers, p.getMade(orders, "order", orderObject))
	get(strings.TrimPrefix(CopyPath, api), access.Manage, p.serveCopy)
	router.Reserve(http.MethodPost, api+"licenses/import_from_csv/") // and not the license of that id
}

// onceCaughtUp answers only from views that have reached the stream's end once.
func (p *Projector) onceCaughtUp(h access.Handler) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
		if err := p.awaitStart(r.Context()); err != nil {
			return err
		}
		return h(w, r, params, m)
	}
}

// jobHandler answers about one import.
type jobHandler func(w http.ResponseWriter, r *http.Request, j *job, m access.Manager) error

// forJob finds the import that a path names. One that the manager may not see is
// as if it did not exist.
func (p *Projector) forJob(h jobHandler) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
		id, err := events.ParseJobID(params.ByName("id"))
		if err != nil {
			return httpx.NotFound("There is no such import.")
		}
		j, err := p.findJob(r.Context(), id)
		if err != nil {
			return err
		}
		if j == nil || !m.Sees(j.Manager) {
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

// listing is what every list is asked for.
type listing struct {
	page  httpx.Page
	down  bool // newest first
	limit deadline
}

// parseListing reads page and order.
func parseListing(r *http.Request) (*listing, error) {
	page, err := httpx.ParsePage(r)
	if err != nil {
		return nil, err
	}
	l := &listing{page: page}
	switch order := r.URL.Query().Get("order_by"); order {
	case "", "-created_at":
		l.down = true
	case "created_at":
	default:
		return nil, httpx.BadParameter("order_by", order, "created_at or -created_at")
	}
	l.limit.start()
	return l, nil
}

// writeList answers with one page. choose gives the set and its count; render
// gives an element.
func writeList[T any](p *Projector, w http.ResponseWriter, r *http.Request, l *listing,
	choose func(reader) (set, int, error), render func(reader, uint64) (T, error)) error {
	var results []T
	var count int
	err := p.read(func(views reader) error {
		chosen, known, err := choose(views)
		if err != nil {
			return err
		}
		members, n, err := pageOf(chosen, known, l.page, l.down, &l.limit)
		if err != nil {
			return err
		}
		count = n
		for _, member := range members {
			element, err := render(views, member)
			if err != nil {
				return err
			}
			results = append(results, element)
		}
		return nil
	})
	if errors.Is(err, errTooBroad) {
		return httpx.Unavailable(time.Second, "search_too_broad",
			"The search took longer than %s. Narrow it: give more of the text, or a filter such as license_key, product__short_code or import_id.", patience)
	}
	if err != nil {
		return err
	}
	return httpx.WritePage(w, r, l.page, count, results)
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
