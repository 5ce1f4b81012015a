package processor

import (
	"testing"

	"licenseimport/events"
)

// toyMade is the outcome of a row of toys, as a new kind would add it to package events.
type toyMade struct {
	JobID events.JobID `json:"job_id"`
	Row   events.Row   `json:"row"`
	Code  string       `json:"code"`
	Size  string       `json:"size"`
}

func (e *toyMade) Type() string          { return "ToyMade" }
func (e *toyMade) ID() string            { return e.JobID.String() + "/" + events.JobID(e.Row).String() }
func (e *toyMade) Subject() string       { return "toys." + events.Token(e.Code) }
func (e *toyMade) Job() events.JobID     { return e.JobID }
func (e *toyMade) Origin() events.Origin { return events.Origin{JobID: e.JobID, Row: e.Row} }
func (*toyMade) Result() events.Result   { return events.Imported }

// toyExisted is the outcome of a row whose toy exists.
type toyExisted struct {
	JobID events.JobID  `json:"job_id"`
	Row   events.Row    `json:"row"`
	By    events.Origin `json:"by"`
}

func (e *toyExisted) Type() string          { return "ToyExisted" }
func (e *toyExisted) ID() string            { return e.JobID.String() + "/" + events.JobID(e.Row).String() }
func (e *toyExisted) Subject() string       { return "outcomes." + e.JobID.String() + ".existed" }
func (e *toyExisted) Job() events.JobID     { return e.JobID }
func (e *toyExisted) Origin() events.Origin { return events.Origin{JobID: e.JobID, Row: e.Row} }
func (*toyExisted) Result() events.Result   { return events.Existed }

func decideToy(_ *Policy, v *Verdict, now Aggregate) events.Outcome {
	if made, ok := now.Last.(*toyMade); ok {
		return &toyExisted{JobID: v.Row.JobID, Row: v.Row.Row, By: made.Origin()}
	}
	return &toyMade{JobID: v.Row.JobID, Row: v.Row.Row, Code: v.Record.Feature.Code,
		Size: v.Record.Feature.ConsumptionPeriod}
}

// TestToyKind: a kind is one row in the table of kinds, one in the table of deciders with its decide function, and its
// event types. Everything else of the pipeline works on it. Not parallel: it extends the tables.
func TestToyKind(t *testing.T) {
	toys, remove := events.Extend(
		events.Kind{Name: "toys", One: "toy", Many: "toys", Counted: "toys", Upload: "toys/import_from_csv/",
			Results: "toys-import-results/", Subjects: "toys.*"},
		[]string{"code", "consumption_period"}, func() events.Event { return new(toyMade) },
		func() events.Event { return new(toyExisted) },
	)
	defer remove()
	deciders[toys.Name] = &decider{
		subject: func(v *Verdict) string { return "toys." + events.Token(v.Record.Feature.Code) },
		decide:  decideToy,
	}
	defer delete(deciders, toys.Name)

	h := newHarness(t)
	rows := rowsOf(t, toys, "code,consumption_period", "bear,monthly", "bear,daily", "car,", ",daily", "bus,yearly")
	h.expect(h.process(ofKind(toys, 1, ""), rows), events.Counts{Imported: 2, Existed: 1, Rejected: 2},
		map[string]int{"ToyMade": 2, "ToyExisted": 1, "RowRejected": 2})
	h.expect(h.process(ofKind(toys, 2, ""), rows), events.Counts{Existed: 3, Rejected: 2},
		map[string]int{"ToyExisted": 3, "RowRejected": 2})
	start := ofKind(toys, 3, "")
	start.DryRun = true
	if end := h.process(start,
		rowsOf(t, toys, "code", "bear", "ship", "ship")); end.Counts != (events.Counts{WouldImport: 1, WouldExist: 2}) {
		t.Errorf("the dry run ended as %+v", end)
	}
	start = ofKind(toys, 4, "")
	start.Mode = events.AllOrNothing
	if end := h.process(start, rows); end.Status != events.Failed || end.Rejected != 2 {
		t.Errorf("all or nothing ended as %+v", end)
	}
}

// TestUnknownKindStops: an import of a kind that this version does not know is not processed, and the processor says
// that it is not ready.
func TestUnknownKindStops(t *testing.T) {
	h := newHarness(t)
	h.uploadRows(events.ImportStarted{JobID: 1, Kind: "toys", Mode: events.Partial},
		rowsOf(t, events.Licenses, "license__license_key", "K1"))
	stop := h.start(h.p)
	defer stop()
	h.licensesOf(2, "psc,K1") // others go on
	for h.p.Ready() == nil {
		if t.Context().Err() != nil {
			t.Fatal("the processor is ready")
		}
	}
	if fact, err := readFact(t.Context(), h.log, events.FactsFilter(1)); err != nil ||
		fact.Event.Type() != "ImportSealed" {
		t.Errorf("the last fact is %+v, %v", fact, err)
	}
}
