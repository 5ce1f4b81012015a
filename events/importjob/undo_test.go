package importjob

import (
	"testing"

	"licenseimport/events"
)

func TestUndo(t *testing.T) {
	customers := &events.ImportStarted{JobID: 1, Manager: "ada", Mode: events.Partial, Kind: "customers"}
	licenses := &events.ImportStarted{JobID: 1, Manager: "ada", Mode: events.Partial, Kind: "licenses"}
	failed := &events.ImportFinished{JobID: 1, Status: events.Failed}
	for name, tt := range map[string]struct {
		history []events.Event
		refused Reason
	}{
		"unknown":                     {nil, NotStarted},
		"aborted before its start":    {[]events.Event{aborted}, NotStarted},
		"uploading":                   {[]events.Event{started}, NotEnded},
		"sealed":                      {[]events.Event{started, sealed}, NotEnded},
		"importing":                   {[]events.Event{started, sealed, importing}, NotEnded},
		"aborted":                     {[]events.Event{started, aborted}, NothingImported},
		"cancelled while uploading":   {[]events.Event{started, cancelled}, NothingImported},
		"cancelled":                   {[]events.Event{started, sealed, importing, cancelled}, EndPending},
		"cancelled and ended":         {[]events.Event{started, sealed, importing, cancelled, finished}, ""},
		"finished":                    {[]events.Event{started, sealed, finished}, ""},
		"failed":                      {[]events.Event{started, sealed, failed}, ""},
		"all or nothing":              {[]events.Event{whole, sealed, validated, importing, finished}, ""},
		"of the kind licenses":        {[]events.Event{licenses, sealed, finished}, ""},
		"of customers":                {[]events.Event{customers, sealed, finished}, NoUndo},
		"a dry run":                   {[]events.Event{dryRun, sealed, validating, finished}, WasDryRun},
		"a dry run that is uploading": {[]events.Event{dryRun}, WasDryRun},
		"being undone":                {[]events.Event{started, sealed, finished, undoStarted, undoing}, UndoRunning},
		"undone":                      {[]events.Event{started, sealed, finished, undoStarted, undone}, WasUndone},
	} {
		t.Run(name, func(t *testing.T) {
			s := after(t, tt.history...)
			fact, err := s.Undo("bob")
			if reasonOf(t, err) != tt.refused || (fact == nil) != (tt.refused != "") {
				t.Fatalf("%v, %v", fact, err)
			}
			if fact != nil && *fact.(*events.UndoStarted) != (events.UndoStarted{JobID: 1, Manager: "bob"}) {
				t.Errorf("%+v", fact)
			}
			if err := s.CanCancel(); s.Ended() && err == nil {
				t.Error("an import that has ended can be cancelled")
			}
		})
	}
	for want, s := range map[string]State{
		"import 1: refused: undo running: eve":  after(t, started, sealed, finished, undoStarted),
		"import 1: refused: undone: eve":        after(t, started, sealed, finished, undoStarted, undone),
		"import 1: refused: no undo: customers": after(t, customers, sealed, finished),
	} {
		if err := s.CanUndo(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestUndoRange: an undo passes what the import appended, from its seal to its end, and continues after its
// position.
func TestUndoRange(t *testing.T) {
	history := []events.Event{started, sealed, importing, imported, cancelled, finished, undoStarted}
	s := after(t, history...)
	if from, to := s.UndoRange(); from != 2 || to != 6 {
		t.Errorf("after %d up to %d, want 2 and 6", from, to)
	}
	s = after(t, append(history, undoing)...)
	if from, to := s.UndoRange(); from != undoing.Position || to != 6 {
		t.Errorf("after a position: after %d up to %d", from, to)
	}
	next := events.UndoProgressed{JobID: 1, Position: 5, UndoCounts: events.UndoCounts{Revoked: 2, Kept: 1}}
	if got, ok := s.CommitUndo(next).(*events.UndoProgressed); !ok || *got != next {
		t.Errorf("%+v, want %+v", got, next)
	}
	next.Position = 6
	if got, ok := s.CommitUndo(next).(*events.UndoFinished); !ok || *got != (events.UndoFinished{JobID: 1, UndoCounts: next.UndoCounts}) {
		t.Errorf("at the end: %+v", got)
	}
}
