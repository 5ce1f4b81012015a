package readapi

import (
	"iter"
	"net/http"
	"time"

	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// listing is what every list is asked for.
type listing struct {
	page     httpx.Page
	desc     bool // newest first
	deadline time.Time
}

// parseListing reads page and order.
func parseListing(r *http.Request) (*listing, error) {
	l, err := parsePage(r)
	if err != nil {
		return nil, err
	}
	switch order := r.URL.Query().Get("order_by"); order {
	case "", "-created_at":
		l.desc = true
	case "created_at":
	default:
		return nil, httpx.BadParameter("order_by", order, "created_at or -created_at")
	}
	return l, nil
}

// parsePage reads the page of a list that has one order only.
func parsePage(r *http.Request) (*listing, error) {
	page, err := httpx.ParsePage(r)
	if err != nil {
		return nil, err
	}
	return &listing{page: page, deadline: time.Now().Add(projector.ReadTimeout)}, nil
}

// writeList answers with one page. choose gives the members and their count; render
// gives an element.
func writeList[ID, T any](a *API, w http.ResponseWriter, r *http.Request, l *listing,
	choose func(*projector.Reader) (iter.Seq[ID], int, error), render func(*projector.Reader, ID) (T, error)) error {
	var results []T
	var count int
	err := a.views.Read(func(views *projector.Reader) error {
		chosen, known, err := choose(views)
		if err != nil {
			return err
		}
		members, n, err := paginate(chosen, known, l.page, l.deadline)
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
	if err != nil {
		return err
	}
	return httpx.WritePage(w, r, l.page, count, results)
}

// paginate gives the members of one page, and how many there are altogether:
// count, or if that is unknown, counted.
func paginate[ID any](all iter.Seq[ID], count int, p httpx.Page, deadline time.Time) ([]ID, int, error) {
	var members []ID
	n := 0
	for member := range all {
		if n%1024 == 1023 && time.Now().After(deadline) {
			return nil, 0, projector.ErrTooBroad
		}
		if n >= p.Offset && len(members) < p.Limit {
			members = append(members, member)
		}
		if n++; count != projector.CountUnknown && len(members) == p.Limit {
			break
		}
	}
	if count == projector.CountUnknown {
		count = n
	}
	return members, count, nil
}
