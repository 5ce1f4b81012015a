package projector

import (
	"bytes"
	"cmp"
	"slices"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// MaxSorted is how many members of a sorted list can be asked for.
const MaxSorted = 10_000

// SortColumn is what licenses are sorted by.
type SortColumn int

// The columns. Texts are compared in lower case, character by character.
const (
	SortByKey SortColumn = iota
	SortByProduct
	SortByEmail
	SortByStoreID
)

var sortTexts = [...]int{SortByKey: textKey, SortByProduct: textProduct, SortByEmail: textEmail, SortByStoreID: textStoreID}

// SortedLicenses returns the first ids, at most [MaxSorted], of the licenses that q selects, sorted by a column:
// upwards or, if desc, downwards. Licenses without a text come last. count is the number of all that q selects.
// It reads the texts of all licenses, as a search does.
func (r *Reader) SortedLicenses(q *LicenseQuery, by SortColumn, desc bool, first int) (ids []events.Seq, count int, err error) {
	selected, err := q.selectFrom(r)
	if err != nil {
		return nil, 0, err
	}
	set, ok := selected.postings.(*viewstore.NumberSet)
	if !ok {
		set = r.collect(selected.postings)
	}
	all := newTop(desc, first)
	r.sortTexts(&all, set, func(t searchText) []byte { return t.text(sortTexts[by]) })
	return all.ids(), set.Len(), r.bound.Err()
}

// sortTexts adds a text of each license of a set to all.
func (r *Reader) sortTexts(all *top, set *viewstore.NumberSet, text func(searchText) []byte) {
	workers := make([]sortWorker, searchWorkers())
	visitors := make([]func(*viewstore.Scanned), len(workers))
	for i := range workers {
		workers[i] = sortWorker{set: set, text: text, top: top{desc: all.desc, first: all.first}}
		visitors[i] = workers[i].visit
	}
	r.views.Scan(r.bound, allSearchTexts, set, visitors)
	for i := range workers {
		all.sorted = append(all.sorted, workers[i].sorted...)
		if workers[i].damaged {
			r.bound.Fail(ErrDamaged)
		}
	}
}

// sortWorker sorts the licenses of some of the chunks.
type sortWorker struct {
	top
	set     *viewstore.NumberSet
	text    func(searchText) []byte
	damaged bool
}

func (w *sortWorker) visit(c *viewstore.Scanned) {
	for _, span := range c.Spans {
		id := c.ID(span)
		if !w.set.Has(id) {
			continue
		}
		t, ok := parseSearchText(c.Plain[span.Begin:span.End], events.Seq(id))
		if !ok {
			w.damaged = true
			return
		}
		w.add(sortedID{w.text(t), events.Seq(id)})
	}
}

// sortedID is the id of a member of a list, and the text that it is sorted by.
type sortedID struct {
	text []byte
	id   events.Seq
}

// top is the first members of a list in an order, and as many more that were not compared yet.
type top struct {
	desc   bool
	first  int
	sorted []sortedID
	full   bool // sorted[first-1] is the last that was among the first
}

func newTop(desc bool, first int) top { return top{desc: desc, first: min(first, MaxSorted)} }

// ids are the first, in order.
func (t *top) ids() (ids []events.Seq) {
	t.cut()
	for _, l := range t.sorted {
		ids = append(ids, l.id)
	}
	return ids
}

// add adds a member if it may be among the first. It copies the text.
func (t *top) add(l sortedID) {
	if t.full && t.compare(l, t.sorted[t.first-1]) > 0 {
		return
	}
	l.text = bytes.Clone(l.text)
	if t.sorted = append(t.sorted, l); len(t.sorted) >= 2*t.first+64 {
		t.cut()
	}
}

// cut sorts, and retains the first.
func (t *top) cut() {
	slices.SortFunc(t.sorted, t.compare)
	if len(t.sorted) >= t.first {
		t.sorted, t.full = t.sorted[:t.first], t.first > 0
	}
}

func (t *top) compare(a, b sortedID) int {
	if none := len(a.text) == 0; none != (len(b.text) == 0) {
		if none {
			return 1
		}
		return -1
	}
	order := cmp.Or(bytes.Compare(a.text, b.text), cmp.Compare(a.id, b.id))
	if t.desc {
		return -order
	}
	return order
}
