package processor

import (
	"errors"
	"fmt"
	"slices"

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
	job     events.JobID                // the import that is undone
	manager string                      // who undoes it
	last    map[string]License          // the last event by the license's subject
	events  map[events.Seq]events.Event // events of licenses by sequence, as far as they are known
	stored  map[events.Row]events.Event // outcomes that the stream holds already, from a torn batch
}

// An undoOutcome says what becomes of one event of the import.
type undoOutcome struct {
	event  events.Event // LicenseRevoked, LicenseRestored or LicenseKept; nil: the event is not the first of its chain
	stored bool         // the stream holds the outcome already
	// The outcome holds as long as the license at this subject has this last event.
	license string
	last    events.Seq
}

// decide decides what becomes of one of the import's events. It fails with a *missingEventError if that
// depends on an event that d does not know.
func (d *undoDecider) decide(f License) (undoOutcome, error) {
	subject := f.Last.Subject()
	last := d.last[subject]
	o := undoOutcome{license: subject, last: last.Seq}
	var before License // the chain
	if updated, ok := f.Last.(*events.LicenseUpdated); ok {
		var err error
		if before, err = d.effective(updated.Previous); err != nil || d.isRow(before.Last) {
			return o, err
		}
	}
	if o.event = d.storedOutcome(f.Last, last.Last); o.event != nil {
		o.stored = true
		return o, nil
	}
	blocker, err := d.changedSince(f, last)
	switch e := f.Last.(type) {
	case *events.LicenseImported:
		if o.event = d.revoked(e, last.Seq); blocker != nil {
			o.event = d.kept(e.Row, e.License.Key, e.Product, blocker)
		}
	case *events.LicenseUpdated:
		if blocker != nil {
			o.event = d.kept(e.Row, e.License.Key, e.Product, blocker)
		} else if err == nil {
			o.event, err = d.restored(e, before, last)
		}
	}
	return o, err
}

// isRow reports whether an event is the outcome of a row of the import.
func (d *undoDecider) isRow(e events.Event) bool {
	switch e.(type) {
	case *events.LicenseImported, *events.LicenseUpdated:
		return e.Job() == d.job
	}
	return false
}

// changedSince walks back from a license's last event to the import's event f. It returns the event that is
// in the way, of another import or undo; nil if there is none.
func (d *undoDecider) changedSince(f, last License) (events.Event, error) {
	if failpoint.Changed {
		return nil, nil
	}
	at, err := d.effective(last.Seq)
	for err == nil && at.Seq != f.Seq {
		updated, ok := at.Last.(*events.LicenseUpdated)
		if !ok || updated.JobID != d.job {
			return at.Last, nil
		}
		at, err = d.effective(updated.Previous)
	}
	return nil, err
}

// effective is the event at a sequence, or the one that it restores.
func (d *undoDecider) effective(seq events.Seq) (License, error) {
	for {
		e, known := d.events[seq]
		if !known {
			return License{}, &missingEventError{seq}
		}
		restored, ok := e.(*events.LicenseRestored)
		if !ok {
			return License{Last: e, Seq: seq}, nil
		}
		seq = restored.Restores
	}
}

// storedOutcome is the outcome of an event that the stream holds already, nil without one. An outcome at the
// license's subject is its last event, or stands in stored.
func (d *undoDecider) storedOutcome(e, last events.Event) events.Event {
	row := events.RowOf(e).Row
	switch last := last.(type) {
	case *events.LicenseRevoked:
		if last.JobID == d.job && last.Row == row {
			return last
		}
	case *events.LicenseRestored:
		if last.JobID == d.job && last.Row == row {
			return last
		}
	}
	return d.stored[row]
}

func (d *undoDecider) revoked(e *events.LicenseImported, last events.Seq) events.Event {
	return &events.LicenseRevoked{
		JobID: d.job, Row: e.Row, LicenseKey: e.License.Key, Product: e.Product, Manager: d.manager, Previous: last,
	}
}

func (d *undoDecider) kept(row events.Row, key string, product events.Product, by events.Event) events.Event {
	return &events.LicenseKept{JobID: d.job, Row: row, LicenseKey: key, Product: product, By: events.RowOf(by)}
}

// restored makes the license again what it was before the chain that e begins.
func (d *undoDecider) restored(e *events.LicenseUpdated, before, last License) (events.Event, error) {
	now, _ := last.State()
	then, exists := before.State()
	if !exists {
		return nil, fmt.Errorf("%s follows sequence %d, which holds no license", e.ID(), before.Seq)
	}
	changed := append([]events.Change{}, events.Changes(now, then)...) // the schema wants a list
	return &events.LicenseRestored{
		JobID: d.job, Row: e.Row, License: *then.License, Product: *then.Product, Customer: then.Customer, Order: *then.Order,
		Changed: changed, Previous: last.Seq, Restores: before.Seq, By: then.By, Manager: d.manager,
	}, nil
}

// decideAll decides the import's events in order. If it does not know enough, it returns the sequences of
// events that it needs beside those that it knows.
func (d *undoDecider) decideAll(facts []License) (outcomes []undoOutcome, missing []events.Seq, err error) {
	outcomes = make([]undoOutcome, 0, len(facts))
	for _, f := range facts {
		o, err := d.decide(f)
		if needs, ok := errors.AsType[*missingEventError](err); ok {
			missing = append(missing, needs.seq)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		outcomes = append(outcomes, o)
	}
	slices.Sort(missing)
	return outcomes, slices.Compact(missing), nil
}

// A missingEventError says that a decision depends on an event of a license that is not known.
type missingEventError struct{ seq events.Seq }

func (e *missingEventError) Error() string { return "an event of a license is not known" }

// countUndo adds an undo's outcome to the counts.
func countUndo(c *events.UndoCounts, outcome events.Event) {
	switch outcome.(type) {
	case *events.LicenseRevoked:
		c.Revoked++
	case *events.LicenseRestored:
		c.Restored++
	case *events.LicenseKept:
		c.Kept++
	}
}
