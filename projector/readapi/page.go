package readapi

import (
	"iter"
	"net/http"

	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// list is how one list finds its members and shows them.
type list[ID, T any] struct {
	// members yields the ids of all members, and their number or projector.CountUnknown.
	members func(views *projector.Reader) (iter.Seq[ID], int, error)
	render  func(views *projector.Reader, id ID) (T, error)
}

// parseOrder reads a page and the order of a list: newest first unless the client asks otherwise.
func parseOrder(r *http.Request) (page httpx.Page, desc bool, err error) {
	if page, err = httpx.ParsePage(r); err != nil {
		return page, false, err
	}
	switch order := r.URL.Query().Get("order_by"); order {
	case "", "-created_at":
		return page, true, nil
	case "created_at":
		return page, false, nil
	default:
		return page, false, httpx.BadParameter("order_by", order, "created_at or -created_at")
	}
}

// write answers with one page of the list.
func (l list[ID, T]) write(a *API, w http.ResponseWriter, r *http.Request, page httpx.Page) error {
	var results []T
	var count int
	err := a.projector.Read(r.Context(), func(views *projector.Reader) (err error) {
		results, count, err = l.read(views, page)
		return err
	})
	if err != nil {
		return err
	}
	if r.URL.Query().Has("sort") {
		return httpx.WritePageUpTo(w, r, page, count, projector.MaxSorted, results)
	}
	return httpx.WritePage(w, r, page, count, results)
}

// read renders one page. It also returns the number of members of all pages.
func (l list[ID, T]) read(views *projector.Reader, page httpx.Page) (results []T, count int, err error) {
	all, count, err := l.members(views)
	if err != nil {
		return nil, 0, err
	}
	ids, count := paginate(all, count, page)
	for _, id := range ids {
		element, err := l.render(views, id)
		if err != nil {
			return nil, 0, err
		}
		results = append(results, element)
	}
	return results, count, nil
}

// paginate returns the ids of one page and the number of all: count, or if that is unknown, what it
// counted by passing all. It retains the ids of the page only.
func paginate[ID any](all iter.Seq[ID], count int, page httpx.Page) (ids []ID, total int) {
	for id := range all {
		if total >= page.Offset && len(ids) < page.Limit {
			ids = append(ids, id)
		}
		total++
		if count != projector.CountUnknown && len(ids) == page.Limit {
			break
		}
	}
	if count != projector.CountUnknown {
		total = count
	}
	return ids, total
}
