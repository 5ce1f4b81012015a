package readapi

import (
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// listOrder is the order of a list: by time, or sorted by a column of it.
type listOrder[C any] struct {
	desc   bool
	sorted bool // by a column, not by time
	by     C
}

// parseSort reads a page and the order of a list of members. sorts are the values of sort, each also with a minus
// before it.
func parseSort[C any](r *http.Request, members string, sorts map[string]C) (httpx.Page, listOrder[C], error) {
	page, desc, err := parseOrder(r)
	sort := r.URL.Query().Get("sort")
	if sort == "" || err != nil {
		return page, listOrder[C]{desc: desc}, err
	}
	name, down := strings.CutPrefix(sort, "-")
	by, known := sorts[name]
	switch {
	case !known:
		err = httpx.BadParameter("sort", sort, strings.Join(slices.Sorted(maps.Keys(sorts)), ", ")+", or one of them with - before it")
	case r.URL.Query().Get("order_by") != "":
		err = httpx.BadRequest("invalid_parameter", "Query parameter sort excludes order_by: give one of them.")
	case page.Offset+page.Limit > projector.MaxSorted:
		err = httpx.BadRequest("invalid_parameter",
			"A sorted list ends after its first %d %s. Narrow it by filters or search, or leave out sort.", projector.MaxSorted, members)
	}
	return page, listOrder[C]{desc: down, sorted: true, by: by}, err
}

// sortedList makes the members of a list of what the projector has sorted.
func sortedList(ids []events.Seq, count int, err error) (iter.Seq[events.Seq], int, error) {
	return slices.Values(ids), count, err
}
