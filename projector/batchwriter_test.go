package projector

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/importjob"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// overlap folds some events, freezes their memtable, folds others before that one is written, and then
// writes both.
type overlap struct {
	*batchWriter
	t       *testing.T
	log     *memLog
	applied int
}

func newOverlap(t *testing.T) *overlap {
	s := openViews(t, t.TempDir())
	o := &overlap{batchWriter: newBatchWriter(s, maxBatchEvents), t: t, log: newMemLog()}
	t.Cleanup(func() {
		o.overlay.Release()
		check(t, s.Close())
	})
	return o
}

// add folds further events.
func (o *overlap) add(all ...events.Event) (err error) {
	o.log.Add(all...)
	for _, m := range o.log.Messages[o.applied:] {
		err = errors.Join(err, o.apply(decoded(o.t, m)))
		o.applied++
	}
	return err
}

// TestPagesAreDropped: the file's pages do not stay in memory either where each commit is small.
func TestPagesAreDropped(t *testing.T) {
	o := newOverlap(t)
	check(t, o.add(started(1, "anna")))
	var dropped []int
	for commit := range 6 {
		check(t, o.add(started(events.JobID(commit+2), "anna"))) //nolint:gosec // small
		o.active.events = madviseAfter * 2 / 5
		w, err := o.rotate()
		check(t, err)
		if o.immutable.drops {
			dropped = append(dropped, commit)
		}
		check(t, o.onCommitted(o.immutable.commit(w)))
	}
	if !slices.Equal(dropped, []int{2, 5}) {
		t.Errorf("pages are dropped after the commits %d, each of two fifths of the events", dropped)
	}
}

// TestOverlap: a memtable sees what the frozen one holds before that is written.
func TestOverlap(t *testing.T) {
	begin := []events.Event{started(1, "anna"), sealed(1, 3), progressed(1, 0, 0, 0, 0),
		imported(1, 1, "a", "A", "ada@example.com", "o1"), progressed(1, 1, 1, 0, 0)}
	known := &events.LicenseExisted{JobID: 1, Row: 2, LicenseKey: "A", Product: events.Product{ShortCode: "a"}, By: events.Origin{JobID: 1, Row: 1},
		Customer: &events.Customer{Email: "ADA@example.com"}, Order: events.Order{StoreID: "o1"}}
	for name, test := range map[string]struct{ first, second []events.Event }{
		"names are inserted": {begin, []events.Event{imported(1, 2, "a", "B", "Ada@example.com", "o1"), known, finished(1, 3, 2, 1, 0)}},
		"names are unknown":  {append(begin[:4:4], rejection(1, 2, events.Required)), []events.Event{imported(1, 3, "a", "B", "new@example.com", "o2")}},
		"an import starts":   {begin[:1], begin[1:]},
		"an import ends":     {append(begin[:5:5], finished(1, 1, 1, 0, 0)), []events.Event{progressed(1, 1, 1, 0, 0), sealed(1, 9), started(2, "bert")}},
		"another one starts": {begin, []events.Event{started(2, "bert"), sealed(2, 1), progressed(2, 0, 0, 0, 0),
			imported(2, 1, "a", "C", "ada@example.com", ""), finished(1, 1, 1, 0, 0)}},
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
			want, err := Rebuild(t.Context(), o.log, t.TempDir(), nil)
			if got != want.Digest || err != nil {
				t.Errorf("digest %s, want %+v, %v", got, want, err)
			}
			check(t, o.store.Verify())
		})
	}
}

// TestConcurrentImports: memtables are smaller while several imports run and for 2 s after, except in a
// rebuild.
func TestConcurrentImports(t *testing.T) {
	o := newOverlap(t)
	check(t, o.add(started(1, "anna"), sealed(1, 3), progressed(1, 0, 0, 0, 0)))
	o.maxEvents, o.maxConcurrent = 10, 4
	if o.full() {
		t.Error("a memtable of 3 events is full")
	}
	check(t, o.add(started(2, "bert")))
	if !o.full() {
		t.Error("a memtable of 4 events is not full while two imports run")
	}
	check(t, o.add(&events.ImportAborted{JobID: 2}))
	delete(o.jobs, 2)
	if !o.full() {
		t.Error("a memtable of 4 events is not full just after another import ended")
	}
	if o.lastConcurrent = time.Now().Add(-concurrentFor); o.full() {
		t.Error("a memtable is full long after the other import ended")
	}
	if o.maxConcurrent = 0; o.full() {
		t.Error("a memtable of a rebuild is full after 5 events")
	}
}

// TestOverlapKnowsEnded: an import that ended in the frozen memtable, or before, cannot start again.
func TestOverlapKnowsEnded(t *testing.T) {
	o := newOverlap(t)
	check(t, o.add(started(1, "anna"), sealed(1, 1), finished(1, 1, 1, 0, 0)))
	w, err := o.rotate()
	check(t, err)
	if err := o.add(started(1, "anna")); !startsAgain(err) {
		t.Errorf("while it is written: %v", err)
	}
	o.overlay.Release()
	check(t, o.onCommitted(o.immutable.commit(w)))
	check(t, o.add(started(2, "anna")))
	check(t, o.finish())
	if err := o.add(started(1, "anna")); !startsAgain(err) {
		t.Errorf("when it was written: %v", err)
	}
}

// startsAgain reports whether the error says that an import cannot start.
func startsAgain(err error) bool {
	impossible, ok := errors.AsType[*importjob.TransitionError](err)
	return ok && impossible.Job == 1 && impossible.Event == "ImportStarted"
}

// TestOverlapFails: what was folded after a memtable that could not be written is dropped.
func TestOverlapFails(t *testing.T) {
	o := newOverlap(t)
	check(t, o.add(started(1, "anna"), sealed(1, 3), progressed(1, 0, 0, 0, 0),
		imported(1, 1, "a", "A", "ada@example.com", "o1")))
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

// setFoldTime sets foldTime for a test.
func setFoldTime(t *testing.T, d time.Duration) {
	before := foldTime
	foldTime = d
	t.Cleanup(func() { foldTime = before })
}

// TestNewImportNeedsNoCommit: an import that was folded is shown before its memtable, or the previous
// one, is written, and nobody asks for a commit.
func TestNewImportNeedsNoCommit(t *testing.T) {
	setFoldTime(t, time.Hour)
	log := newMemLog(started(1, "anna"))
	r := newHarness(t, t.TempDir(), log)
	r.catchUp()
	w, err := r.store().Begin() // as if a memtable was being written all the time
	check(t, err)
	t.Cleanup(func() { check(t, w.Rollback()) })
	log.Add(started(2, "anna"), sealed(2, 1))
	got, err := r.FindJob(t.Context(), 2)
	check(t, err)
	if got == nil || got.Status != StatusPending || r.Position() != 1 {
		t.Errorf("%+v at position %d", got, r.Position())
	}
	if r.hasWaiter(1, 3) {
		t.Error("a commit was asked for")
	}
}

// TestImportThatIsNeverShown: who waits for an import that folding does not show asks for a commit.
func TestImportThatIsNeverShown(t *testing.T) {
	setFoldTime(t, time.Millisecond)
	log := newMemLog(started(1, "anna"))
	r := newHarness(t, t.TempDir(), log)
	r.catchUp()
	w, err := r.store().Begin() // no commit before the wait has asked for one
	check(t, err)
	log.Add(&events.ImportAborted{JobID: 2})
	found := make(chan *Job, 1)
	go func() {
		j, err := r.FindJob(t.Context(), 2)
		if err != nil {
			t.Error(err)
		}
		found <- j
	}()
	for deadline := time.Now().Add(time.Minute); !r.hasWaiter(1, 2) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	check(t, w.Rollback())
	if j := <-found; j != nil || r.Position() != 2 {
		t.Errorf("%+v at position %d", j, r.Position())
	}
}

// TestWriterFails: an error of a write ends Run, Ready reports it, and nothing that was folded since is
// shown as stored.
func TestWriterFails(t *testing.T) {
	log := newMemLog(started(1, "anna"), sealed(1, 2), progressed(1, 0, 0, 0, 0),
		imported(1, 1, "a", "A", "ada@example.com", ""), progressed(1, 1, 1, 0, 0))
	r := newHarness(t, t.TempDir(), log)
	r.catchUp()
	log.Add(imported(1, 2, strings.Repeat("x", bolt.MaxKeySize+1), "B", "", ""), finished(1, 2, 2, 0, 0),
		started(2, "anna"), sealed(2, 1), progressed(2, 0, 0, 0, 0), imported(2, 1, "a", "C", "", ""), finished(2, 1, 1, 0, 0))
	err := <-r.ended
	r.ended <- err
	if !errors.Is(err, berrors.ErrKeyTooLarge) {
		t.Fatalf("Run: %v", err)
	}
	if ready := r.Ready(t.Context()); !errors.Is(ready, err) {
		t.Errorf("Ready: %v", ready)
	}
	if at := r.Position(); at != 5 {
		t.Errorf("position %d, want 5", at)
	}
	check(t, r.WaitForID(t.Context(), 4))
	check(t, r.Read(t.Context(), func(views *Reader) error {
		if l, err := views.License(4); l == nil || err != nil {
			t.Errorf("a license that was stored: %v %v", l, err)
		}
		return nil
	}))
	if j, err := r.FindJob(t.Context(), 1); j == nil || err != nil {
		t.Errorf("an import that was stored: %v %v", j, err)
	}
	if err := r.WaitForID(t.Context(), 6); !errors.Is(err, ErrLagging) {
		t.Errorf("a license that was not stored: %v", err)
	}
	if err := r.WaitForUploads(t.Context()); !errors.Is(err, ErrLagging) {
		t.Errorf("an import that was not stored: %v", err)
	}
}
