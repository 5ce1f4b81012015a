package projector

import (
	"encoding/json"
	"errors"
	"slices"
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
	ofUndo := []string{
		"LicenseRevoked", "LicenseRestored", "LicenseKept", "LicenseFeatureRevoked", "LicenseFeatureRestored", "LicenseFeatureKept",
		"UndoProgressed", "UndoFinished",
	}
	for _, name := range events.Types() {
		e, err := events.New(name)
		check(t, err)
		err = applyOne(t, importjob.Finished, e)
		if refused := name == "RowReceived" || name == "ImportStarted" || slices.Contains(ofUndo, name); (err != nil) != refused {
			t.Errorf("%s after the end: %v", name, err)
		}
		err = applyOne(t, importjob.Undone, e)
		if refused := name == "RowReceived" || name == "ImportStarted" || name == "UndoStarted" || slices.Contains(ofUndo, name); (err != nil) != refused {
			t.Errorf("%s after the undo: %v", name, err)
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
	defer l.overlay.Release()
	if phase != importjob.None {
		j := newJob(&events.ImportStarted{}, logBegins)
		j.Phase = events.Import
		l.jobs[0] = j
		made := &events.LicenseImported{}
		check(t, l.apply(fact{Envelope: events.Envelope{Event: made, Type: made.Type()}, seq: 1, time: logBegins, body: encoded(t, imported(1, 1, "p", "k", "", ""))}))
		j.Phase = ""
		switch phase {
		case importjob.Sealed:
			j.Sealed = 1
		case importjob.Validating:
			j.Sealed, j.Phase = 1, events.Validate
		case importjob.Importing:
			j.Sealed, j.Phase = 1, events.Import
		case importjob.Cancelled, importjob.Finished:
			j.end(nil, logBegins)
		case importjob.Undoing:
			j.end(nil, logBegins)
			j.Undo = &Undo{}
		case importjob.Undone:
			j.end(nil, logBegins)
			j.Undo = &Undo{Finished: logBegins}
		}
	}
	switch e := e.(type) {
	case *events.LicenseUpdated:
		e.Previous = 1
	case *events.LicenseRestored:
		e.Previous, e.Restores = 1, 1
	case *events.LicenseRevoked:
		e.Previous = 1
	case *events.LicenseFeatureUpdated, *events.LicenseFeatureRestored, *events.LicenseFeatureRevoked:
		if phase != importjob.None {
			made := &events.LicenseFeatureImported{}
			check(t, l.active.outcome(l.jobs[0], made,
				fact{Envelope: events.Envelope{Event: made, Type: made.Type()}, seq: 1, time: logBegins}))
		}
	}
	return l.apply(fact{Envelope: events.Envelope{Event: e, Type: e.Type()}, seq: 2, time: logBegins})
}

func encoded(t *testing.T, e events.Event) []byte {
	t.Helper()
	body, err := events.Encode(e, logBegins)
	check(t, err)
	return body
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
		`"existing":"keep","status":"pending","created":"2021-04-22T11:14:21.345069999Z","started":"0001-01-01T00:00:00Z",` +
		`"decided":"0001-01-01T00:00:00Z","finished":"0001-01-01T00:00:00Z","sealed":0,"row":0,"shown":` + noTally + `,"next":` + noTally + `,"begins":0,"moved":0}`
	if string(stored) != want {
		t.Errorf("%s, want %s", stored, want)
	}
}

const noTally = `{"total":0,"rejected":0,"warnings":0,"created_customers":0,"existed_customers":0,"created_orders":0,"existed_orders":0,` +
	`"created":0,"existed":0}`
