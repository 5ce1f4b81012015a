package importjob

import (
	"cmp"

	"licenseimport/events"
)

// CanUndo is nil where the import may be taken back, and else a [*RefusedError]. Who may do so is not a
// question of the state. With [EndPending] the answer changes as soon as a processor has appended the
// ImportFinished of the cancelled import.
func (s State) CanUndo() error {
	switch {
	case s.Started == nil:
		return s.refuse(NotStarted, "")
	case !undoable(s.Started.Kind):
		return s.refuse(NoUndo, s.Started.Kind)
	case s.Started.DryRun:
		return s.refuse(WasDryRun, "")
	case s.Discarded():
		return s.refuse(NothingImported, "")
	case !s.Ended():
		return s.refuse(NotEnded, "")
	case s.Phase == Cancelled:
		return s.refuse(EndPending, "")
	case s.Phase == Undoing:
		return s.refuse(UndoRunning, s.UndoStarted.Manager)
	case s.Phase == Undone:
		return s.refuse(WasUndone, s.UndoStarted.Manager)
	}
	return nil
}

// undoable reports whether an import of a kind can be taken back. One of a kind that this version does not know
// cannot.
func undoable(kind string) bool {
	k := events.KindNamed(kind)
	return k != nil && k.Undoable
}

// Undo is the fact that has the import taken back as the manager wishes, or the refusal of
// [State.CanUndo].
func (s State) Undo(manager string) (events.Event, error) {
	if err := s.CanUndo(); err != nil {
		return nil, err
	}
	return &events.UndoStarted{JobID: s.Job, Manager: manager}, nil
}

// UndoRange is where the import's facts that are still to be taken back stand in the stream: after one
// sequence, up to another one. The import must be [Undoing].
func (s State) UndoRange() (after, to events.Seq) {
	return cmp.Or(s.UndoProgress.Position, s.SealedSeq), s.End.Seq
}

// CommitUndo is the fact that commits a batch after which the undo is at p: the new position, or, at the
// import's end, the undo's end.
func (s State) CommitUndo(p events.UndoProgressed) events.Event {
	if p.Position < s.End.Seq {
		return &p
	}
	return &events.UndoFinished{JobID: s.Job, UndoCounts: p.UndoCounts}
}

// StateSubjects lists the subjects of the facts that ingest reads beside an import's ImportStarted,
// ImportSealed and last fact: the last message of each completes the [State]. See the package's comment. They
// are in the order that [Fold] needs, between ImportSealed and the last fact. Read them after the last fact:
// they do not change any more.
func StateSubjects(last events.Event) []string {
	switch e := last.(type) {
	case *events.UndoStarted:
		return []string{finishedSubject(e.JobID)}
	case *events.UndoProgressed, *events.UndoFinished:
		return []string{finishedSubject(e.Job()), undoStartedSubject(e.Job())}
	}
	return nil
}

// StateSubjectsWithPositions are those of [StateSubjects], and those of the positions that a processor needs.
func StateSubjectsWithPositions(last events.Event) []string {
	switch e := last.(type) {
	case nil, *events.ImportStarted, *events.ImportSealed, *events.ImportProgressed:
		return nil
	case *events.UndoFinished:
		return append(append([]string{progressedSubject(e.JobID)}, StateSubjects(e)...), undoProgressedSubject(e.JobID))
	default:
		return append([]string{progressedSubject(e.Job())}, StateSubjects(e)...)
	}
}

func finishedSubject(job events.JobID) string { return (&events.ImportFinished{JobID: job}).Subject() }
func progressedSubject(job events.JobID) string {
	return (&events.ImportProgressed{JobID: job}).Subject()
}
func undoStartedSubject(job events.JobID) string { return (&events.UndoStarted{JobID: job}).Subject() }
func undoProgressedSubject(job events.JobID) string {
	return (&events.UndoProgressed{JobID: job}).Subject()
}
