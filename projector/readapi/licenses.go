package readapi

import (
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
	page, desc, err := parseOrder(r)
	if err != nil {
		return err
	}
	return list[events.Seq, object]{
		members: func(views *projector.Reader) (iter.Seq[events.Seq], int, error) {
			return views.Licenses(filter.query(views), desc)
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

// getLicenseEvent answers with the event of a license, byte for byte as the stream has it.
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
// it did not exist.
func (a *API) withLicense(r *http.Request, params httpx.Params, m access.Manager,
	f func(*projector.Reader, *projector.License) error) error {
	missing := httpx.NotFound("There is no such license.")
	id, ok := parseID(params)
	if !ok {
		return missing
	}
	if err := a.projector.WaitForID(r.Context(), id); err != nil {
		return err
	}
	return a.projector.Read(r.Context(), func(views *projector.Reader) error {
		l, err := views.License(id)
		if err != nil {
			return err
		}
		if l == nil || !seesLicense(m, l) {
			return missing
		}
		return f(views, l)
	})
}
