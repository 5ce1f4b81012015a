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

var sortColumns = [...]int{SortByKey: textKey, SortByProduct: textProduct, SortByEmail: textEmail, SortByStoreID: textStoreID}

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
	r.sortColumn(&all, set, sortColumns[by])
	return all.ids(), set.Len(), r.bound.Err()
}

// sortColumn adds the texts that the licenses of a set have in a column to all.
func (r *Reader) sortColumn(all *top, set *viewstore.NumberSet, column int) {
	workers := make([]top, searchWorkers())
	visitors := make([]func(*viewstore.Scanned), len(workers))
	for i := range workers {
		workers[i] = top{desc: all.desc, first: all.first}
		visitors[i] = func(c *viewstore.Scanned) { workers[i].addColumn(c, set.Places(c.Number), column) }
	}
	r.views.Scan(r.bound, allSearchTexts, set, visitors)
	for i := range workers {
		all.sorted = append(all.sorted, workers[i].sorted...)
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

// addColumn adds the texts that some places of a chunk have in a column.
func (t *top) addColumn(c *viewstore.Scanned, places uint64, column int) {
	for place, text := range c.Texts(column) {
		if places>>place&1 != 0 {
			t.add(sortedID{text, events.Seq(c.ID(place))})
		}
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
