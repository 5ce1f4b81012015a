package events

// RowOf is the row that an outcome is of: of an undo's, the row of the import that is undone. It is zero for
// other events.
func RowOf(outcome Event) Origin {
	switch e := outcome.(type) {
	case *LicenseImported:
		return Origin{JobID: e.JobID, Row: e.Row}
	case *LicenseUpdated:
		return Origin{JobID: e.JobID, Row: e.Row}
	case *LicenseUpdateProposed:
		return Origin{JobID: e.JobID, Row: e.Row}
	case *LicenseExisted:
		return Origin{JobID: e.JobID, Row: e.Row}
	case *RowRejected:
		return Origin{JobID: e.JobID, Row: e.Row}
	case *LicenseRevoked:
		return Origin{JobID: e.JobID, Row: e.Row}
	case *LicenseRestored:
		return Origin{JobID: e.JobID, Row: e.Row}
	case *LicenseKept:
		return Origin{JobID: e.JobID, Row: e.Row}
	}
	return Origin{}
}

// IsRowOutcome reports whether an event is the outcome of a row.
func IsRowOutcome(e Event) bool {
	switch e.(type) {
	case *LicenseImported, *LicenseUpdated, *LicenseUpdateProposed, *LicenseExisted, *RowRejected:
		return true
	}
	return false
}

// IsUndoOutcome reports whether an event says what an undo did about a license.
func IsUndoOutcome(e Event) bool {
	switch e.(type) {
	case *LicenseRevoked, *LicenseRestored, *LicenseKept:
		return true
	}
	return false
}
