package importjob

import (
	"fmt"

	"licenseimport/events"
)

// FailureCode says to programs why an import failed as a whole. An aborted upload has
// [CodeUploadAbandoned] or the code of the problem that its client was answered with.
type FailureCode string

// The codes of failures. They are on the wire and in the API: none is ever renamed.
const (
	CodeCancelled       FailureCode = "cancelled"        // a manager ended it
	CodeRejectedRows    FailureCode = "rejected_rows"    // all_or_nothing, and a row is invalid
	CodeUploadAbandoned FailureCode = "upload_abandoned" // nobody continued the upload
	CodeRowsMissing     FailureCode = "rows_missing"     // the store has fewer rows than were sealed
	CodeFailed          FailureCode = "failed"           // its ImportFinished gives no reason
)

// FailureCodes lists all codes of failures.
func FailureCodes() []FailureCode {
	return []FailureCode{CodeCancelled, CodeRejectedRows, CodeUploadAbandoned, CodeRowsMissing, CodeFailed}
}

// FailureOf is why the import failed that ends with this event. It is nil for a success, and for an
// event that ends no import. imported: a row was imported or updated before.
func FailureOf(end events.Event, imported bool) *events.Failure {
	switch e := end.(type) {
	case *events.ImportCancelled:
		if !imported {
			return failure(CodeCancelled, "cancelled by %s; nothing was imported", e.Manager)
		}
		return failure(CodeCancelled, "cancelled by %s; what was imported before stays", e.Manager)
	case *events.ImportAborted:
		return &events.Failure{Code: e.Code, Message: e.Message}
	case *events.ImportFinished:
		if e.Error == nil && e.Status != events.Success {
			return failure(CodeFailed, "the import failed")
		}
		return e.Error
	}
	return nil
}

func rejectedRows(rejected, rows events.Row) *events.Failure {
	return failure(CodeRejectedRows,
		"%d of %d rows were rejected, so nothing was imported: fix them and upload the whole file again", rejected, rows)
}

func rowsMissing(stored, sealed events.Row) *events.Failure {
	return failure(CodeRowsMissing,
		"only the first %d of %d rows are in the store: restore it from a backup, or upload the file again", stored, sealed)
}

func failure(code FailureCode, format string, args ...any) *events.Failure {
	return &events.Failure{Code: string(code), Message: fmt.Sprintf(format, args...)}
}
