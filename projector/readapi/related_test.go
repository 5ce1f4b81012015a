package readapi

import (
	"testing"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/projector"
)

// TestRelatedImportsThatAreNotInTheFileYet: a running undo is shown from memory, so its import can name a retry that no
// commit holds yet. That is no damage of the file, which would be opened again.
func TestRelatedImportsThatAreNotInTheFileYet(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(started(1, "anna")))
	r.catchUp()
	api := New(r.Projector, catalogue)
	admin := access.Manager{Name: "admin", Role: access.Admin}
	limited := access.Manager{Name: "limited", Role: access.Importer, Products: []string{"psc"}}
	for name, test := range map[string]struct {
		job *projector.Job
		by  access.Manager
	}{
		"a retry":                     {&projector.Job{ID: 1, RetriedBy: []events.JobID{99}}, admin},
		"the import of the same file": {&projector.Job{ID: 1, Manager: "limited", SameFileAs: 99}, limited},
		"the import that it retries":  {&projector.Job{ID: 1, Manager: "limited", RetryOf: 99}, limited},
	} {
		if others, err := api.related(test.job, test.by); err != nil || others != (related{}) {
			t.Errorf("%s: %+v, %v", name, others, err)
		}
		if err := r.Ready(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}
