package projector

import (
	"bytes"
	"encoding/binary"
	"runtime"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// A search finds the licenses that have each of some words in one of their texts (searchtext.go). It passes
// the texts of all licenses, with up to four cores: 0.1 s for a million of them. An index of parts of words
// would be three times the views' size, and would make folding several times slower.
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
	s.scanLicenses()
	if q.SeesProduct != nil {
		s.visible = r.collect(r.ofProducts(q.visibleProducts(r)).postings)
	}
	var all *viewstore.NumberSet
	for i := range s.found {
		hits := s.licensesWith(&s.found[i])
		if all == nil {
			all = hits
			continue
		}
		all.Retain(hits)
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
	own       viewstore.NumberSet // licenses, by what is theirs
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
	s.reader.views.Scan(s.reader.bound, allCustomerTexts, nil, []func(*viewstore.Scanned){func(c *viewstore.Scanned) {
		for _, span := range c.Spans {
			id := c.ID(span)
			s.elsewhere.Add(id)
			text, ok := customerText(c.Plain[span.Begin:span.End], s.query.SeesProduct != nil)
			if !ok {
				s.reader.bound.Fail(ErrDamaged)
				return
			}
			for i, word := range s.words {
				if bytes.Contains(text, word) {
					s.found[i].elsewhere.Add(id)
				}
			}
		}
	}})
}

// scanLicenses finds the words in the view search.
func (s *search) scanLicenses() {
	workers := make([]searchWorker, searchWorkers())
	visitors := make([]func(*viewstore.Scanned), len(workers))
	for i := range workers {
		workers[i] = searchWorker{search: s, found: make([]wordHits, len(s.words))}
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
		if workers[i].damaged {
			s.reader.bound.Fail(ErrDamaged)
		}
	}
}

func searchWorkers() int { return min(runtime.NumCPU(), maxSearchWorkers) }

// searchWorker searches some of the chunks.
type searchWorker struct {
	search  *search
	found   []wordHits // by word
	finders []finder
	keeps   viewstore.NumberSet
	damaged bool
}

func (w *searchWorker) visit(c *viewstore.Scanned) {
	if w.finders == nil {
		for _, word := range w.search.words {
			w.finders = append(w.finders, newFinder(word, c.Plain))
		}
	}
	for i := range w.finders {
		w.find(c, &w.finders[i], &w.found[i])
	}
	if w.search.elsewhere.Len() == 0 {
		return
	}
	for _, span := range c.Spans {
		id := c.ID(span)
		if w.search.elsewhere.Has(id) && partyOf(c.Plain[span.Begin]) == madeCustomer {
			w.keeps.Add(id)
		}
	}
}

// find looks for a word in all values of a chunk at once, and then at those that have it.
func (w *searchWorker) find(c *viewstore.Scanned, f *finder, hits *wordHits) {
	at := 0
	for i := 0; i < len(c.Spans); {
		n := f.next(c.Plain, at)
		if n < 0 {
			return
		}
		for c.Spans[i].End <= n {
			if i++; i == len(c.Spans) {
				return
			}
		}
		span := c.Spans[i]
		t, ok := parseSearchText(c.Plain[span.Begin:span.End], events.Seq(c.ID(span)))
		if !ok {
			w.damaged = true
			return
		}
		begin := span.End - len(t.shown) - len(t.own)
		switch {
		case n < begin: // in numbers that look like the word
			at = begin
			continue
		case n+len(f.word) <= span.End:
			w.hit(events.Seq(c.ID(span)), t, f.word, n < begin+len(t.own), hits)
		}
		at = span.End
		i++
	}
}

// hit notes that a license has a word, first among its own texts or not.
func (w *searchWorker) hit(id events.Seq, t searchText, word []byte, own bool, hits *wordHits) {
	if own {
		hits.own.Add(uint64(id))
	}
	switch t.kind {
	case madeCustomer:
		if !own || bytes.Contains(t.shown, word) {
			hits.made.Add(uint64(id))
		}
	case joinsCustomer:
		if !own && w.search.query.SeesProduct != nil {
			hits.said = append(hits.said, saidHit{id, t.customer})
		}
	}
}

// finder finds a word by that of its bytes which is the rarest in the texts: bytes.Index looks for the first
// one, and meets it several times in each text if it is an "e".
type finder struct {
	word   []byte
	rarest int // offset in word
}

// newFinder makes a finder for texts like a sample.
func newFinder(word, sample []byte) finder {
	var counts [256]int
	for _, c := range sample {
		counts[c]++
	}
	f := finder{word: word}
	for i, c := range word {
		if counts[c] < counts[word[f.rarest]] {
			f.rarest = i
		}
	}
	return f
}

// next is the first place of the word in b, from a place on; -1: none.
func (f *finder) next(b []byte, from int) int {
	for misses := 0; misses < 16; misses++ {
		n := bytes.IndexByte(b[min(from+f.rarest, len(b)):], f.word[f.rarest])
		if n < 0 {
			return -1
		}
		if from += n; bytes.HasPrefix(b[from:], f.word) {
			return from
		}
		from++
	}
	if n := bytes.Index(b[from:], f.word); n >= 0 {
		return from + n
	}
	return -1
}

// licensesWith returns the licenses that are shown with a word. It takes the sets of the hits.
func (s *search) licensesWith(hits *wordHits) *viewstore.NumberSet {
	licenses, shown := &hits.own, &hits.made
	shown.RemoveAll(&s.elsewhere)
	licenses.AddAll(shown)
	shown.AddAll(&hits.elsewhere)
	hits.elsewhere.Retain(&s.keeps)
	licenses.AddAll(&hits.elsewhere)
	s.join(shown, licenses)
	for _, hit := range hits.said {
		if !s.shows(hit.customer) {
			licenses.Add(uint64(hit.license))
		}
	}
	return licenses
}

// join adds the licenses of customers that they did not make.
func (s *search) join(customers, licenses *viewstore.NumberSet) {
	r := s.reader
	if s.visible != nil {
		seen := new(viewstore.NumberSet)
		for id := range ordered[uint64](r.bound, customers, false) {
			if s.shows(events.Seq(id)) {
				seen.Add(id)
			}
		}
		customers = seen
	}
	if customers.Len() <= maxMergedParties {
		for id := range ordered[uint64](r.bound, customers, false) {
			key := viewstore.NumberKey(id)
			licenses.AddAll(r.collect(r.inSlot(customerLicenses, key, key)))
		}
		return
	}
	licenses.AddAll(r.collect(r.views.Match(r.bound, customerLicenses, nil, func(name []byte) bool {
		return len(name) == 8 && customers.Has(binary.BigEndian.Uint64(name))
	})))
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
