package projector

import (
	"context"
	"errors"
	"strings"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/importjob"
)

// errReached ends the reading of an import's facts at the message in question.
var errReached = errors.New("the message is reached")

// CannotFollow returns why an event cannot follow what its import, and its license, was before it, or nil.
// After the end of an import the views fold the outcomes of its rows all the same, so those stay; its facts
// change nothing there, and other readers stop at them.
func CannotFollow(ctx context.Context, log Log, m eventlog.Message) error {
	envelope, err := m.Decode()
	if err != nil {
		return err
	}
	if envelope.Event.Job() == 0 {
		return nil // it belongs to no import
	}
	facts := events.FactsFilter(envelope.Event.Job())
	filters := []string{facts}
	if !strings.HasPrefix(m.Subject, strings.TrimSuffix(facts, "*")) {
		filters = append(filters, m.Subject)
	}
	var impossible error
	phase, exists := importjob.None, false
	err = log.Follow(ctx, 0, filters, func(at eventlog.Message) error {
		e, err := at.Decode()
		if err == nil && e.Event.Job() == envelope.Event.Job() {
			next, err := phase.After(e.Event)
			if at.Seq == m.Seq && (len(filters) == 1 || !phase.Ended() || !events.IsRowOutcome(e.Event)) {
				impossible = err
			}
			if _, alone := e.Event.(*events.ImportAborted); !alone || phase != importjob.None {
				phase = next // an upload that was aborted before its start never was
			}
		}
		if at.Seq >= m.Seq {
			if changesLicense(envelope.Event) && !exists && impossible == nil {
				impossible = &unknownLicenseError{}
			}
			return errReached
		}
		if err == nil && at.Subject == m.Subject {
			_, exists = events.StateAfter(e.Event)
		}
		return nil
	})
	if !errors.Is(err, errReached) {
		return nil // the log cannot be read now
	}
	return impossible
}

// changesLicense reports whether an event changes a license that must exist.
func changesLicense(e events.Event) bool {
	switch e.(type) {
	case *events.LicenseUpdated, *events.LicenseRestored, *events.LicenseRevoked:
		return true
	}
	return false
}
