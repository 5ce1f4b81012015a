package processor

import (
	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// License is what is known of one license: its last event tells what it is now.
type License struct {
	Last events.Event // nil: no event is known
	Seq  events.Seq   // of the last event; 0: none is known, or it is pending
	// Pending: the last event is one that a row before makes and that is not stored yet. What follows it
	// in the stream has to wait for its sequence.
	Pending bool
}

// Licenses holds what is known of licenses, by their subjects. What it lacks does not exist.
type Licenses map[string]License

// State is the license as its last event left it. exists is false if it was never made, or was revoked.
func (l License) State() (state events.LicenseState, exists bool) { return events.StateAfter(l.Last) }

// decodeLicense reads a message at the subject of a license.
func decodeLicense(m *eventlog.Message) (License, error) {
	envelope, err := m.Decode()
	return License{Last: envelope.Event, Seq: m.Seq}, err
}

// isOutcomeOf reports whether an event of a license is the outcome of the row.
func isOutcomeOf(e events.Event, row *events.RowReceived) bool {
	switch e := e.(type) {
	case *events.LicenseImported:
		return e.Row == row.Row && e.JobID == row.JobID
	case *events.LicenseUpdated:
		return e.Row == row.Row && e.JobID == row.JobID
	}
	return false
}

// eventBefore is the sequence of the license's event before this one; 0 if this one made it.
func eventBefore(e events.Event) events.Seq {
	switch e := e.(type) {
	case *events.LicenseUpdated:
		return e.Previous
	case *events.LicenseRestored:
		return e.Previous
	case *events.LicenseRevoked:
		return e.Previous
	}
	return 0
}
