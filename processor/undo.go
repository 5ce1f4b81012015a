package processor

import (
	"errors"

	"licenseimport/events"
	"licenseimport/internal/failpoint"
)

// An undoDecider decides what an undo does about each event of its import, by what it knows of the licenses
// that the import made or changed.
//
// The import's events of one license that follow each other directly are a chain: only its first event is
// taken back, and with it the whole chain. An event follows the one that its Previous names. A
// LicenseRestored counts as the event that it restores: so an undo of a later import leaves a chain as it
// was before that import. If the license's last event is the end of a chain, nothing but the import itself
// has changed the license since the chain began:
//
//	the chain's first event   outcome
//	LicenseImported           LicenseRevoked
//	LicenseUpdated            LicenseRestored, the license as the event before the chain left it
//
// Otherwise another import, or the undo of one, has changed it since, and the outcome is a LicenseKept. At
// most one chain of an import ends at a license's last event, so an undo writes at most once at a license's
// subject.
type undoDecider struct {
	job     events.JobID                  // the import that is undone
	manager string                        // who undoes it
	rules   *undoRules                    // of its kind
	last    map[string]Aggregate          // the last event by the license's subject
	events  map[events.Seq]events.Event   // events of licenses by sequence, as far as they are known
	stored  map[events.Row]events.Outcome // outcomes that the stream holds already, from a torn batch
}

// An undoOutcome says what becomes of one event of the import.
type undoOutcome struct {
	event  events.Outcome // revoked, restored or kept; nil: the event is not the first of its chain
	stored bool           // the stream holds the outcome already
	// The outcome holds as long as the license at this subject has this last event.
	subject string
	last    events.Seq
}

// undoRules say how an import of a kind is taken back.
type undoRules struct {
	subjects string // begins the subjects of the events that are taken back
	// The outcomes about an event of the import: made and changed are its rows' outcomes, previous is the last event.
	revoked  func(d *undoDecider, made events.Outcome, previous events.Seq) events.Outcome
	restored func(d *undoDecider, changed events.Outcome, now, then Aggregate) (events.Outcome, error)
	kept     func(d *undoDecider, of events.Outcome, by events.Origin) events.Outcome
}

// decide decides what becomes of one of the import's events. It fails with a *missingEventError if that
// depends on an event that d does not know.
func (d *undoDecider) decide(f Aggregate) (undoOutcome, error) {
	subject, fact := f.Last.Subject(), f.Last.(events.Outcome)
	last := d.last[subject]
	o := undoOutcome{subject: subject, last: last.Seq}
	var before Aggregate // the chain
	if fact.Result() == events.Updated {
		var err error
		if before, err = d.effective(events.Follows(fact)); err != nil || d.isRow(before.Last) {
			return o, err
		}
	}
	if o.event = d.storedOutcome(fact, last.Last); o.event != nil {
		o.stored = true
		return o, nil
	}
	blocker, err := d.changedSince(f, last)
	switch {
	case err != nil:
	case blocker != nil:
		o.event = d.rules.kept(d, fact, events.RowOf(blocker))
	case fact.Result() == events.Imported:
		o.event = d.rules.revoked(d, fact, last.Seq)
	default:
		o.event, err = d.rules.restored(d, fact, last, before)
	}
	return o, err
}

// isRow reports whether an event is the outcome of a row of the import.
func (d *undoDecider) isRow(e events.Event) bool { return takenBack(e, d.job) }

// takenBack reports whether an event is one that the undo of a job takes back.
func takenBack(e events.Event, job events.JobID) bool {
	outcome, ok := e.(events.Outcome)
	return ok && e.Job() == job && (outcome.Result() == events.Imported || outcome.Result() == events.Updated)
}

// changedSince walks back from the last event to the import's event f. It returns the event that is in the way, of
// another import or undo; nil if there is none.
func (d *undoDecider) changedSince(f, last Aggregate) (events.Event, error) {
	if failpoint.Changed {
		return nil, nil
	}
	at, err := d.effective(last.Seq)
	for err == nil && at.Seq != f.Seq {
		if !d.isRow(at.Last) || events.Follows(at.Last) == 0 {
			return at.Last, nil
		}
		at, err = d.effective(events.Follows(at.Last))
	}
	return nil, err
}

// effective is the event at a sequence, or the one that it restores.
func (d *undoDecider) effective(seq events.Seq) (Aggregate, error) {
	for {
		e, known := d.events[seq]
		if !known {
			return Aggregate{}, &missingEventError{seq}
		}
		restored := events.Restores(e)
		if restored == 0 {
			return Aggregate{Last: e, Seq: seq}, nil
		}
		seq = restored
	}
}

// storedOutcome is the outcome of an event that the stream holds already, nil without one. An outcome at the
// event's subject is the last event there, or stands in stored.
func (d *undoDecider) storedOutcome(e events.Outcome, last events.Event) events.Outcome {
	if outcome := d.ownOutcome(last); outcome != nil && outcome.Origin() == e.Origin() {
		return outcome
	}
	return d.stored[e.Origin().Row]
}

// ownOutcome is an event if it is an outcome of this undo, else nil.
func (d *undoDecider) ownOutcome(e events.Event) events.Outcome {
	if outcome, ok := e.(events.Outcome); ok && outcome.Result().OfUndo() && e.Job() == d.job {
		return outcome
	}
	return nil
}

// decideAll decides the import's events in order. If it does not know enough, it returns the sequences of
// events that it needs beside those that it knows, with their subjects.
func (d *undoDecider) decideAll(facts []Aggregate) (outcomes []undoOutcome, missing map[events.Seq]string, err error) {
	outcomes, missing = make([]undoOutcome, 0, len(facts)), map[events.Seq]string{}
	for _, f := range facts {
		o, err := d.decide(f)
		if needs, ok := errors.AsType[*missingEventError](err); ok {
			missing[needs.seq] = f.Last.Subject()
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, missing, nil
}

// A missingEventError says that a decision depends on an event of a license that is not known.
type missingEventError struct{ seq events.Seq }

func (e *missingEventError) Error() string { return "an event of a license is not known" }

// countUndo adds an undo's outcome to the counts.
func countUndo(c *events.UndoCounts, outcome events.Outcome) {
	switch outcome.Result() {
	case events.Revoked:
		c.Revoked++
	case events.Restored:
		c.Restored++
	case events.Kept:
		c.Kept++
	}
}
