package eventlog

import (
	"testing"

	"licenseimport/events"
)

// TestSubjectsAreOrdered: a pass begins each time that so many messages are new, and with a server that found no sorted
// index.
func TestSubjectsAreOrdered(t *testing.T) {
	t.Parallel()
	s := openUnsupervised(t)
	srv := s.server.running()
	o := orderer{of: s.server, every: 4}
	passes := func(want uint64) {
		t.Helper()
		if o.step(srv) {
			t.Error("the pass through a few subjects has not ended")
		}
		if o.ordered != want || o.failed {
			t.Errorf("the last pass began at message %d, want %d", o.ordered, want)
		}
	}
	s.sealed(1)
	passes(0) // two messages
	s.sealed(2)
	passes(4)
	s.sealed(3)
	passes(4)
	s.sealed(4)
	passes(8)
	for job := range events.JobID(4) {
		if _, found, err := s.Fact(t.Context(), events.SealedSubject(job+1)); !found || err != nil {
			t.Errorf("import %d: %v, %v", job+1, found, err)
		}
	}
	o.srv, s.server.indexed, s.server.inOrder = nil, 6, true // as after a restart with a sorted index
	passes(6)
	o.srv, s.server.inOrder = nil, false
	passes(8)
	if err := s.js.DeleteStream(t.Context(), events.LicensesStream); err != nil {
		t.Fatal(err)
	}
	s.server.direct.forget(events.LicensesStream)
	if o.step(srv) || o.failed {
		t.Error("a stream that is gone has subjects")
	}
}
