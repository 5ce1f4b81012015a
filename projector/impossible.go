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
			if what, changes := changed(envelope.Event); changes && !exists && impossible == nil {
				impossible = &unknownError{what}
			}
			return errReached
		}
		if o, ok := e.Event.(events.Outcome); err == nil && ok && at.Subject == m.Subject {
			exists = o.Result() != events.Revoked
		}
		return nil
	})
	if !errors.Is(err, errReached) {
		return nil // the log cannot be read now
	}
	return impossible
}

// changed is what an event changes, if that must exist before it.
func changed(e events.Event) (what string, changes bool) {
	o, ok := e.(events.Outcome)
	if !ok {
		return "", false
	}
	what = aggregateName
	if strings.HasPrefix(e.Subject(), strings.TrimSuffix(events.LicensesFilter, ">")) {
		what = "license"
	}
	switch o.Result() {
	case events.Updated, events.Restored, events.Revoked:
		return what, true
	}
	return "", false
}
