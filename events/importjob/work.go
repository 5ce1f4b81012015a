package importjob

import (
	"fmt"

	"licenseimport/events"
)

// Step is what a processor does next with an import.
type Step uint8

// The steps of a processor.
const (
	Done        Step = iota // nothing is left to do
	AppendFact              // append one fact, then ask again
	ProcessRows             // judge the rows after the position, up to the end of the phase
	ProcessUndo             // take back the facts of State.UndoRange
)

// Next is the processor's next step and the fact that begins it: of AppendFact the fact to append,
// of ProcessRows the ImportProgressed that begins a phase, or nil within a phase. It fails where
// the import is not sealed: no processor may have it.
func (s State) Next() (Step, events.Event, error) {
	switch s.Phase {
	case Sealed:
		if s.Sealed.Rows == 0 {
			return AppendFact, s.finished(events.Success, nil, s.Progress), nil
		}
		return ProcessRows, &events.ImportProgressed{JobID: s.Job, Phase: s.firstPhase()}, nil
	case Validating:
		if s.Progress.Row == s.Sealed.Rows {
			return ProcessRows, &events.ImportProgressed{JobID: s.Job, Phase: events.Import}, nil
		}
		return ProcessRows, nil, nil
	case Importing:
		return ProcessRows, nil, nil
	case Cancelled:
		imported := s.Progress.Imported+s.Progress.Updated > 0
		return AppendFact, s.finished(events.Failed, FailureOf(s.Last.Event, imported), s.Progress), nil
	case Undoing:
		return ProcessUndo, nil, nil
	case Finished, UploadCancelled, Aborted, Undone:
		return Done, nil, nil
	}
	return Done, nil, fmt.Errorf("import %d is in the phase %s: it cannot be processed", s.Job, s.Phase)
}

func (s State) firstPhase() events.Phase {
	if s.Started.DryRun || s.Started.Mode == events.AllOrNothing {
		return events.Validate
	}
	return events.Import
}

// Commit is the fact that commits a batch after which the import is at p: the new position, or,
// after the last row of the last phase, the end.
func (s State) Commit(p events.ImportProgressed) events.Event {
	if p.Row < s.Sealed.Rows {
		return &p
	}
	switch {
	case s.Started.Mode == events.AllOrNothing && p.Rejected > 0:
		p.WouldImport, p.WouldUpdate, p.WouldExist = 0, 0, 0
		return s.finished(events.Failed, rejectedRows(p.Rejected, p.Row), p)
	case p.Phase == events.Validate && !s.Started.DryRun:
		return &p
	default:
		return s.finished(events.Success, nil, p)
	}
}

// RowsMissing is the fact that ends an import whose stream of rows ends before the sealed number.
func (s State) RowsMissing() events.Event {
	return s.finished(events.Failed, rowsMissing(s.Progress.Row, s.Sealed.Rows), s.Progress)
}

func (s State) finished(status events.Status, failure *events.Failure, p events.ImportProgressed) events.Event {
	return &events.ImportFinished{JobID: s.Job, Status: status, Error: failure, Row: p.Row, Counts: p.Counts}
}
