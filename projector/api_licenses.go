package projector

import (
	"net/http"
	"net/url"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

func (p *Projector) listLicenses(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
	filter, err := parseLicenseFilter(r.URL.Query(), m)
	if err != nil {
		return err
	}
	l, err := parseListing(r)
	if err != nil {
		return err
	}
	return writeList(p, w, r, l,
		func(views reader) (set, int, error) { return filter.choose(views, &l.limit) },
		func(views reader, seq uint64) (object, error) {
			found, err := views.license(events.Seq(seq))
			if err == nil && found == nil {
				err = errDamaged
			}
			if err != nil {
				return nil, err
			}
			return views.renderLicense(found)
		})
}

func (p *Projector) getLicense(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
	var o object
	err := p.withLicense(r, params, m, func(views reader, l *license) (err error) {
		o, err = views.renderLicense(l)
		return err
	})
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, o)
}

func (p *Projector) getLicenseEvent(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
	var body []byte
	err := p.withLicense(r, params, m, func(_ reader, l *license) error {
		body = append(body, l.record.body...)
		return nil
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/cloudevents+json")
	_, err = w.Write(body)
	return err
}

// withLicense finds the license that a path names; one of a product that is not
// the manager's is as if it did not exist.
func (p *Projector) withLicense(r *http.Request, params httpx.Params, m access.Manager, f func(reader, *license) error) error {
	missing := httpx.NotFound("There is no such license.")
	id, ok := parseID(params)
	if !ok {
		return missing
	}
	if err := p.awaitID(r.Context(), id); err != nil {
		return err
	}
	return p.read(func(views reader) error {
		l, err := views.license(id)
		if err != nil {
			return err
		}
		if l == nil || !m.Allowed(l.event.Product.ShortCode) {
			return missing
		}
		return f(views, l)
	})
}

// licenseFilter says which licenses a list shows; what is empty does not count.
type licenseFilter struct {
	key, startsWith, contains string
	product, email, store     string
	enabled                   *bool
	job                       events.JobID
	products                  []string // that the manager is limited to; empty: not limited
}

func parseLicenseFilter(query url.Values, m access.Manager) (*licenseFilter, error) {
	f := &licenseFilter{
		key:        query.Get("license_key"),
		startsWith: query.Get("license_key__startswith"),
		contains:   query.Get("license_key__icontains"),
		product:    query.Get("product__short_code"),
		email:      query.Get("customer_email"),
		store:      query.Get("order__store_id"),
		products:   m.Products,
	}
	if value := query.Get("enabled"); value != "" {
		enabled, err := parseBool("enabled", value)
		if err != nil {
			return nil, err
		}
		f.enabled = &enabled
	}
	if value := query.Get("import_id"); value != "" {
		id, err := events.ParseJobID(value)
		if err != nil {
			return nil, httpx.BadParameter("import_id", value, "the id of an import")
		}
		f.job = id
	}
	if f.product != "" && !m.Allowed(f.product) {
		f.products, f.product = []string{}, "" // sees nothing of it
	}
	return f, nil
}

// choose gives the licenses that all filters let through: each filter is a set,
// kept by an index, and the result is what is in all of them. The count is known
// where one counter tells it.
func (f *licenseFilter) choose(r reader, limit *deadline) (set, int, error) {
	sets, known, err := f.byKey(r, limit)
	if err != nil {
		return nil, 0, err
	}
	add := func(s set, count int) { sets, known = append(sets, s), append(known, count) }
	if f.job != 0 {
		add(r.blocks(jobLicenses, f.job.String()), unknown)
	}
	for _, by := range []struct {
		name        string
		names, more view
	}{{emailKey(f.email), customerByEmail, customerMore}, {f.store, orderByStore, orderMore}} {
		if by.name == "" {
			continue
		}
		of, err := r.more(by.names, by.name, by.more, limit)
		if err != nil {
			return nil, 0, err
		}
		add(of, len(of))
	}
	switch {
	case f.product != "":
		add(r.ofProducts([]string{f.product}))
	case f.products != nil:
		add(r.ofProducts(f.products))
	}
	if f.enabled != nil && !*f.enabled {
		add(r.blocks(disabled, ""), r.count(countDisabled))
	}
	chosen, count := set(both(sets)), unknown
	switch len(sets) {
	case 0:
		chosen, count = r.allKept(segmented{view: licenses}), r.count(countLicenses)
	case 1:
		chosen, count = sets[0], known[0]
	}
	if off := r.count(countDisabled); f.enabled != nil && *f.enabled && off > 0 {
		chosen = without{chosen, r.blocks(disabled, "")}
		if count = unknown; len(sets) == 0 {
			count = r.count(countLicenses) - off
		}
	}
	return chosen, count, nil
}

// byKey gives the sets of the filters on the license key.
func (f *licenseFilter) byKey(r reader, limit *deadline) (sets []set, known []int, err error) {
	if f.key != "" {
		found, err := r.inSlot(licenseByKey, slotOf([]byte(f.key)), 0, textPrefix(f.key, 0), limit)
		if err != nil {
			return nil, nil, err
		}
		sets, known = append(sets, found), append(known, len(found))
	}
	if f.startsWith == "" && f.contains == "" {
		return sets, known, nil
	}
	found, err := r.scan(licenseByKey, keyMatches(f.startsWith, f.contains), limit)
	if err != nil {
		return nil, nil, err
	}
	return append(sets, found), append(known, len(found)), nil
}

// ofProducts is the set of all licenses of some products.
func (r reader) ofProducts(products []string) (set, int) {
	sets, count := either{}, 0
	for _, product := range products {
		sets = append(sets, r.blocks(productLicenses, product))
		count += r.count(countProduct + product)
	}
	if len(sets) == 1 {
		return sets[0], count
	}
	return sets, count
}

// more are a customer's or an order's licenses: the one that made it and those that came after.
func (r reader) more(names view, name string, further view, limit *deadline) (list, error) {
	id, err := r.named(names, name)
	if id == 0 || err != nil {
		return nil, err
	}
	key := number(id)
	after, err := r.inSlot(further, slotOf(key), id, key, limit)
	return append(list{uint64(id)}, after...), err
}
