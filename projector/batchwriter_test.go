package projector

import (
	"errors"
	"strings"
	"testing"
	"time"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// overlap folds some events, closes their batch, folds others while that is not written yet, and
// then writes both.
type overlap struct {
	*batchWriter
	t       *testing.T
	tape    *tape
	applied int
}

func newOverlap(t *testing.T) *overlap {
	s := openViews(t, t.TempDir())
	o := &overlap{batchWriter: newBatchWriter(s, maxBatchEvents), t: t, tape: newTape()}
	t.Cleanup(func() {
		o.overlay.Release()
		check(t, s.Close())
	})
	return o
}

// add folds events behind those that were folded.
func (o *overlap) add(all ...events.Event) (err error) {
	o.tape.Add(all...)
	for _, m := range o.tape.Messages[o.applied:] {
		err = errors.Join(err, o.apply(decoded(o.t, m)))
		o.applied++
	}
	return err
}

// TestOverlap: what a batch that is not written yet holds is known to the next one.
func TestOverlap(t *testing.T) {
	begin := []events.Event{started(1, "anna"), sealed(1, 3), progressed(1, 0, 0, 0, 0),
		imported(1, 1, "a", "A", "ada@example.com", "o1"), progressed(1, 1, 1, 0, 0)}
	known := &events.LicenseExisted{JobID: 1, Row: 2, LicenseKey: "A", Product: events.Product{ShortCode: "a"}, By: events.Origin{JobID: 1, Row: 1},
		Customer: &events.Customer{Email: "ADA@example.com"}, Order: events.Order{StoreID: "o1"}}
	for name, test := range map[string]struct{ first, second []events.Event }{
		"names are made":     {begin, []events.Event{imported(1, 2, "a", "B", "Ada@example.com", "o1"), known, finished(1, 3, 2, 1, 0)}},
		"names are unknown":  {append(begin[:4:4], rejection(1, 2, events.Required)), []events.Event{imported(1, 3, "a", "B", "new@example.com", "o2")}},
		"an import starts":   {begin[:1], begin[1:]},
		"an import ends":     {append(begin[:5:5], finished(1, 1, 1, 0, 0)), []events.Event{progressed(1, 1, 1, 0, 0), sealed(1, 9), started(2, "bert")}},
		"another one starts": {begin, []events.Event{started(2, "bert"), imported(2, 1, "a", "C", "ada@example.com", ""), finished(1, 1, 1, 0, 0)}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOverlap(t)
			check(t, o.add(test.first...))
			w, err := o.rotate()
			check(t, err)
			check(t, o.add(test.second...))
			check(t, o.onCommitted(o.immutable.commit(w)))
			check(t, o.finish())
			got, err := o.store.Digest()
			check(t, err)
			want, err := Rebuild(t.Context(), o.tape, t.TempDir(), nil)
			if got != want.Digest || err != nil {
				t.Errorf("digest %s, want %+v, %v", got, want, err)
			}
			check(t, o.store.Verify())
		})
	}
}

// TestSharedBatches: batches are smaller while several imports go on and for a while after, but for a rebuild.
func TestSharedBatches(t *testing.T) {
	o := newOverlap(t)
	check(t, o.add(started(1, "anna"), progressed(1, 0, 0, 0, 0), progressed(1, 1, 1, 0, 0)))
	o.maxEvents, o.maxConcurrent = 10, 4
	if o.full() {
		t.Error("a batch of 3 events is full")
	}
	check(t, o.add(started(2, "bert")))
	if !o.full() {
		t.Error("a batch of 4 events is not full while two imports go on")
	}
	check(t, o.add(finished(2, 0, 0, 0, 0)))
	delete(o.jobs, 2)
	if !o.full() {
		t.Error("a batch is as large as one of a lonely import a moment after another has ended")
	}
	if o.lastConcurrent = time.Now().Add(-concurrentFor); o.full() {
		t.Error("a batch is full a while after the other import has ended")
	}
	if o.maxConcurrent = 0; o.full() {
		t.Error("a batch of a rebuild is full after 5 events")
	}
}

// TestOverlapKnowsEnded: an import that ended in a batch that is not written yet, or in an
// earlier one, cannot start again.
func TestOverlapKnowsEnded(t *testing.T) {
	o := newOverlap(t)
	check(t, o.add(started(1, "anna"), finished(1, 0, 0, 0, 0)))
	w, err := o.rotate()
	check(t, err)
	if err := o.add(started(1, "anna")); err == nil || !strings.Contains(err.Error(), "a second time") {
		t.Errorf("while it is written: %v", err)
	}
	o.overlay.Release()
	check(t, o.onCommitted(o.immutable.commit(w)))
	check(t, o.add(started(2, "anna")))
	check(t, o.finish())
	if err := o.add(started(1, "anna")); err == nil || !strings.Contains(err.Error(), "a second time") {
		t.Errorf("when it was written: %v", err)
	}
}

// TestOverlapFails: nothing counts that was folded behind a batch that could not be written.
func TestOverlapFails(t *testing.T) {
	o := newOverlap(t)
	check(t, o.add(started(1, "anna"), imported(1, 1, "a", "A", "ada@example.com", "o1")))
	check(t, o.finish())
	before := o.store.Position()
	check(t, o.add(imported(1, 2, strings.Repeat("x", bolt.MaxKeySize+1), "B", "bert@example.com", "o2")))
	check(t, o.flush())
	check(t, o.add(imported(1, 3, "a", "C", "carl@example.com", "")))
	if err := o.finish(); !errors.Is(err, berrors.ErrKeyTooLarge) {
		t.Fatalf("%v, want a key that is too large", err)
	}
	check(t, o.store.Reload())
	if o.store.Position() != before || o.active != nil {
		t.Errorf("position %+v, want %+v", o.store.Position(), before)
	}
	check(t, o.store.Verify())
}

// TestNewImportNeedsNoCommit: an import that was folded is shown while the batch that it is in, or
// the one before it, is not written yet.
func TestNewImportNeedsNoCommit(t *testing.T) {
	tape := newTape(started(1, "anna"))
	r := newRig(t, t.TempDir(), tape)
	r.catchUp()
	w, err := r.store.Begin() // as if a memtable was being written all the time
	check(t, err)
	t.Cleanup(func() { check(t, w.Rollback()) })
	tape.Add(started(2, "anna"), imported(2, 1, "a", "A", "", ""))
	got, err := r.FindJob(t.Context(), 2)
	check(t, err)
	if got == nil || got.Status != StatusPending || r.Position() != 1 {
		t.Errorf("%+v at position %d", got, r.Position())
	}
}

// TestWriterFails: an error of the one that writes ends Run, is told by Ready, and nothing that
// was folded meanwhile is shown as stored.
func TestWriterFails(t *testing.T) {
	tape := newTape(started(1, "anna"), imported(1, 1, "a", "A", "ada@example.com", ""), progressed(1, 1, 1, 0, 0))
	r := newRig(t, t.TempDir(), tape)
	r.catchUp()
	tape.Add(imported(1, 2, strings.Repeat("x", bolt.MaxKeySize+1), "B", "", ""), finished(1, 2, 2, 0, 0),
		started(2, "anna"), sealed(2, 1), imported(2, 1, "a", "C", "", ""), finished(2, 1, 1, 0, 0))
	err := <-r.ended
	r.ended <- err
	if !errors.Is(err, berrors.ErrKeyTooLarge) {
		t.Fatalf("Run: %v", err)
	}
	if ready := r.Ready(t.Context()); !errors.Is(ready, err) {
		t.Errorf("Ready: %v", ready)
	}
	if at := r.Position(); at != 3 {
		t.Errorf("position %d, want 3", at)
	}
	check(t, r.WaitForID(t.Context(), 2))
	check(t, r.Read(func(views *Reader) error {
		if l, err := views.License(2); l == nil || err != nil {
			t.Errorf("a license that was stored: %v %v", l, err)
		}
		return nil
	}))
	if j, err := r.FindJob(t.Context(), 1); j == nil || err != nil {
		t.Errorf("an import that was stored: %v %v", j, err)
	}
	if err := r.WaitForID(t.Context(), 4); !errors.Is(err, ErrLagging) {
		t.Errorf("a license that was not stored: %v", err)
	}
	if err := r.WaitForUploads(t.Context()); !errors.Is(err, ErrLagging) {
		t.Errorf("an import that was not stored: %v", err)
	}
}
