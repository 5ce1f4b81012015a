package importjob

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
)

// The facts of import 1.
var (
	started    = &events.ImportStarted{JobID: 1, Manager: "ada", Mode: events.Partial}
	whole      = &events.ImportStarted{JobID: 1, Manager: "ada", Mode: events.AllOrNothing}
	dryRun     = &events.ImportStarted{JobID: 1, Manager: "ada", Mode: events.Partial, DryRun: true}
	sealed     = &events.ImportSealed{JobID: 1, Rows: 2, Bytes: 9, SHA256: "ab"}
	sealedNone = &events.ImportSealed{JobID: 1}
	aborted    = &events.ImportAborted{JobID: 1, Code: "timeout", Message: "too slow"}
	cancelled  = &events.ImportCancelled{JobID: 1, Manager: "bob"}
	validating = &events.ImportProgressed{JobID: 1, Phase: events.Validate}
	validated  = &events.ImportProgressed{JobID: 1, Phase: events.Validate, Row: 2, Position: 8}
	importing  = &events.ImportProgressed{JobID: 1, Phase: events.Import, Row: 1, Counts: one, Position: 7}
	rejected   = &events.RowRejected{JobID: 1, Row: 1}
	imported   = &events.LicenseImported{JobID: 1, Row: 2}
	existed    = &events.LicenseExisted{JobID: 1, Row: 2}
	one        = events.Counts{Imported: 1}
	finished   = &events.ImportFinished{JobID: 1, Status: events.Success}

	updated       = &events.LicenseUpdated{JobID: 1, Row: 2}
	proposed      = &events.LicenseUpdateProposed{JobID: 1, Row: 2}
	undoStarted   = &events.UndoStarted{JobID: 1, Manager: "eve"}
	undoing       = &events.UndoProgressed{JobID: 1, Position: 4, UndoCounts: events.UndoCounts{Revoked: 1}}
	undoneFurther = &events.UndoProgressed{JobID: 1, Position: 5, UndoCounts: events.UndoCounts{Revoked: 1, Restored: 1}}
	revoked       = &events.LicenseRevoked{JobID: 1, Row: 1}
	restored      = &events.LicenseRestored{JobID: 1, Row: 2}
	kept          = &events.LicenseKept{JobID: 1, Row: 2}
	undone        = &events.UndoFinished{JobID: 1, UndoCounts: events.UndoCounts{Revoked: 1}}
)

// facts numbers events from 1.
func facts(history ...events.Event) []Fact {
	all := make([]Fact, len(history))
	for i, e := range history {
		all[i] = Fact{Event: e, Seq: events.Seq(i + 1), Time: time.Unix(int64(i), 0)}
	}
	return all
}

func after(t *testing.T, history ...events.Event) State {
	t.Helper()
	s, err := Fold(1, facts(history...)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFold(t *testing.T) {
	s := after(t, started, sealed, importing, imported)
	last := facts(nil, nil, importing)[2]
	want := State{Job: 1, Phase: Importing, Started: started, Sealed: sealed, SealedSeq: 2, Progress: *importing, Last: last}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("%+v, want %+v", s, want)
	}
	if s := after(t); !reflect.DeepEqual(s, State{Job: 1}) || s.Ended() {
		t.Errorf("without facts: %+v", s)
	}
}

// TestDiscarded: only what can never be sealed any more. The rows of a discarded import are purged.
func TestDiscarded(t *testing.T) {
	for _, tt := range []struct {
		history   []events.Event
		discarded bool
	}{
		{nil, false}, {[]events.Event{started}, false},
		{[]events.Event{aborted}, true}, {[]events.Event{started, aborted}, true}, {[]events.Event{started, cancelled}, true},
		{[]events.Event{started, sealed}, false}, {[]events.Event{started, sealed, importing}, false},
		{[]events.Event{started, sealed, cancelled}, false}, {[]events.Event{started, sealed, cancelled, finished}, false},
		{[]events.Event{started, sealed, finished}, false},
	} {
		s := after(t, tt.history...)
		if s.Discarded() != tt.discarded || s.Discarded() && (s.CanSeal() == nil || s.Sealed != nil) {
			t.Errorf("%v: discarded %v", s.Phase, s.Discarded())
		}
	}
}

// TestFoldOfAnUndo: an undo changes nothing of what the import was.
func TestFoldOfAnUndo(t *testing.T) {
	history := []events.Event{started, sealed, importing, cancelled, finished, undoStarted, undoing, revoked, undone}
	s := after(t, history...)
	all := facts(history...)
	want := State{
		Job: 1, Phase: Undone, Started: started, Sealed: sealed, SealedSeq: 2, Progress: *importing, End: all[4],
		UndoStarted: undoStarted, UndoProgress: *undoing, Last: all[8],
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("%+v, want %+v", s, want)
	}
}

// TestFoldSkips: what a reader did not find, and the last fact where it was read by its subject,
// too.
func TestFoldSkips(t *testing.T) {
	all := facts(started, sealed)
	s, err := Fold(1, all[0], all[1], Fact{}, all[1])
	if err != nil || s.Phase != Sealed || s.Last != all[1] {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestApplyLeavesTheStateOnErrors(t *testing.T) {
	s := after(t, started, sealed)
	before := s
	err := s.Apply(Fact{Event: aborted, Seq: 9})
	refused, ok := errors.AsType[*TransitionError](err)
	if !ok || *refused != (TransitionError{1, Sealed, "ImportAborted", 9}) {
		t.Errorf("%v", err)
	}
	if want := "import 1: ImportAborted at sequence 9 cannot follow in the phase Sealed"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if err := s.Apply(Fact{Event: &events.ImportCancelled{JobID: 2}, Seq: 9}); err == nil {
		t.Error("a fact of another import was applied")
	}
	if s != before {
		t.Errorf("%+v, want %+v", s, before)
	}
}

// TestHistoriesInPart: for every possible history up to a length, the facts that ingest and
// processor read give the answers of the whole history.
func TestHistoriesInPart(t *testing.T) {
	tried := map[Phase]int{}
	var extend func(history []events.Event)
	extend = func(history []events.Event) {
		all := facts(history...)
		s, err := Fold(1, all...)
		if err != nil {
			return // it cannot be
		}
		tried[s.Phase]++
		compareParts(t, s, all)
		if len(history) == 8 {
			return
		}
		for _, e := range []events.Event{started, whole, dryRun, sealed, sealedNone, aborted, cancelled,
			validating, validated, importing, rejected, imported, existed, updated, proposed, finished,
			undoStarted, undoing, undoneFurther, revoked, restored, kept, undone} {
			extend(append(slices.Clip(history), e))
		}
	}
	extend(nil)
	for _, phase := range Phases() {
		if tried[phase] == 0 {
			t.Errorf("no history ends in the phase %s", phase)
		}
	}
}

func compareParts(t *testing.T, whole State, all []Fact) {
	t.Helper()
	last := lastOf(all, func(e events.Event) bool { return strings.HasPrefix(e.Subject(), "imports.") })
	read := func(subjects []string) []Fact {
		found := []Fact{lastOf(all, is[*events.ImportStarted]), lastOf(all, is[*events.ImportSealed])}
		for _, subject := range subjects {
			found = append(found, lastOf(all, func(e events.Event) bool { return e.Subject() == subject }))
		}
		return append(found, last)
	}
	ingest, err := Fold(1, read(StateSubjects(last.Event))...)
	if err != nil || !reflect.DeepEqual(answers(ingest), answers(whole)) {
		t.Fatalf("%s: ingest has %+v, %v; the whole is %+v", describe(all), ingest, err, whole)
	}
	if whole.Sealed == nil {
		return // no processor has it
	}
	processor, err := Fold(1, read(StateSubjectsWithPositions(last.Event))...)
	if err != nil || processor != whole {
		t.Fatalf("%s: the processor has %+v, %v; the whole is %+v", describe(all), processor, err, whole)
	}
}

func is[E events.Event](e events.Event) bool { _, ok := e.(E); return ok }

// lastOf is the last fact that matches, or none.
func lastOf(all []Fact, match func(events.Event) bool) Fact {
	for _, f := range slices.Backward(all) {
		if match(f.Event) {
			return f
		}
	}
	return Fact{}
}

// answers is all that ingest asks of a state.
func answers(s State) []any {
	cancel, cannotCancel := s.Cancel("eve")
	seal, cannotSeal := s.Seal(sealed)
	undo, cannotUndo := s.Undo("eve")
	return []any{
		s.Phase, s.Started, s.Sealed, s.Last, s.Ended(), s.Interrupted(),
		cancel, cannotCancel, seal, cannotSeal, s.Abort(aborted), undo, cannotUndo, s.End, s.UndoStarted,
		s.KeyState(time.Hour, time.Minute), s.KeyState(0, time.Minute), s.SameUpload(events.Licenses, "", 9, "ab"),
	}
}

func describe(all []Fact) (text string) {
	for _, f := range all {
		text += f.Event.ID() + " "
	}
	return text
}
