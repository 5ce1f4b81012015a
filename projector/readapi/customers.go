package readapi

import (
	"iter"
	"net/http"
	"net/url"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// partyKind is customers or orders.
type partyKind struct {
	name string
	show func(*projector.Reader, events.Seq) (object, error) // nil: no such id
}

var (
	customers = partyKind{"customer", showCustomer}
	orders    = partyKind{"order", showOrder}
)

// showCustomer shows a customer as it is, and the import and row that it comes from.
func showCustomer(views *projector.Reader, id events.Seq) (object, error) {
	c, err := views.Customer(id)
	if c == nil || err != nil {
		return nil, err
	}
	return customerObject(&c.ID, &c.Now).withOrigin(c.By, c.Created), nil
}

// showOrder shows an order as the license says that made it.
func showOrder(views *projector.Reader, id events.Seq) (object, error) {
	creator, err := views.OrderCreator(id)
	if creator == nil || err != nil {
		return nil, err
	}
	by := events.Origin{JobID: creator.Event.JobID, Row: creator.Event.Row}
	return orderObject(&creator.Seq, creator).withOrigin(by, creator.Created), nil
}

// customerFilters are the query parameters of parseCustomerQuery.
var customerFilters = []string{"search", "email", "email__icontains", "email__startswith", "company_name__icontains", "first_name__icontains",
	"last_name__icontains", "phone__icontains", "reference__exact", "reference__icontains", "reference__startswith"}

// orderFilters are the query parameters of parseOrderQuery.
var orderFilters = []string{"search", "store_id", "short_code"}

var customerSorts = map[string]projector.CustomerColumn{
	"email": projector.CustomersByEmail, "first_name": projector.CustomersByName, "company_name": projector.CustomersByCompany,
}

// orderSorts has the only one: what it is sorted by says nothing.
var orderSorts = map[string]struct{}{"store_id": {}}

// parseOrderQuery reads the filters of a list of orders.
func parseOrderQuery(query url.Values) (projector.OrderQuery, error) {
	p := &filterParser{query: query}
	q := projector.OrderQuery{StoreID: query.Get("store_id"), Product: query.Get("short_code"), Words: p.words("search")}
	return q, p.err
}

// parseCustomerQuery reads the filters of a list of customers.
func parseCustomerQuery(query url.Values) (projector.CustomerQuery, error) {
	p := &filterParser{query: query}
	reference := func(c *events.Customer) string { return c.Reference }
	var all []func(*events.Customer) bool
	all = on(all, p.contains("company_name__icontains"), func(c *events.Customer) string { return c.CompanyName })
	all = on(all, p.contains("first_name__icontains"), func(c *events.Customer) string { return c.FirstName })
	all = on(all, p.contains("last_name__icontains"), func(c *events.Customer) string { return c.LastName })
	all = on(all, p.contains("phone__icontains"), func(c *events.Customer) string { return c.Phone })
	all = on(all, p.contains("reference__icontains"), reference)
	if exact := query.Get("reference__exact"); exact != "" {
		all = append(all, func(c *events.Customer) bool { return c.Reference == exact })
	}
	if start := query.Get("reference__startswith"); start != "" {
		all = append(all, func(c *events.Customer) bool { return strings.HasPrefix(c.Reference, start) })
	}
	q := projector.CustomerQuery{
		Email: query.Get("email"), EmailPrefix: query.Get("email__startswith"), EmailContains: query.Get("email__icontains"),
		Matches: every(all), Words: p.words("search"),
	}
	return q, p.err
}

func (a *API) listCustomers(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	page, order, err := parseSort(r, "customers", customerSorts)
	if err != nil {
		return err
	}
	q, err := parseCustomerQuery(r.URL.Query())
	if err != nil {
		return err
	}
	return customers.list(func(views *projector.Reader) (iter.Seq[events.Seq], int, error) {
		if !order.sorted {
			return views.Customers(q, order.desc)
		}
		return sortedList(views.SortedCustomers(q, order.by, order.desc, page.Offset+page.Limit))
	}).write(a, w, r, page)
}

func (a *API) listOrders(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	page, order, err := parseSort(r, "orders", orderSorts)
	if err != nil {
		return err
	}
	q, err := parseOrderQuery(r.URL.Query())
	if err != nil {
		return err
	}
	return orders.list(func(views *projector.Reader) (iter.Seq[events.Seq], int, error) {
		if !order.sorted {
			return views.Orders(q, order.desc)
		}
		return sortedList(views.SortedOrders(q, order.desc, page.Offset+page.Limit))
	}).write(a, w, r, page)
}

// list is a list of the customers or orders that members yields.
func (k partyKind) list(
	members func(*projector.Reader) (iter.Seq[events.Seq], int, error)) list[events.Seq, object] {
	return list[events.Seq, object]{
		members: members,
		render: func(views *projector.Reader, id events.Seq) (object, error) {
			o, err := k.show(views, id)
			if err == nil && o == nil {
				err = projector.ErrDamaged
			}
			return o, err
		},
	}
}

// getParty answers with one customer or order.
func (a *API) getParty(k partyKind) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, params httpx.Params, _ access.Manager) error {
		missing := httpx.NotFound("There is no such %s.", k.name)
		id, ok := parseID(params)
		if !ok {
			return missing
		}
		if err := a.projector.WaitForID(r.Context(), id); err != nil {
			return err
		}
		var o object
		err := a.projector.Read(r.Context(), func(views *projector.Reader) (err error) {
			o, err = k.show(views, id)
			return err
		})
		if err == nil && o == nil {
			err = missing
		}
		if err != nil {
			return err
		}
		return httpx.WriteJSON(w, http.StatusOK, o)
	}
}
