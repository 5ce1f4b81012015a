package viewstore

import (
	"path/filepath"
	"testing"
)

// The views of the tests' schema, one or two of each layout.
const (
	plain View = iota
	counters
	names
	unfiltered
	values
	grouped
	lists
	facts // a single set, put in ascending order
	texts // of three columns
	resident
)

var testSchema = Schema{Version: 1, Views: []ViewSpec{
	plain:      {Name: "plain", Layout: Entries},
	counters:   {Name: "counters", Layout: Counters},
	names:      {Name: "names", Layout: HashIndex, Filtered: true},
	unfiltered: {Name: "unfiltered", Layout: HashIndex},
	values:     {Name: "values", Layout: Chunks},
	grouped:    {Name: "grouped", Layout: Chunks},
	lists:      {Name: "lists", Layout: PostingLists},
	facts:      {Name: "facts", Layout: Chunks},
	texts:      {Name: "texts", Layout: Chunks, Columns: 3},
	resident:   {Name: "resident", Layout: HashIndex, Filtered: true, Resident: true},
}}

// harness is a store that memtables are written to.
type harness struct {
	testing.TB
	*Store
	overlay *Overlay
	path    string
}

func newHarness(t testing.TB) *harness {
	h := &harness{TB: t, path: filepath.Join(t.TempDir(), "views")}
	h.open()
	t.Cleanup(h.close)
	return h
}

func (h *harness) open() {
	h.Helper()
	s, err := Open(h.path, testSchema)
	check(h, err)
	h.Store, h.overlay = s, NewOverlay(s)
}

func (h *harness) close() {
	h.Helper()
	h.overlay.Release()
	check(h, h.Store.Close())
}

// write fills a memtable and writes it.
func (h *harness) write(fill func(m *Memtable)) {
	h.Helper()
	m := NewMemtable(h.overlay)
	fill(m)
	h.overlay.Release()
	h.overlay.Freeze(m)
	w, err := h.Begin()
	check(h, err)
	check(h, w.Commit(m, h.Position()))
}

func (h *harness) read(f func(r *Reader)) {
	h.Helper()
	check(h, h.ReadAll(func(r *Reader) error {
		f(r)
		return nil
	}))
}

// check ends the test on an error.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
