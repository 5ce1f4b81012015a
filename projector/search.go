package projector

import (
	"encoding/binary"
	"runtime"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// A search finds the licenses that have each of some words in one of their texts (searchtext.go). It passes
// the texts of all licenses, with up to four cores: 0.1 s of CPU for a million of them. An index of parts of
// words would be three times the views' size, and would make folding several times slower.
//
// Most texts are the license's own. The customer's name and company are shown as the row says that made the
// customer, or a customers' import that changed it, so these are found in two steps:
//
//	scan     licenses with the word among their own texts; customers that are shown with the word
//	join     the other licenses of those customers

// maxSearchWorkers bounds the goroutines of one scan.
const maxSearchWorkers = 4

// search returns the licenses that have each of the words.
func (q *LicenseQuery) search(r *Reader) (*viewstore.NumberSet, error) {
	s := newSearch(r, q)
	s.scanCustomers()
	s.scanLicenses(textKey)
	if q.SeesProduct != nil {
		s.visible = r.collect(r.ofProducts(q.visibleProducts(r)).postings)
	}
	for i := range s.found {
		s.resolve(&s.found[i])
	}
	s.join()
	all := &s.found[0].own
	for i := range s.found[1:] {
		all.Retain(&s.found[1+i].own)
	}
	if r.count(countGone) > 0 {
		all.RemoveAll(r.collect(r.views.Postings(gone, "")))
	}
	return all, r.bound.Err()
}

// search is one search.
type search struct {
	reader  *Reader
	query   *LicenseQuery
	words   [][]byte
	visible *viewstore.NumberSet // licenses that the one who asks may see; nil: all
	found   []wordHits           // by word

	elsewhere viewstore.NumberSet // customers that search_customers has
	keeps     viewstore.NumberSet // licenses that made one of those customers, and belong to it
	shown     map[events.Seq]bool // what shows answered for customers that it looked up
}

// wordHits is where one word was found.
type wordHits struct {
	own       viewstore.NumberSet // licenses, by what is theirs; in the end all that are shown with the word
	made      viewstore.NumberSet // customers, by the license with their id
	elsewhere viewstore.NumberSet // customers, by search_customers
	said      []saidHit           // licenses, by what their row says of a customer that another one made
}

type saidHit struct{ license, customer events.Seq }

func newSearch(r *Reader, q *LicenseQuery) *search {
	return &search{reader: r, query: q, words: q.Words, found: make([]wordHits, len(q.Words)), shown: map[events.Seq]bool{}}
}

// scanCustomers finds the words in search_customers.
func (s *search) scanCustomers() {
	var finders wordFinders
	s.reader.views.Scan(s.reader.bound, allCustomerTexts, nil, []func(*viewstore.Scanned){func(c *viewstore.Scanned) {
		finders.begin(s.words, c.Columns)
		s.elsewhere.AddPlaces(c.Number, c.Places)
		changed := uint64(0)
		if s.query.SeesProduct == nil {
			changed = changedCustomers(c)
		}
		for i := range s.words {
			made := finders.find(i, c, customerMadeName, customerMadeCompany)
			now := finders.find(i, c, customerNowName, customerNowCompany)
			s.found[i].elsewhere.AddPlaces(c.Number, made&^changed|now&changed)
		}
	}})
}

// changedCustomers are the customers of a chunk that a customers' import left as they are.
func changedCustomers(c *viewstore.Scanned) (places uint64) {
	for place, mark := range c.Texts(customerChanged) {
		if len(mark) > 0 {
			places |= 1 << place
		}
	}
	return places
}

// scanLicenses finds the words in the columns of the view search from one on.
func (s *search) scanLicenses(from int) {
	workers := make([]searchWorker, searchWorkers())
	visitors := make([]func(*viewstore.Scanned), len(workers))
	for i := range workers {
		workers[i] = searchWorker{search: s, from: from, found: make([]wordHits, len(s.words))}
		visitors[i] = workers[i].visit
	}
	s.reader.views.Scan(s.reader.bound, allSearchTexts, nil, visitors)
	for i := range workers {
		s.keeps.AddAll(&workers[i].keeps)
		for k := range s.found {
			hits, of := &s.found[k], &workers[i].found[k]
			hits.own.AddAll(&of.own)
			hits.made.AddAll(&of.made)
			hits.said = append(hits.said, of.said...)
		}
	}
}

func searchWorkers() int { return min(runtime.NumCPU(), maxSearchWorkers) }

// searchWorker searches some of the chunks.
type searchWorker struct {
	search  *search
	from    int        // the first column that is searched
	found   []wordHits // by word
	finders wordFinders
	keeps   viewstore.NumberSet
	shown   []uint64 // reused buffer: by word
}

func (w *searchWorker) visit(c *viewstore.Scanned) {
	w.finders.begin(w.search.words, c.Columns)
	changed := w.search.elsewhere.Places(c.Number)
	useful := changed
	w.shown = w.shown[:0]
	for i := range w.found {
		w.found[i].own.AddPlaces(c.Number, w.finders.find(i, c, w.from, textStoreID))
		w.shown = append(w.shown, w.finders.find(i, c, textName, textCompany))
		useful |= w.shown[i]
	}
	if useful == 0 {
		return
	}
	makers := makersOf(c)
	w.keeps.AddPlaces(c.Number, changed&makers)
	for i, shown := range w.shown {
		hits := &w.found[i]
		hits.made.AddPlaces(c.Number, shown&makers)
		if w.search.query.SeesProduct != nil {
			hits.addSaid(c, shown&^makers&^hits.own.Places(c.Number))
		}
	}
}

// makersOf are the licenses of a chunk that made their customer.
func makersOf(c *viewstore.Scanned) (places uint64) {
	for place, text := range c.Texts(textCustomer) {
		if id := events.Seq(c.ID(place)); customerID(text, id) == id {
			places |= 1 << place
		}
	}
	return places
}

// addSaid adds licenses of a chunk whose customer another one made.
func (h *wordHits) addSaid(c *viewstore.Scanned, places uint64) {
	for place, text := range c.Texts(textCustomer) {
		if places>>place&1 != 0 {
			id := events.Seq(c.ID(place))
			h.said = append(h.said, saidHit{id, customerID(text, id)})
		}
	}
}

// resolve makes the customers that were found with a word those that the one who asks is shown, and adds the
// licenses that made them.
func (s *search) resolve(hits *wordHits) {
	customers := &hits.made
	customers.RemoveAll(&s.elsewhere)
	hits.own.AddAll(customers)
	customers.AddAll(&hits.elsewhere)
	hits.elsewhere.Retain(&s.keeps)
	hits.own.AddAll(&hits.elsewhere)
	for _, hit := range hits.said {
		if !s.shows(hit.customer) {
			hits.own.Add(uint64(hit.license))
		}
	}
	if s.visible == nil {
		return
	}
	var seen viewstore.NumberSet
	for id := range ordered[uint64](s.reader.bound, customers, false) {
		if s.shows(events.Seq(id)) {
			seen.Add(id)
		}
	}
	*customers = seen
}

// join adds to each word the licenses of its customers that they did not make.
func (s *search) join() {
	r := s.reader
	var many []*wordHits
	for i := range s.found {
		hits := &s.found[i]
		if hits.made.Len() > maxMergedParties {
			many = append(many, hits)
			continue
		}
		for id := range ordered[uint64](r.bound, &hits.made, false) {
			key := viewstore.NumberKey(id)
			hits.own.AddAll(r.collect(r.inSlot(customerLicenses, key, key)))
		}
	}
	if len(many) == 0 {
		return
	}
	err := r.views.Names(customerLicenses, func(name []byte, license uint64) bool {
		if len(name) == 8 {
			for _, hits := range many {
				if hits.made.Has(binary.BigEndian.Uint64(name)) {
					hits.own.Add(license)
				}
			}
		}
		return r.bound.Step()
	})
	if err != nil {
		r.bound.Fail(err)
	}
}

// shows reports whether the one who asks sees a customer, and not only what the license's row says of it.
func (s *search) shows(customer events.Seq) bool {
	if s.visible == nil || s.visible.Has(uint64(customer)) {
		return true
	}
	r := s.reader
	if found, ok := r.existing().Next(uint64(customer), false); ok && found == uint64(customer) {
		return false
	}
	sees, known := s.shown[customer]
	if known {
		return sees
	}
	c, err := r.madeCustomer(customer) // by a license that is gone, by a change, or by a customers' import
	if err != nil {
		r.bound.Fail(err)
		return false
	}
	sees = c.ShownTo(s.query.SeesProduct) != nil
	s.shown[customer] = sees
	return sees
}

// visibleProducts returns the products whose licenses the one who asks may see.
func (q *LicenseQuery) visibleProducts(r *Reader) []string {
	var codes []string
	for code := range r.Products() {
		if q.SeesProduct(code) {
			codes = append(codes, code)
		}
	}
	return codes
}
