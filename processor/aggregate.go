package processor

import (
	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// Aggregate is what is known of one thing that rows are about, such as a license: its last event tells what it is
// now.
type Aggregate struct {
	Last events.Event // nil: no event is known
	Seq  events.Seq   // of the last event; 0: none is known, or it is pending
	// Pending: the last event is one that a row before makes and that is not stored yet. What follows it
	// in the stream has to wait for its sequence.
	Pending bool
}

// Aggregates holds what is known, by the subjects. What it lacks does not exist.
type Aggregates map[string]Aggregate

// decodeAggregate reads a message at the subject of an aggregate.
func decodeAggregate(m *eventlog.Message) (Aggregate, error) {
	envelope, err := m.Decode()
	return Aggregate{Last: envelope.Event, Seq: m.Seq}, err
}

// outcomeOf is an event if it is the outcome of the row, else nil.
func outcomeOf(e events.Event, row *events.RowReceived) events.Outcome {
	outcome, ok := e.(events.Outcome)
	if ok && !outcome.Result().OfUndo() && outcome.Origin() == (events.Origin{JobID: row.JobID, Row: row.Row}) {
		return outcome
	}
	return nil
}
