package viewstore

import "testing"

// TestUsageOfAFileThatGrew: pages that commits freed while a transaction was open stay in the file, and
// are counted. They are used again.
func TestUsageOfAFileThatGrew(t *testing.T) {
	h := newHarness(t)
	fill(h, 1)
	tx, err := h.db.Begin(false) // a slow reader
	check(t, err)
	for n := range uint64(100) {
		touch(h, n)
	}
	check(t, tx.Rollback())
	usageNow := func() Usage {
		h.close()
		defer h.open()
		u, err := Check(h.path, testSchema)
		check(t, err)
		return u
	}
	running, err := h.Usage()
	check(t, err)
	grown := usageNow()
	if difference := grown.Free - running.Free; grown.Size != running.Size || difference < -3*testPage || difference > 3*testPage {
		t.Errorf("the open file: %+v, closed %+v", running, grown)
	}
	if grown.Free < grown.Size/2 {
		t.Errorf("%+v: less than half is free after 100 commits beside a reader", grown)
	}
	for n := range uint64(100) {
		touch(h, n)
	}
	if u := usageNow(); u.Size != grown.Size {
		t.Errorf("%+v after 100 commits without a reader, want the size of %+v", u, grown)
	}
}
