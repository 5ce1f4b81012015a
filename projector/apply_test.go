package projector

import (
	"encoding/json"
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
		l.jobs[0] = newJob(&events.ImportStarted{}, logBegins)
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
