package projector

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/events/importjob"
)

// TestEveryTypeHasACase: apply folds each event that the table of transitions allows, also after
// the end, and no other.
func TestEveryTypeHasACase(t *testing.T) {
	for _, allowed := range importjob.Transitions() {
		name, phase, _ := strings.Cut(strings.TrimSuffix(allowed.On, ")"), " (")
		e, err := events.New(name)
		check(t, err)
		if progress, ok := e.(*events.ImportProgressed); ok {
			progress.Phase = events.Phase(phase)
		}
		if err := applyOne(t, allowed.From, e); err != nil {
			t.Errorf("%v: %v", allowed, err)
		}
	}
	for _, name := range events.Types() {
		e, err := events.New(name)
		check(t, err)
		err = applyOne(t, importjob.Finished, e)
		if refused := name == "RowReceived" || name == "ImportStarted"; (err != nil) != refused {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
	err := applyOne(t, importjob.Uploading, unhandled{&events.ImportSealed{}})
	if _, ok := errors.AsType[*unhandledEventError](err); !ok {
		t.Errorf("a type without a case: %v", err)
	}
	for _, phase := range []importjob.Phase{importjob.None, importjob.Sealed, importjob.Finished} {
		err := applyOne(t, phase, strange{unhandled{&events.ImportSealed{}}})
		if _, ok := errors.AsType[*importjob.TransitionError](err); !ok {
			t.Errorf("%s: an unknown type: %v", phase, err)
		}
	}
	if err := applyOne(t, importjob.None, &events.RowReceived{}); err == nil || !strings.Contains(err.Error(), "belongs to the stream ROWS") {
		t.Errorf("a row: %v", err)
	}
}

// unhandled is an event of a known type that no case of a type switch matches.
type unhandled struct{ *events.ImportSealed }

// strange is an event of an unknown type.
type strange struct{ unhandled }

func (strange) Type() string { return "Strange" }

// applyOne folds one event about import 0, which is in a phase.
func applyOne(t *testing.T, phase importjob.Phase, e events.Event) error {
	s := openViews(t, t.TempDir())
	defer func() { check(t, s.Close()) }()
	l := newBatchWriter(s, maxBatchEvents)
	if phase != importjob.None {
		j := newJob(&events.ImportStarted{}, logBegins)
		switch phase {
		case importjob.Sealed:
			j.Sealed = 1
		case importjob.Validating:
			j.Sealed, j.Phase = 1, events.Validate
		case importjob.Importing:
			j.Sealed, j.Phase = 1, events.Import
		case importjob.Cancelled, importjob.Finished, importjob.Undoing:
			j.end(nil, logBegins)
		}
		l.jobs[0] = j
	}
	defer l.overlay.Release()
	return l.apply(fact{Envelope: events.Envelope{Event: e, Type: e.Type()}, seq: 1, time: logBegins})
}

func TestRowsPerSecond(t *testing.T) {
	j := &Job{Shown: Tally{Total: 1000}}
	if j.RowsPerSecond() != nil {
		t.Error("known before the start")
	}
	j.Started = logBegins
	j.Decided = logBegins
	if j.RowsPerSecond() != nil {
		t.Error("known without time")
	}
	j.Decided = logBegins.Add(3e9)
	if got := j.RowsPerSecond(); got == nil || *got != 333.3 {
		t.Errorf("%v, want 333.3", got)
	}
}

// TestStoredJob: the members of an import in the views' file. Another one is another format.
func TestStoredJob(t *testing.T) {
	stored, err := json.Marshal(newJob(started(1, "anna"), logBegins).snapshot(9))
	check(t, err)
	want := `{"id":1,"file_name":"file.csv","manager":"anna","mode":"partial","dry_run":false,` +
		`"columns":["license__license_key","product__short_code","customer__email","order__store_id"],"delimiter":",",` +
		`"status":"pending","created":"2021-04-22T11:14:21.345069999Z","started":"0001-01-01T00:00:00Z",` +
		`"decided":"0001-01-01T00:00:00Z","finished":"0001-01-01T00:00:00Z","sealed":0,"row":0,"shown":` + noTally + `,"next":` + noTally + `}`
	if string(stored) != want {
		t.Errorf("%s, want %s", stored, want)
	}
}

const noTally = `{"total":0,"rejected":0,"warnings":0,"created_customers":0,"existed_customers":0,"created_orders":0,"existed_orders":0,` +
	`"created_licenses":0,"existed_licenses":0}`
