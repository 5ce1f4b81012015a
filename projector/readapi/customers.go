package readapi

import (
	"iter"
	"net/http"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// createdKind is customers or orders: what the first license that named one created.
type createdKind struct {
	name    string
	creator func(*projector.Reader, events.Seq) (*projector.License, error) // nil: there is no such one
	show    func(creator *projector.License) object
}

var (
	customers = createdKind{"customer", (*projector.Reader).CustomerCreator, customerObject}
	orders    = createdKind{"order", (*projector.Reader).OrderCreator, orderObject}
)

func (a *API) listCustomers(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	query := r.URL.Query()
	q := projector.CustomerQuery{Email: query.Get("email"), EmailContains: query.Get("email__icontains")}
	return a.listCreated(w, r, customers, func(views *projector.Reader, l *listing) (iter.Seq[events.Seq], int, error) {
		return views.Customers(q, l.desc, l.deadline)
	})
}

func (a *API) listOrders(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	q := projector.OrderQuery{StoreID: r.URL.Query().Get("store_id")}
	return a.listCreated(w, r, orders, func(views *projector.Reader, l *listing) (iter.Seq[events.Seq], int, error) {
		return views.Orders(q, l.desc)
	})
}

func (a *API) listCreated(w http.ResponseWriter, r *http.Request, kind createdKind,
	choose func(*projector.Reader, *listing) (iter.Seq[events.Seq], int, error)) error {
	l, err := parseListing(r)
	if err != nil {
		return err
	}
	return writeList(a, w, r, l,
		func(views *projector.Reader) (iter.Seq[events.Seq], int, error) { return choose(views, l) },
		func(views *projector.Reader, id events.Seq) (object, error) {
			creator, err := kind.creator(views, id)
			if err == nil && creator == nil {
				err = projector.ErrDamaged
			}
			if err != nil {
				return nil, err
			}
			return origin(kind.show(creator), creator), nil
		})
}

// getCreated answers with one customer or order.
func (a *API) getCreated(kind createdKind) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, params httpx.Params, _ access.Manager) error {
		missing := httpx.NotFound("There is no such %s.", kind.name)
		id, ok := parseID(params)
		if !ok {
			return missing
		}
		if err := a.views.WaitForID(r.Context(), id); err != nil {
			return err
		}
		var creator *projector.License
		err := a.views.Read(func(views *projector.Reader) (err error) {
			creator, err = kind.creator(views, id)
			return err
		})
		if err == nil && creator == nil {
			err = missing
		}
		if err != nil {
			return err
		}
		return httpx.WriteJSON(w, http.StatusOK, origin(kind.show(creator), creator))
	}
}
