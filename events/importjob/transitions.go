//go:generate go run ./internal/gen ../..
package importjob

import (
	"fmt"
	"slices"

	"licenseimport/events"
)

// Phase is where an import stands. It follows from the import's facts alone.
type Phase uint8

// The phases of an import.
const (
	None            Phase = iota // no fact: at most the id is reserved and rows are stored
	Uploading                    // started; rows arrive
	Sealed                       // every row is stored; no processor has begun
	Validating                   // rows are judged, licenses are not made
	Importing                    // rows are judged and licenses made
	Cancelled                    // ended by a manager after its seal; a processor appends the ImportFinished
	Finished                     // ended by a processor
	UploadCancelled              // ended by a manager before its seal: nothing is imported
	Aborted                      // ended by ingest before its seal: nothing is imported
	Undoing                      // it has ended, and a processor takes it back
	Undone                       // it was taken back
)

var phaseNames = [...]string{
	"None", "Uploading", "Sealed", "Validating", "Importing", "Cancelled", "Finished", "UploadCancelled", "Aborted", "Undoing", "Undone",
}

// String is the phase's name, as in the diagram.
func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return fmt.Sprintf("Phase(%d)", p)
}

// Phases lists all phases, in the order of an import.
func Phases() []Phase {
	all := make([]Phase, len(phaseNames))
	for i := range all {
		all[i] = Phase(i)
	}
	return all
}

// Ended reports whether the import is over for managers and readers. A Cancelled import is,
// although its ImportFinished may still come.
func (p Phase) Ended() bool {
	switch p {
	case Cancelled, Finished, UploadCancelled, Aborted, Undoing, Undone:
		return true
	}
	return false
}

// Transition says that an event leads from one phase to another, or leaves the import in its phase.
type Transition struct {
	From Phase
	On   string // the event's type; of an ImportProgressed also the phase that it commits
	To   Phase
}

// An ImportProgressed means something else in each phase of a processor.
const (
	progressedValidate = "ImportProgressed (validate)"
	progressedImport   = "ImportProgressed (import)"
)

// transitions is the table of all that can happen to an import. A combination that it does not list
// cannot be. Readers of a few facts skip the events in between, so Sealed leads to every later
// phase.
var transitions = []Transition{
	{None, "ImportStarted", Uploading},
	{None, "ImportAborted", Aborted}, // the upload broke off before its start, which cannot come any more

	{Uploading, "ImportSealed", Sealed},
	{Uploading, "ImportCancelled", UploadCancelled},
	{Uploading, "ImportAborted", Aborted},

	{Sealed, progressedValidate, Validating},
	{Sealed, progressedImport, Importing},
	{Sealed, "ImportCancelled", Cancelled},
	{Sealed, "ImportFinished", Finished},

	{Validating, progressedValidate, Validating},
	{Validating, "RowRejected", Validating},
	{Validating, "LicenseUpdateProposed", Validating},
	{Validating, "LicenseFeatureUpdateProposed", Validating},
	{Validating, "CustomerImportProposed", Validating},
	{Validating, progressedImport, Importing},
	{Validating, "ImportCancelled", Cancelled},
	{Validating, "ImportFinished", Finished},

	{Importing, progressedImport, Importing},
	{Importing, "LicenseImported", Importing},
	{Importing, "LicenseUpdated", Importing},
	{Importing, "LicenseExisted", Importing},
	{Importing, "LicenseFeatureImported", Importing},
	{Importing, "LicenseFeatureUpdated", Importing},
	{Importing, "LicenseFeatureExisted", Importing},
	{Importing, "CustomerImported", Importing},
	{Importing, "RowRejected", Importing},
	{Importing, "ImportCancelled", Cancelled},
	{Importing, "ImportFinished", Finished},

	{Cancelled, "ImportFinished", Finished},

	{Finished, "UndoStarted", Undoing},
	{Undoing, "UndoProgressed", Undoing},
	{Undoing, "LicenseRevoked", Undoing},
	{Undoing, "LicenseRestored", Undoing},
	{Undoing, "LicenseKept", Undoing},
	{Undoing, "LicenseFeatureRevoked", Undoing},
	{Undoing, "LicenseFeatureRestored", Undoing},
	{Undoing, "LicenseFeatureKept", Undoing},
	{Undoing, "UndoFinished", Undone},
}

// outsideTypes are the event types that no history of an import contains: RowReceived stands in the
// stream of rows, EventSetAside and operations belong to no import.
var outsideTypes = []string{
	"RowReceived", "EventSetAside", "ManagerKeyCreated", "ManagerKeyRevoked", "ProductSet", "ProductRemoved",
	"MappingSaved", "MappingRemoved",
}

// Transitions lists the whole table, in the order of an import.
func Transitions() []Transition { return slices.Clone(transitions) }

// table is transitions by phase and event.
var table = func() map[Transition]Phase {
	byEvent := make(map[Transition]Phase, len(transitions))
	for _, t := range transitions {
		byEvent[Transition{From: t.From, On: t.On}] = t.To
	}
	return byEvent
}()

// After is the phase that follows the event. If the event is unknown or cannot follow, it returns
// the phase unchanged and a [*TransitionError].
func (p Phase) After(e events.Event) (Phase, error) {
	on := trigger(e)
	if next, ok := table[Transition{From: p, On: on}]; ok {
		return next, nil
	}
	if outcome, ok := e.(events.Outcome); ok && !listed[on] && p == phaseOf(outcome.Result()) {
		return p, nil // of a kind that a test has added
	}
	return p, &TransitionError{Job: e.Job(), Phase: p, Event: on}
}

// listed are the events of the table.
var listed = func() map[string]bool {
	names := make(map[string]bool, len(transitions))
	for _, t := range transitions {
		names[t.On] = true
	}
	return names
}()

// phaseOf is the phase in which rows get a result.
func phaseOf(result events.Result) Phase {
	switch {
	case result == events.Proposed:
		return Validating
	case result.OfUndo():
		return Undoing
	default:
		return Importing
	}
}

// trigger is what the table calls the event.
func trigger(e events.Event) string {
	if progress, ok := e.(*events.ImportProgressed); ok {
		switch progress.Phase {
		case events.Validate:
			return progressedValidate
		case events.Import:
			return progressedImport
		}
	}
	return e.Type()
}

// A TransitionError reports an event that this program does not know, or that cannot follow in the
// import's phase. Nothing may be decided about such an import.
type TransitionError struct {
	Job   events.JobID
	Phase Phase      // the import's phase before the event
	Event string     // the event's type
	Seq   events.Seq // the event's sequence; 0: not known
}

func (e *TransitionError) Error() string {
	at := ""
	if e.Seq > 0 {
		at = fmt.Sprintf(" at sequence %d", e.Seq)
	}
	return fmt.Sprintf("import %d: %s%s cannot follow in the phase %s", e.Job, e.Event, at, e.Phase)
}
