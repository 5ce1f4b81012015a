package processor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// importRows imports rows as a job and returns its end.
func (h *harness) importRows(start events.ImportStarted, rows []row) *events.ImportFinished {
	h.Helper()
	h.upload(start, rows, len(rows))
	return h.run(start.JobID)[0]
}

// askUndo appends the request to undo an import that has ended.
func (h *harness) askUndo(job events.JobID) {
	h.Helper()
	last, _, err := h.log.LastFact(h.Context(), job)
	if err != nil {
		h.Fatal(err)
	}
	h.append(&events.UndoStarted{JobID: job, Manager: "eve"}, last.Seq)
}

// undo undoes an import with one processor.
func (h *harness) undo(job events.JobID) *events.UndoFinished {
	h.Helper()
	h.askUndo(job)
	stop := h.start(h.p)
	defer stop()
	return h.awaitUndo(job)
}

// start runs a processor until stop is called.
func (h *harness) start(p *Processor) (stop func()) {
	ctx, cancel := context.WithCancel(h.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	return func() { cancel(); running.Wait() }
}

func (h *harness) awaitUndo(job events.JobID) *events.UndoFinished {
	h.Helper()
	subject := (&events.UndoFinished{JobID: job}).Subject()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		fact, err := readFact(h.Context(), h.log, subject)
		if err != nil {
			h.Fatal(err)
		}
		if end, ok := fact.Event.(*events.UndoFinished); ok {
			return end
		}
		time.Sleep(2 * time.Millisecond) // the poll interval
	}
	h.Fatalf("the undo of job %d did not end", job)
	return nil
}

// checkStories replays the stream: each event of a license follows the one that it names, and each outcome of
// an undo is what the undo has to decide at this place of the stream. Each first event of a chain of an import
// that was undone has one outcome, and the undo counts them. It returns the licenses as they are.
func (h *harness) checkStories() map[string]Aggregate {
	h.Helper()
	c := storyCheck{harness: h, stories: map[string][]Aggregate{}, undo: map[events.JobID]*checkedUndo{}}
	h.eachFact(func(m eventlog.Message, e events.Event) { c.add(Aggregate{Last: e, Seq: m.Seq}) })
	now := map[string]Aggregate{}
	for subject, all := range c.stories {
		now[subject] = all[len(all)-1]
	}
	return now
}

// checkedUndo is an undo as far as the stream was replayed.
type checkedUndo struct {
	outcomes map[events.Row]string
	counts   events.UndoCounts
}

type storyCheck struct {
	*harness
	stories map[string][]Aggregate
	undo    map[events.JobID]*checkedUndo
}

func (c *storyCheck) add(l Aggregate) {
	c.Helper()
	switch e := l.Last.(type) {
	case *events.LicenseImported, *events.LicenseUpdated:
		if c.undo[e.Job()] != nil {
			c.Errorf("%s follows the undo", e.ID())
		}
		c.extend(l)
	case *events.LicenseRevoked:
		c.outcome(l, e.Row)
		c.extend(l)
	case *events.LicenseRestored:
		c.outcome(l, e.Row)
		c.extend(l)
	case *events.LicenseKept:
		c.outcome(l, e.Row)
	case *events.UndoStarted:
		if c.undo[e.JobID] != nil {
			c.Errorf("import %d is undone twice", e.JobID)
		}
		c.undo[e.JobID] = &checkedUndo{outcomes: map[events.Row]string{}}
	case *events.UndoFinished:
		if got := c.undo[e.JobID].counts; got != e.UndoCounts {
			c.Errorf("undo of import %d counts %+v, and has %+v", e.JobID, e.UndoCounts, got)
		}
		c.checkComplete(e.JobID)
	}
}

// extend adds an event at a license's subject.
func (c *storyCheck) extend(l Aggregate) {
	c.Helper()
	subject := l.Last.Subject()
	story := c.stories[subject]
	var last Aggregate
	if len(story) > 0 {
		last = story[len(story)-1]
	}
	_, exists := events.StateAfter(last.Last)
	if _, imported := l.Last.(*events.LicenseImported); imported == exists ||
		!imported && events.Follows(l.Last) != last.Seq {
		c.Errorf("%s at %d follows %d of %s, where the license exists: %v", l.Last.ID(), l.Seq, last.Seq, subject, exists)
	}
	c.stories[subject] = append(story, l)
}

// outcome compares an outcome of an undo with what the undo would decide now.
func (c *storyCheck) outcome(l Aggregate, row events.Row) {
	c.Helper()
	u := c.undo[l.Last.Job()]
	if u == nil {
		c.Fatalf("%s without an undo", l.Last.ID())
	}
	if other := u.outcomes[row]; other != "" {
		c.Errorf("row %d of import %d has the outcomes %s and %s", row, l.Last.Job(), other, l.Last.ID())
	}
	u.outcomes[row] = l.Last.ID()
	countUndo(&u.counts, l.Last.(events.Outcome))
	subject := l.Last.Subject()
	if kept, ok := l.Last.(*events.LicenseKept); ok {
		subject = events.LicenseSubject(kept.Product.ShortCode, kept.LicenseKey)
	}
	var want []string
	for _, o := range undoOf(c.TB, c.stories[subject], l.Last.Job()) {
		if o.event != nil {
			want = append(want, o.event.ID())
		}
	}
	if !slices.Contains(want, l.Last.ID()) {
		c.Errorf("%s at sequence %d, want one of %v; the license's story: %s", l.Last.ID(), l.Seq, want, describeStory(c.stories[subject]))
	}
}

// checkComplete fails for an event of the import that an undo has left out.
func (c *storyCheck) checkComplete(job events.JobID) {
	c.Helper()
	for _, story := range c.stories {
		for i, l := range story {
			e := l.Last
			if events.RowOf(e).JobID != job || strings.HasPrefix(e.Type(), "LicenseRe") || c.undo[job].outcomes[events.RowOf(e).Row] != "" {
				continue
			}
			if rows := standing(story[:i]); len(rows) == 0 || rows[len(rows)-1].Last.Job() != job {
				c.Errorf("the undo of import %d has left out %s of %s", job, e.ID(), describeStory(story))
			}
		}
	}
}

// left are the keys of the licenses that exist, with the notes that they have.
func left(now map[string]Aggregate) []string {
	var keys []string
	for _, l := range now {
		if state, exists := events.StateAfter(l.Last); exists {
			keys = append(keys, fmt.Sprint(state.License.Key, " ", *state.License.MaxActivations))
		}
	}
	slices.Sort(keys)
	return keys
}

// TestUndo: what an import made is revoked, what it changed is restored, what others changed is kept. The key
// of a revoked license is free.
func TestUndo(t *testing.T) {
	h := newHarness(t)
	rows := keys(2500, "K")
	h.importRows(events.ImportStarted{JobID: 1, Mode: events.Partial}, append(rows[:2400:2400], row{"bad", "many"}, rows[7]))
	h.importRows(updating(2), with(append(rows[2300:2500:2500], rows[2300], rows[2450]), "5", 1))
	if end := h.undo(1); end.UndoCounts != (events.UndoCounts{Revoked: 2300, Kept: 100}) {
		t.Errorf("undo of the first: %+v", end)
	}
	now := h.checkStories()
	if got := left(now); len(got) != 200 || got[0] != "K02300 5" || got[199] != "K02499 5" {
		t.Errorf("%d left: %s … %s", len(got), got[0], got[len(got)-1])
	}
	if end := h.importRows(events.ImportStarted{JobID: 3, Mode: events.Partial}, rows[:10]); end.Imported != 10 {
		t.Errorf("imported again: %+v", end)
	}
	if end := h.undo(2); end.UndoCounts != (events.UndoCounts{Revoked: 100, Restored: 100}) {
		t.Errorf("undo of the second: %+v", end)
	}
	got := left(h.checkStories())
	if len(got) != 110 || got[0] != "K00000 1" || got[10] != "K02300 1" {
		t.Errorf("%d left: %v …", len(got), got[:11])
	}
}

// TestUndoInReverseTakesEverythingBack: of imports of the same licenses, the last one first.
func TestUndoInReverseTakesEverythingBack(t *testing.T) {
	h := newHarness(t)
	rows := keys(1500, "K")
	h.importRows(events.ImportStarted{JobID: 1, Mode: events.Partial}, rows)
	h.importRows(updating(2), with(rows[:1200], "5", 1))
	h.importRows(updating(3), append(with(rows[:1000], "6", 1), with(rows[:1000], "7", 1)...))
	for _, u := range []struct {
		job  events.JobID
		want events.UndoCounts
		left string
	}{{3, events.UndoCounts{Restored: 1000}, "K00000 5"}, {2, events.UndoCounts{Restored: 1200}, "K00000 1"}, {1, events.UndoCounts{Revoked: 1500}, ""}} {
		if end := h.undo(u.job); end.UndoCounts != u.want {
			t.Errorf("undo of %d: %+v", u.job, end)
		}
		got := append(left(h.checkStories()), "")
		if got[0] != u.left {
			t.Errorf("after the undo of %d: %s, want %s", u.job, got[0], u.left)
		}
	}
}

// TestUndoOfOtherEnds: imports that imported nothing, or all or nothing, or were cancelled in the middle.
func TestUndoOfOtherEnds(t *testing.T) {
	h := newHarness(t)
	h.importRows(events.ImportStarted{JobID: 1, Mode: events.AllOrNothing}, keys(1200, "K"))
	h.importRows(events.ImportStarted{JobID: 2, Mode: events.Partial}, keys(1200, "K"))
	h.importRows(events.ImportStarted{JobID: 3, Mode: events.AllOrNothing}, []row{good("new"), {"bad", "many"}})
	for job, want := range map[events.JobID]events.UndoCounts{2: {}, 3: {}, 1: {Revoked: 1200}} {
		if end := h.undo(job); end.UndoCounts != want {
			t.Errorf("undo of %d: %+v, want %+v", job, end, want)
		}
	}
	h.upload(events.ImportStarted{JobID: 4, Mode: events.Partial}, keys(40_000, "C"), 40_000)
	var cancelling sync.WaitGroup
	cancelling.Go(func() { h.cancelOnceRunning(4) })
	cancelled := h.run(4)[0]
	cancelling.Wait()
	if cancelled.Error == nil || cancelled.Error.Code != "cancelled" || cancelled.Imported == 0 {
		t.Fatalf("ended as %+v", cancelled)
	}
	if end := h.undo(4); end.UndoCounts != (events.UndoCounts{Revoked: cancelled.Imported}) {
		t.Errorf("undo of a cancelled import: %+v, want %d", end, cancelled.Imported)
	}
	if got := left(h.checkStories()); len(got) > 0 {
		t.Errorf("%d licenses are left", len(got))
	}
}

// TestUndoStoppedAndResumed: several processors that are stopped in the middle have the result of one that is
// not.
func TestUndoStoppedAndResumed(t *testing.T) {
	h := newHarness(t)
	rows := keys(6_000, "K")
	h.importRows(events.ImportStarted{JobID: 1, Mode: events.Partial}, rows[:3000])
	h.importRows(updating(2), with(rows, "2", 1))
	h.importRows(updating(3), with(rows[:50], "3", 1))
	h.askUndo(2)
	for i := range 8 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(10+10*i)*time.Millisecond)
		New(h.log, Config{}).Run(ctx)
		cancel()
	}
	stop := h.start(h.p)
	defer stop()
	if end := h.awaitUndo(2); end.UndoCounts != (events.UndoCounts{Revoked: 3000, Restored: 2950, Kept: 50}) {
		t.Errorf("%+v", end)
	}
	if got := left(h.checkStories()); len(got) != 3000 {
		t.Errorf("%d licenses are left", len(got))
	}
}

// TestUndoByTwoProcessors: two processors that have the same undo never do it twice.
func TestUndoByTwoProcessors(t *testing.T) {
	h := newHarness(t)
	h.importRows(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(8_000, "K"))
	h.askUndo(1)
	lease, _, err := h.log.Fact(t.Context(), (&events.UndoStarted{JobID: 1}).Subject())
	if err != nil {
		t.Fatal(err)
	}
	var working sync.WaitGroup
	for range 3 {
		working.Go(func() { _ = New(h.log, Config{}).process(h.Context(), lease) })
	}
	working.Wait()
	if end := h.awaitUndo(1); end.UndoCounts != (events.UndoCounts{Revoked: 8_000}) {
		t.Errorf("%+v", end)
	}
	h.checkStories()
}

// TestUndoThatTheLeaderLacks: a processor has the lease of an undo, delivered by one replica. The leader's store lags:
// there the import has ended, and no undo is asked for. The lease does not end as done.
func TestUndoThatTheLeaderLacks(t *testing.T) {
	h := newHarness(t)
	h.importRows(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(10, "K"))
	state, err := h.log.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	undo := &events.UndoStarted{JobID: 1, Manager: "eve"}
	lease := eventlog.Message{Subject: undo.Subject(), Seq: state.Last + 1, Data: h.encode(undo)}
	if err := h.p.process(t.Context(), lease); err == nil || h.p.Ready() != nil {
		t.Errorf("the undo counts as done: %v; ready: %v", err, h.p.Ready())
	}
	h.askUndo(1)
	if err := h.p.process(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	if end := h.awaitUndo(1); end.UndoCounts != (events.UndoCounts{Revoked: 10}) {
		t.Errorf("%+v", end)
	}
}

// TestTornUndo: the stream holds outcomes of an undo's batch without its position, and other imports have
// changed licenses since. Each event gets one outcome and is counted once.
func TestTornUndo(t *testing.T) {
	h := newHarness(t)
	rows := keys(1500, "K")
	h.importRows(events.ImportStarted{JobID: 1, Mode: events.Partial}, rows)
	h.importRows(updating(2), with(rows, "2", 1))
	h.importRows(updating(3), with(rows[10:20], "3", 1))
	h.askUndo(2)
	j, err := h.p.load(t.Context(), 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	var facts []Aggregate
	for i, e := range h.history() {
		if updated, ok := e.(*events.LicenseUpdated); ok && updated.JobID == 2 {
			facts = append(facts, Aggregate{Last: e, Seq: events.Seq(i + 1)})
		}
	}
	u := &undoRun{p: h.p, job: j, start: *j, pace: new(undoPace)}
	outcomes, err := u.decide(t.Context(), undoBatch{facts: facts[:700], first: true})
	if err != nil {
		t.Fatal(err)
	}
	var torn []events.Event // all of the batch but its position
	for _, o := range outcomes {
		torn = append(torn, o.event)
	}
	h.commit(2, torn[:len(torn)-1], torn[len(torn)-1], j.Last.Seq)
	h.importRows(updating(4), with(rows[30:40], "4", 1))
	stop := h.start(h.p)
	defer stop()
	if end := h.awaitUndo(2); end.UndoCounts != (events.UndoCounts{Restored: 1490, Kept: 10}) {
		t.Errorf("%+v", end)
	}
	h.checkStories()
}
