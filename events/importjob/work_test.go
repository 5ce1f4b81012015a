package importjob

import (
	"reflect"
	"testing"

	"licenseimport/events"
)

var (
	none        = events.Counts{}
	oneRejected = events.Counts{Rejected: 1}
)

func ended(status events.Status, code FailureCode, row events.Row, c events.Counts) *events.ImportFinished {
	e := &events.ImportFinished{JobID: 1, Status: status, Row: row, Counts: c}
	if code != "" {
		e.Error = &events.Failure{Code: string(code)}
	}
	return e
}

// sameFact compares facts, but not the sentences of failures.
func sameFact(got, want events.Event) bool {
	if end, ok := got.(*events.ImportFinished); ok && end.Error != nil {
		copied := *end
		copied.Error = &events.Failure{Code: end.Error.Code}
		got = &copied
	}
	return reflect.DeepEqual(got, want)
}

func TestNext(t *testing.T) {
	begin := func(phase events.Phase) events.Event { return &events.ImportProgressed{JobID: 1, Phase: phase} }
	cancelledEnd := func(imported events.Row) events.Event {
		return ended(events.Failed, CodeCancelled, imported, events.Counts{Imported: imported})
	}
	for name, tt := range map[string]struct {
		history []events.Event
		step    Step
		fact    events.Event
	}{
		"partial begins to import":            {[]events.Event{started, sealed}, ProcessRows, begin(events.Import)},
		"all or nothing begins to validate":   {[]events.Event{whole, sealed}, ProcessRows, begin(events.Validate)},
		"a dry run begins to validate":        {[]events.Event{dryRun, sealed}, ProcessRows, begin(events.Validate)},
		"no rows":                             {[]events.Event{started, sealedNone}, AppendFact, ended(events.Success, "", 0, none)},
		"validating":                          {[]events.Event{whole, sealed, validating}, ProcessRows, nil},
		"validated":                           {[]events.Event{whole, sealed, validated}, ProcessRows, begin(events.Import)},
		"importing":                           {[]events.Event{started, sealed, importing}, ProcessRows, nil},
		"cancelled before it began":           {[]events.Event{started, sealed, cancelled}, AppendFact, cancelledEnd(0)},
		"cancelled while importing":           {[]events.Event{started, sealed, importing, cancelled}, AppendFact, cancelledEnd(1)},
		"cancelled, and ended by a processor": {[]events.Event{started, sealed, cancelled, finished}, Done, nil},
		"cancelled while uploading":           {[]events.Event{started, cancelled}, Done, nil},
		"finished":                            {[]events.Event{started, sealed, finished}, Done, nil},
		"undo asked for":                      {[]events.Event{started, sealed, finished, undoStarted}, ProcessUndo, nil},
		"undo under way":                      {[]events.Event{started, sealed, finished, undoStarted, undoing, revoked}, ProcessUndo, nil},
		"undone":                              {[]events.Event{started, sealed, finished, undoStarted, undone}, Done, nil},
		"aborted":                             {[]events.Event{started, aborted}, Done, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := after(t, tt.history...)
			step, fact, err := s.Next()
			if err != nil || step != tt.step || !sameFact(fact, tt.fact) {
				t.Errorf("%v, %+v, %v; want %v, %+v", step, fact, err, tt.step, tt.fact)
			}
		})
	}
}

// TestNextOfTheUnsealed: in a phase in which no processor may have an import, there is no step.
func TestNextOfTheUnsealed(t *testing.T) {
	beyond := State{Job: 1, Phase: Phase(len(Phases()))}
	for _, s := range []State{after(t), after(t, started), beyond} {
		if step, fact, err := s.Next(); err == nil {
			t.Errorf("%s: %v, %v", s.Phase, step, fact)
		}
	}
}

func TestCommit(t *testing.T) {
	position := func(phase events.Phase, row, rejected events.Row) events.ImportProgressed {
		return events.ImportProgressed{JobID: 1, Phase: phase, Row: row, Counts: events.Counts{Rejected: rejected}, Position: 5}
	}
	for name, tt := range map[string]struct {
		started *events.ImportStarted
		p       events.ImportProgressed
		end     *events.ImportFinished // nil: the position
	}{
		"rows are left":                 {started, position(events.Import, 1, 1), nil},
		"partial":                       {started, position(events.Import, 2, 1), ended(events.Success, "", 2, oneRejected)},
		"dry run":                       {dryRun, position(events.Validate, 2, 1), ended(events.Success, "", 2, oneRejected)},
		"all or nothing, refused":       {whole, position(events.Validate, 2, 1), ended(events.Failed, CodeRejectedRows, 2, oneRejected)},
		"all or nothing, rows are left": {whole, position(events.Validate, 1, 1), nil},
		"all or nothing, validated":     {whole, position(events.Validate, 2, 0), nil},
		"all or nothing, imported":      {whole, position(events.Import, 2, 0), ended(events.Success, "", 2, none)},
	} {
		t.Run(name, func(t *testing.T) {
			s := after(t, tt.started, sealed)
			var want events.Event = &tt.p
			if tt.end != nil {
				want = tt.end
			}
			if got := s.Commit(tt.p); !sameFact(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

func TestRowsMissing(t *testing.T) {
	s := after(t, started, sealed, importing)
	if got := s.RowsMissing(); !sameFact(got, ended(events.Failed, CodeRowsMissing, 1, one)) {
		t.Errorf("%+v", got)
	}
}

// mustNext is the fact that a processor appends after a history.
func mustNext(t *testing.T, history ...events.Event) events.Event {
	t.Helper()
	_, fact, err := after(t, history...).Next()
	if err != nil {
		t.Fatal(err)
	}
	return fact
}

// TestFailures holds codes and sentences, which are in the API.
func TestFailures(t *testing.T) {
	whole, missing := after(t, whole, sealed), after(t, started, sealed, importing)
	refused := whole.Commit(events.ImportProgressed{Phase: events.Validate, Row: 2, Counts: events.Counts{Rejected: 1}})
	for _, tt := range []struct {
		end  events.Event
		want events.Failure
	}{
		{cancelled, events.Failure{Code: "cancelled", Message: "cancelled by bob; what was imported before stays"}},
		{mustNext(t, started, sealed, importing, cancelled),
			events.Failure{Code: "cancelled", Message: "cancelled by bob; what was imported before stays"}},
		{mustNext(t, started, sealed, cancelled), events.Failure{Code: "cancelled", Message: "cancelled by bob; nothing was imported"}},
		{aborted, events.Failure{Code: "timeout", Message: "too slow"}},
		{refused, events.Failure{Code: "rejected_rows",
			Message: "1 of 2 rows were rejected, so nothing was imported: fix them and upload the whole file again"}},
		{missing.RowsMissing(), events.Failure{Code: "rows_missing",
			Message: "only the first 1 of 2 rows are in the store: restore it from a backup, or upload the file again"}},
		{&events.ImportFinished{Status: events.Failed}, events.Failure{Code: "failed", Message: "the import failed"}},
	} {
		if got := FailureOf(tt.end, true); got == nil || *got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.end.Type(), got, tt.want)
		}
	}
	for _, e := range []events.Event{finished, sealed} {
		if got := FailureOf(e, true); got != nil {
			t.Errorf("%s: %+v, want none", e.Type(), got)
		}
	}
}
