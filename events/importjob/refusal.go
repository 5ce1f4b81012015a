package importjob

import (
	"fmt"

	"licenseimport/events"
)

// Reason says why something cannot be done to an import.
type Reason string

// The reasons of refusals.
const (
	NotStarted   Reason = "not started"   // for those who ask, there is no such import
	WasCancelled Reason = "cancelled"     // a manager ended the upload: RefusedError.Detail names the manager
	WasAborted   Reason = "aborted"       // the upload was ended for another reason: RefusedError.Detail says why
	UploadEnded  Reason = "upload ended"  // it is sealed, or was never started
	ImportEnded  Reason = "import ended"  // nothing is left to be cancelled
	ImportingAll Reason = "importing all" // an all_or_nothing import has passed its validation
	NeverSealed  Reason = "never sealed"  // the upload was not completed: nothing of it was decided
)

// The reasons why an import cannot be taken back.
const (
	NotEnded        Reason = "not ended"        // it is uploading, waiting or running
	EndPending      Reason = "end pending"      // it was cancelled: a processor ends it within moments
	WasDryRun       Reason = "dry run"          // it imported nothing
	NothingImported Reason = "nothing imported" // it ended before its seal
	UndoRunning     Reason = "undo running"     // RefusedError.Detail names the manager who asked for it
	WasUndone       Reason = "undone"           // RefusedError.Detail names the manager who asked for it
	NoUndo          Reason = "no undo"          // RefusedError.Detail is the kind of the import
)

// Reasons lists all reasons of refusals.
func Reasons() []Reason {
	return []Reason{
		NotStarted, WasCancelled, WasAborted, UploadEnded, ImportEnded, ImportingAll, NeverSealed,
		NotEnded, EndPending, WasDryRun, NothingImported, UndoRunning, WasUndone, NoUndo,
	}
}

// A RefusedError says that the state of an import does not allow what was asked.
type RefusedError struct {
	Job    events.JobID
	Reason Reason
	Detail string // depends on the reason; often empty
}

func (e *RefusedError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("import %d: refused: %s", e.Job, e.Reason)
	}
	return fmt.Sprintf("import %d: refused: %s: %s", e.Job, e.Reason, e.Detail)
}

// Problem is the code for programs and the sentence for people that answer the refused request. Both are empty
// for a reason that is not in [Reasons].
func (e *RefusedError) Problem() (code, message string) {
	about := func(format string) string { return fmt.Sprintf(format, e.Job) }
	switch e.Reason {
	case NotStarted:
		return "not_found", about("There is no import %d.")
	case WasCancelled:
		return "cancelled", "The import was cancelled by " + e.Detail + "."
	case WasAborted:
		return "aborted", "The import was given up while it was still being uploaded: " + e.Detail
	case UploadEnded:
		return "already_ended", "The upload has ended already."
	case ImportEnded:
		return "already_ended", about("Import %d has ended already.")
	case ImportingAll:
		return "importing", about("Import %d has passed its validation and is being imported as a whole: it cannot be cancelled any more.")
	case NeverSealed:
		return "nothing_to_retry",
			about("The file of import %d did not arrive completely, so none of its rows was rejected: upload the file again.")
	case NotEnded:
		return "not_ended", about("Import %d has not ended: wait for its end, or cancel it first.")
	case EndPending:
		return "not_ended", about("Import %d was cancelled and ends in a moment: try again shortly.")
	case WasDryRun:
		return "dry_run", about("Import %d was a dry run: it imported nothing, so there is nothing to undo.")
	case NothingImported:
		return "nothing_imported",
			about("Import %d ended while its file was being uploaded: it imported nothing, so there is nothing to undo.")
	case UndoRunning:
		return "undo_running", about("Import %d is being undone already, as ") + e.Detail + " asked."
	case WasUndone:
		return "already_undone", about("Import %d was undone already, as ") + e.Detail + " asked."
	case NoUndo:
		return "cannot_be_undone", "An import of " + e.Detail + " cannot be undone."
	}
	return "", ""
}
