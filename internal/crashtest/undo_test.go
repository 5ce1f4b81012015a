//go:build unix

package crashtest

import (
	"fmt"
	"testing"
	"time"

	"licenseimport/events"
)

// TestKillDuringUndo undoes an import while its processors, NATS and the views are killed. Each license is
// revoked once, the undo counts them, and the answers are those that views from nothing give.
func TestKillDuringUndo(t *testing.T) {
	t.Parallel()
	s := newSystem(t, time.Minute)
	big := shape{name: "big", rows: 12000, seed: 1}.generate()
	must(t, s.client.send(t.Context(), big, attempt{}))
	_, err := s.client.wait(big.Job)
	must(t, err)
	must(t, s.client.post(resultsPath+big.Job.String()+"/undo/", ""))
	for i, p := range append(s.processors[:], s.nats, s.projector) { // one of them has the undo, the other takes it over
		must(t, revoked(s.url, big.Job, 1500+2000*i))
		must(t, p.restartByKill())
	}
	must(t, revoked(s.url, big.Job, 12000)) // more than there are: until the end
	must(t, s.ready())

	outcomes := map[string]int{}
	var imported, revoked, finished events.Row
	must(t, follow(s.url, false, func(stored Stored) error {
		switch e := stored.Event.(type) {
		case *events.LicenseImported:
			imported++
		case *events.LicenseRevoked:
			revoked++
			outcomes[e.Subject()]++
		case *events.UndoFinished:
			finished += e.Revoked
		}
		return nil
	}))
	if imported == 0 || imported != revoked || len(outcomes) != int(revoked) || finished != revoked {
		t.Errorf("%d imported, %d revoked at %d subjects, the undo counts %d", imported, revoked, len(outcomes), finished)
	}
	must(t, waitFor("the views", func() error {
		var page struct{ Count int }
		if err := s.client.getJSON("/api/v1/licenses/?limit=1", &page); err != nil || page.Count == 0 {
			return err
		}
		return fmt.Errorf("%d licenses are shown", page.Count)
	}))
	before := answers(t, s.client)
	must(t, s.withoutViews())
	same(t, before, answers(t, s.client))
}

// revoked waits until the undo of an import has revoked so many licenses, or has ended.
func revoked(url string, job events.JobID, licenses int) error {
	return follow(url, true, func(s Stored) error {
		if s.Event.Job() != job {
			return nil
		}
		switch s.Event.(type) {
		case *events.LicenseRevoked:
			licenses--
		case *events.UndoFinished:
			return errEnough
		}
		if licenses <= 0 {
			return errEnough
		}
		return nil
	})
}
