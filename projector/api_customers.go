package projector

import (
	"net/http"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

func (p *Projector) listCustomers(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	query := r.URL.Query()
	email, contains := emailKey(query.Get("email")), query.Get("email__icontains")
	return p.listMade(w, r, customers, customerObject, func(views reader, limit *deadline) (set, int, error) {
		switch {
		case email != "":
			found, err := views.one(customerByEmail, email)
			if contains != "" && !containsFold(contains)([]byte(email)) {
				found = nil
			}
			return found, len(found), err
		case contains != "":
			found, err := views.scan(customerByEmail, containsFold(contains), limit)
			return found, len(found), err
		default:
			return views.blocks(customers, ""), views.count(countCustomers), nil
		}
	})
}

func (p *Projector) listOrders(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	store := r.URL.Query().Get("store_id")
	return p.listMade(w, r, orders, orderObject, func(views reader, _ *deadline) (set, int, error) {
		if store != "" {
			found, err := views.one(orderByStore, store)
			return found, len(found), err
		}
		return views.blocks(orders, ""), views.count(countOrders), nil
	})
}

// one is the set of what a name stands for: one member or none.
func (r reader) one(names view, name string) (list, error) {
	id, err := r.named(names, name)
	if id == 0 || err != nil {
		return nil, err
	}
	return list{uint64(id)}, nil
}

// listMade lists customers or orders.
func (p *Projector) listMade(w http.ResponseWriter, r *http.Request, v view, show func(*license) object,
	choose func(reader, *deadline) (set, int, error)) error {
	l, err := parseListing(r)
	if err != nil {
		return err
	}
	return writeList(p, w, r, l,
		func(views reader) (set, int, error) { return choose(views, &l.limit) },
		func(views reader, seq uint64) (object, error) {
			o, err := views.made(v, events.Seq(seq), show)
			if err == nil && o == nil {
				err = errDamaged
			}
			return o, err
		})
}

// getMade answers with one customer or order.
func (p *Projector) getMade(v view, what string, show func(*license) object) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, params httpx.Params, _ access.Manager) error {
		missing := httpx.NotFound("There is no such %s.", what)
		id, ok := parseID(params)
		if !ok {
			return missing
		}
		if err := p.awaitID(r.Context(), id); err != nil {
			return err
		}
		var o object
		err := p.read(func(views reader) (err error) {
			o, err = views.made(v, id, show)
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

// made shows a customer or order; nil if the license of that sequence made none.
func (r reader) made(v view, id events.Seq, show func(*license) object) (object, error) {
	if found, ok := r.blocks(v, "").next(uint64(id), false); !ok || found != uint64(id) {
		return nil, nil
	}
	maker, err := r.license(id)
	if err != nil || maker == nil {
		return nil, err
	}
	return origin(show(maker), maker), nil
}
