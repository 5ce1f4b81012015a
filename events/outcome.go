package events

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
