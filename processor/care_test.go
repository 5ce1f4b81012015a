package processor

import (
	"testing"

	"licenseimport/events"
)

// TestValidationSearchesNothing: rows that are only validated make no licenses, also after a refusal.
func TestValidationSearchesNothing(t *testing.T) {
	known := job{rows: 10, progress: events.ImportProgressed{Phase: events.Validate}}
	var c care
	c.begin(known)
	if err := c.refused(t.Context(), 1); err != nil || c.searches() {
		t.Errorf("searches while validating: %v", err)
	}
	known.progress.Phase = events.Import
	if c.begin(known); !c.searches() {
		t.Error("the first batch of the import is not looked up")
	}
}
