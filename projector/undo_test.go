package projector

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// TestUndoIsSeenAtOnce: who was told that an undo has begun finds it, however far the views lag. Its
// progress is shown before it is committed, and its end when all of it can be read.
func TestUndoIsSeenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog(started(1, "anna"), sealed(1, 2), progressed(1, 0, 0, 0, 0),
			imported(1, 1, "psc", "A", "", ""), imported(1, 2, "psc", "B", "", ""), finished(1, 2, 2, 0, 0))
		r := newHarness(t, t.TempDir(), log)
		r.catchUp()
		if j, err := r.FindJob(t.Context(), 1); err != nil || j.Undo != nil || !j.Settled() {
			t.Fatalf("before the undo: %+v, %v", j, err)
		}
		log.Hold(7)
		log.Add(&events.UndoStarted{JobID: 1, Manager: "bert"}, revoked(4, "A"),
			&events.UndoProgressed{JobID: 1, Position: 4, UndoCounts: events.UndoCounts{Revoked: 1}})
		found := make(chan *Job, 1)
		go func() {
			j, err := r.FindJob(t.Context(), 1)
			check(t, err)
			found <- j
		}()
		synctest.Wait()
		select {
		case early := <-found:
			t.Fatalf("it did not wait: %+v", early)
		default:
		}
		log.Hold(0)
		if j := <-found; j.Undo == nil || j.Undo.Manager != "bert" || j.Settled() || !j.Ended() {
			t.Errorf("after the answer: %+v", j)
		}
		synctest.Wait()
		j, err := r.Job(1)
		check(t, err)
		if j.Undo.Revoked != 1 || j.UndoProgress() != 0.6 || j.Settled() || r.Position() >= 9 {
			t.Errorf("undo %+v, progress %v, committed %d", j.Undo, j.UndoProgress(), r.Position())
		}
		log.Add(revoked(5, "B"), &events.UndoFinished{JobID: 1, UndoCounts: events.UndoCounts{Revoked: 2}})
		r.catchUp()
		j, err = r.Job(1)
		check(t, err)
		if !j.Settled() || j.Undo.Revoked != 2 || j.UndoProgress() != 1 || j.Shown.Created != 2 || j.Moved != 11 {
			t.Errorf("after the undo: %+v %+v", j, j.Undo)
		}
		r.stop()
	})
}

// revoked takes back a license of import 1.
func revoked(id events.Seq, key string) *events.LicenseRevoked {
	return &events.LicenseRevoked{JobID: 1, Row: events.Row(id) - 3, LicenseKey: key, Product: events.Product{ShortCode: "psc"},
		Manager: "bert", Previous: id}
}

// TestUnknownLicense: an event that changes a license that never was, or is gone, stops the views as one
// that cannot be read, so that an operator may set it aside. One that names a wrong event before it is
// folded all the same: its key names the license.
func TestUnknownLicense(t *testing.T) {
	all := []events.Event{started(1, "anna"), sealed(1, 2), progressed(1, 0, 0, 0, 0), imported(1, 1, "psc", "A", "", ""),
		started(2, "anna"), sealed(2, 9), progressed(2, 0, 0, 0, 0)}
	made := imported(1, 1, "psc", "A", "", "")
	for name, test := range map[string]struct {
		e  events.Event
		ok bool
	}{
		"by its event":    {updatedTo(made, 2, 1, 4, "", ""), true},
		"by its key":      {updatedTo(made, 2, 1, 3, "", ""), true},
		"of another key":  {updatedTo(imported(1, 1, "psc", "B", "", ""), 2, 1, 3, "", ""), false},
		"another product": {updatedTo(imported(1, 1, "ps", "A", "", ""), 2, 1, 3, "", ""), false},
	} {
		l := newBatchWriter(openViews(t, t.TempDir()), maxBatchEvents)
		for _, m := range newMemLog(all...).Messages {
			check(t, l.apply(decoded(t, m)))
		}
		err := l.apply(decoded(t, newMemLog(append(all, test.e)...).Messages[len(all)]))
		if _, unreadable := errors.AsType[*eventlog.UnreadableEventError](err); unreadable == test.ok || (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
		l.overlay.Release()
		check(t, l.store.Close())
	}
}

// TestCannotFollow: what stops the views because of a license or an undo may be set aside, and nothing
// else.
func TestCannotFollow(t *testing.T) {
	made := imported(1, 1, "psc", "A", "", "")
	all := []events.Event{started(1, "anna"), sealed(1, 2), progressed(1, 0, 0, 0, 0), made,
		started(2, "anna"), sealed(2, 9), progressed(2, 0, 0, 0, 0)}
	undone := append(slices.Clone(all), finished(1, 1, 1, 0, 0), &events.UndoStarted{JobID: 1}, revoked(4, "A"))
	for name, test := range map[string]struct {
		before  []events.Event
		e       events.Event
		follows bool
	}{
		"an update":                     {all, updatedTo(made, 2, 1, 4, "", ""), true},
		"an update of another license":  {all, updatedTo(imported(1, 1, "psc", "B", "", ""), 2, 1, 4, "", ""), false},
		"an update after the end":       {undone, updatedTo(made, 1, 2, 4, "", ""), false},
		"an update of a gone license":   {undone, updatedTo(made, 2, 1, 10, "", ""), false},
		"an outcome after the end":      {undone, imported(1, 2, "psc", "C", "", ""), true},
		"an undo's outcome without one": {all, revoked(4, "A"), false},
		"a second undo":                 {undone, &events.UndoStarted{JobID: 1}, false},
		"an end":                        {undone, &events.UndoFinished{JobID: 1}, true},
	} {
		log := newMemLog(append(slices.Clone(test.before), test.e)...)
		if err := CannotFollow(t.Context(), log, log.Messages[len(test.before)]); (err == nil) != test.follows {
			t.Errorf("%s: %v", name, err)
		}
		l := newBatchWriter(openViews(t, t.TempDir()), maxBatchEvents)
		var err error
		for _, m := range log.Messages {
			err = errors.Join(err, l.apply(decoded(t, m)))
		}
		if (err == nil) != test.follows {
			t.Errorf("%s is folded: %v", name, err)
		}
		l.overlay.Release()
		check(t, l.store.Close())
	}
}

// TestRetries: an import of another one's rejected rows is noted at both, and so is a file that was
// imported before.
func TestRetries(t *testing.T) {
	retry := started(3, "anna")
	retry.RetryOf = 1
	retry.Ignored = []string{"Internal note"}
	withFile := func(id events.JobID, sha string) *events.ImportSealed {
		return &events.ImportSealed{JobID: id, Rows: 1, SHA256: sha}
	}
	r := newHarness(t, t.TempDir(), newMemLog(started(1, "anna"), withFile(1, "aa"), finished(1, 0, 0, 0, 0), started(2, "bert"), withFile(2, "bb"), retry, withFile(3, "cc"),
		started(4, "anna"), withFile(4, "aa"), started(5, "anna"), withFile(5, "aa"), started(6, "anna"), sealed(6, 1)))
	r.catchUp()
	for id, want := range map[events.JobID]Job{1: {RetriedBy: []events.JobID{3}}, 2: {}, 3: {RetryOf: 1}, 4: {SameFileAs: 1}, 5: {SameFileAs: 4}, 6: {}} {
		j, err := r.Job(id)
		check(t, err)
		if j.RetryOf != want.RetryOf || len(j.RetriedBy) != len(want.RetriedBy) || j.SameFileAs != want.SameFileAs {
			t.Errorf("import %d: %+v", id, j)
		}
		if id == 3 && (len(j.Ignored) != 1 || j.Existing != events.KeepExisting) {
			t.Errorf("import 3: %+v", j)
		}
	}
}
