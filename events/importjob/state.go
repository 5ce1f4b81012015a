package importjob

import (
	"fmt"
	"time"

	"licenseimport/events"
)

// Fact is one event of an import as the stream holds it.
type Fact struct {
	Event events.Event // nil: there is no such fact
	Seq   events.Seq   // in the stream of facts
	Time  time.Time    // the stream's time; zero where the reader does not know it
}

// State is what the facts of one import say. The zero State with a Job is an import without facts.
// A copy of a State is independent of the original; the events behind its pointers do not change.
type State struct {
	Job       events.JobID
	Phase     Phase
	Started   *events.ImportStarted   // nil: not started
	Sealed    *events.ImportSealed    // nil: not sealed
	SealedSeq events.Seq              // of the ImportSealed
	Progress  events.ImportProgressed // the last one; zero before the first
	// End is the last fact with which the import itself ended: an ImportFinished, or before one, or without
	// one, an ImportCancelled or ImportAborted. Without an event: it has not ended. No undo changes it.
	End          Fact
	UndoStarted  *events.UndoStarted   // nil: nobody has asked for an undo
	UndoProgress events.UndoProgressed // the last one; zero before the first
	Last         Fact                  // the last fact of the import itself, outcomes of rows excluded
}

// Fold applies facts, in the order of their sequences, to an import without facts. It skips a fact
// without an event, and one that it has applied already: the last fact may be the ImportSealed,
// too.
func Fold(job events.JobID, facts ...Fact) (State, error) {
	s := State{Job: job}
	for _, f := range facts {
		if f.Event == nil || s.Last.Event != nil && f.Seq == s.Last.Seq {
			continue
		}
		if err := s.Apply(f); err != nil {
			return s, err
		}
	}
	return s, nil
}

// Apply adds the fact that follows. It fails, and leaves the state as it is, with a
// [*TransitionError] if the event is unknown or cannot follow, and with another error if it belongs
// to another import.
func (s *State) Apply(f Fact) error {
	if job := f.Event.Job(); job != s.Job {
		return fmt.Errorf("import %d: %s at sequence %d belongs to import %d", s.Job, f.Event.Type(), f.Seq, job)
	}
	next, err := s.Phase.After(f.Event)
	if err != nil {
		return &TransitionError{Job: s.Job, Phase: s.Phase, Event: trigger(f.Event), Seq: f.Seq}
	}
	if events.IsRowOutcome(f.Event) || events.IsUndoOutcome(f.Event) {
		return nil // it is appended at another subject: appends to the import do not expect it
	}
	switch e := f.Event.(type) {
	case *events.ImportStarted:
		s.Started = e
	case *events.ImportSealed:
		s.Sealed, s.SealedSeq = e, f.Seq
	case *events.ImportProgressed:
		s.Progress = *e
	case *events.ImportFinished, *events.ImportCancelled, *events.ImportAborted:
		s.End = f
	case *events.UndoStarted:
		s.UndoStarted = e
	case *events.UndoProgressed:
		s.UndoProgress = *e
	}
	s.Phase, s.Last = next, f
	return nil
}

// Ended reports whether the import is over: see [Phase.Ended].
func (s State) Ended() bool { return s.Phase.Ended() }

// Discarded reports whether the import ended before its seal. It cannot be sealed any more, nothing
// of it is imported, and nobody needs its rows.
func (s State) Discarded() bool { return s.Phase == Aborted || s.Phase == UploadCancelled }
