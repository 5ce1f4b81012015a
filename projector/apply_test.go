package projector

import (
	"errors"
	"strings"
	"testing"

	"licenseimport/events"
)

func TestEveryTypeHasACase(t *testing.T) {
	for _, name := range events.Types() {
		e, err := events.New(name)
		check(t, err)
		err = applyOne(t, e)
		var missing *unhandledEventError
		if errors.As(err, &missing) {
			t.Errorf("apply.go: %v", err)
		}
		if misplaced := err != nil && strings.Contains(err.Error(), "belongs to the stream ROWS"); misplaced != (name == "RowReceived") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var missing *unhandledEventError
	if err := applyOne(t, strange{&events.ImportSealed{}}); !errors.As(err, &missing) {
		t.Errorf("a type without a case: %v", err)
	}
}

// strange is an event that no case knows.
type strange struct{ *events.ImportSealed }

func (strange) Type() string { return "Strange" }

// applyOne folds one event about import 0, which has started.
func applyOne(t *testing.T, e events.Event) error {
	s := openViews(t, t.TempDir())
	defer func() { check(t, s.Close()) }()
	l := newBatchWriter(s, maxBatchEvents)
	if _, isStart := e.(*events.ImportStarted); !isStart {
		l.jobs[0] = newJob(&events.ImportStarted{}, tapeBegins)
	}
	defer l.overlay.Release()
	return l.apply(fact{Envelope: events.Envelope{Event: e, Type: e.Type()}, seq: 1, time: tapeBegins})
}

func TestRowsPerSecond(t *testing.T) {
	j := &Job{Shown: Tally{Total: 1000}}
	if j.RowsPerSecond() != nil {
		t.Error("known before the start")
	}
	j.Started = tapeBegins
	j.Decided = tapeBegins
	if j.RowsPerSecond() != nil {
		t.Error("known without time")
	}
	j.Decided = tapeBegins.Add(3e9)
	if got := j.RowsPerSecond(); got == nil || *got != 333.3 {
		t.Errorf("%v, want 333.3", got)
	}
}
