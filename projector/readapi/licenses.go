package readapi

import (
	"fmt"
	"iter"
	"net/http"
	"strconv"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

func (a *API) listLicenses(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
	filter, err := parseLicenseFilter(r.URL.Query(), m)
	if err != nil {
		return err
	}
	page, order, err := parseSort(r, "licenses", licenseSorts)
	if err != nil {
		return err
	}
	return list[events.Seq, object]{
		members: func(views *projector.Reader) (iter.Seq[events.Seq], int, error) {
			q := filter.query(views)
			if !order.sorted {
				return views.Licenses(q, order.desc)
			}
			return sortedList(views.SortedLicenses(q, order.by, order.desc, page.Offset+page.Limit))
		},
		render: func(views *projector.Reader, id events.Seq) (object, error) {
			l, err := mustExist(views.License(id))
			if err != nil {
				return nil, err
			}
			return renderLicense(views, l, m)
		},
	}.write(a, w, r, page)
}

var licenseSorts = map[string]projector.SortColumn{
	"license_key": projector.SortByKey, "product__short_code": projector.SortByProduct,
	"customer_email": projector.SortByEmail, "order__store_id": projector.SortByStoreID,
}

func (a *API) getLicense(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
	var o object
	err := a.withLicense(r, params, m, func(views *projector.Reader, l *projector.License) (err error) {
		o, err = renderLicense(views, l, m)
		return err
	})
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, o)
}

// getLicenseEvent answers with the last event of a license, byte for byte as the stream has it.
func (a *API) getLicenseEvent(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
	var body []byte
	err := a.withLicense(r, params, m, func(_ *projector.Reader, l *projector.License) error {
		body = append(body, l.Body...)
		return nil
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/cloudevents+json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, err = w.Write(body)
	return err
}

// withLicense calls f with the license that a path names. One that the manager may not see is as if
// it did not exist; one that is gone is a 410.
func (a *API) withLicense(r *http.Request, params httpx.Params, m access.Manager,
	f func(*projector.Reader, *projector.License) error) error {
	id, ok := parseID(params)
	if !ok {
		return errNoLicense
	}
	if err := a.projector.WaitForID(r.Context(), id); err != nil {
		return err
	}
	return a.projector.Read(r.Context(), func(views *projector.Reader) error {
		l, err := views.License(id)
		if err != nil {
			return err
		}
		if l == nil {
			return goneOrMissing(r, views, id, m)
		}
		if !seesLicense(m, l) {
			return errNoLicense
		}
		return f(views, l)
	})
}

var errNoLicense = httpx.NotFound("There is no such license.")

// goneOrMissing is the answer for an id that no license has: 410 for one that an undo has taken back.
func goneOrMissing(r *http.Request, views *projector.Reader, id events.Seq, m access.Manager) error {
	l, err := views.GoneLicense(id)
	if err != nil {
		return err
	}
	if l == nil || !seesLicense(m, l) {
		return errNoLicense
	}
	history := httpx.Location(r, fmt.Sprintf("%slicenses/%d/history/", prefix, id))
	return httpx.Gone(history, "License %d is gone: an undo has taken back the import that made it. What happened to it: %s", id, history).
		OfLicense(l.Event.License.Key, l.Event.Product.ShortCode)
}
