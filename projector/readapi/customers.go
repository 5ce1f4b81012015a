package readapi

import (
	"iter"
	"net/http"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// createdKind is customers or orders. The first license that names one creates it.
type createdKind struct {
	name    string
	creator func(*projector.Reader, events.Seq) (*projector.License, error) // nil: no such id
	show    func(id *events.Seq, said *projector.License) object
}

var (
	customers = createdKind{"customer", (*projector.Reader).CustomerCreator, customerObject}
	orders    = createdKind{"order", (*projector.Reader).OrderCreator, orderObject}
)

func (a *API) listCustomers(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	page, desc, err := parseOrder(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	q := projector.CustomerQuery{Email: query.Get("email"), EmailContains: query.Get("email__icontains")}
	return customers.list(func(views *projector.Reader) (iter.Seq[events.Seq], int, error) {
		return views.Customers(q, desc)
	}).write(a, w, r, page)
}

func (a *API) listOrders(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	page, desc, err := parseOrder(r)
	if err != nil {
		return err
	}
	q := projector.OrderQuery{StoreID: r.URL.Query().Get("store_id")}
	return orders.list(func(views *projector.Reader) (iter.Seq[events.Seq], int, error) {
		return views.Orders(q, desc)
	}).write(a, w, r, page)
}

// list is a list of the customers or orders that members yields.
func (k createdKind) list(
	members func(*projector.Reader) (iter.Seq[events.Seq], int, error)) list[events.Seq, object] {
	return list[events.Seq, object]{
		members: members,
		render: func(views *projector.Reader, id events.Seq) (object, error) {
			creator, err := mustExist(k.creator(views, id))
			if err != nil {
				return nil, err
			}
			return k.render(creator), nil
		},
	}
}

// render shows a customer or order, and the import and row that it comes from.
func (k createdKind) render(creator *projector.License) object {
	return k.show(&creator.Seq, creator).withOrigin(creator)
}

// getCreated answers with one customer or order.
func (a *API) getCreated(k createdKind) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, params httpx.Params, _ access.Manager) error {
		missing := httpx.NotFound("There is no such %s.", k.name)
		id, ok := parseID(params)
		if !ok {
			return missing
		}
		if err := a.projector.WaitForID(r.Context(), id); err != nil {
			return err
		}
		var creator *projector.License
		err := a.projector.Read(r.Context(), func(views *projector.Reader) (err error) {
			creator, err = k.creator(views, id)
			return err
		})
		if err == nil && creator == nil {
			err = missing
		}
		if err != nil {
			return err
		}
		return httpx.WriteJSON(w, http.StatusOK, k.render(creator))
	}
}
