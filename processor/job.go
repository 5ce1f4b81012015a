package processor

import (
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/importjob"
	"licenseimport/internal/mapping"
)

// job is an import with what its processor needs beside the state. Its methods are pure.
type job struct {
	importjob.State
	torn tornOutcomes // outcomes after the last fact
}

// small reports whether an import of so many rows is one batch.
func small(rows events.Row) bool { return rows <= maxRows }

// policy is what the rows are judged by.
func (j *job) policy(catalogue map[string]events.CatalogueProduct) *Policy {
	return &Policy{
		Kind:      j.kind(),
		Catalogue: catalogue,
		Products:  j.Started.Products,
		Returned: slices.ContainsFunc(j.Started.Columns, func(name string) bool {
			return strings.HasPrefix(name, events.ErrorPrefix)
		}),
		Existing:  j.Started.Existing,
		Validated: j.Started.Mode == events.AllOrNothing && j.Progress.Phase == events.Import,
		Preview:   j.previews(),
		Cells:     mapping.Compile(j.Started.Mapping),
		Headers:   ownHeaders(j.Started),
		rules:     j.decider(),
		since:     j.Last,
	}
}

// witness is what a replica has to have whose answers count. A former leader that was cut off would take a license for
// unknown, or for what it was long before.
func (p *Policy) witness() eventlog.Witness {
	if p.since.Event == nil {
		return eventlog.Witness{}
	}
	return eventlog.Witness{Subject: p.since.Event.Subject(), Seq: p.since.Seq}
}

// kind is what the rows are. An import of a kind that this version does not know cannot be read.
func (j *job) kind() *events.Kind { return events.KindNamed(j.Started.Kind) }

func (j *job) decider() *decider { return deciderOf(j.kind()) }

// decides reports whether the rows' outcomes are stored. Otherwise they are only validated.
func (j *job) decides() bool { return j.Progress.Phase == events.Import }

// previews reports whether the outcomes are decided and not stored: a dry run tells what the rows would do,
// and whether a row is valid that updates a license depends on the license.
func (j *job) previews() bool {
	return !j.decides() && (j.Started.DryRun || j.Started.Existing == events.UpdateExisting)
}

// ownHeaders are the file's headers by column index; nil where all are the columns' names.
func ownHeaders(started *events.ImportStarted) []string {
	if len(started.Headers) != len(started.Columns) {
		return nil
	}
	headers := make([]string, events.NumColumns)
	for i, name := range started.Columns {
		if column, known := events.ColumnIndex(name); known && started.Headers[i] != name {
			headers[column] = started.Headers[i]
		}
	}
	return headers
}

// advance adds a fact that this processor has appended.
func (j *job) advance(fact events.Event, seq events.Seq) error {
	return j.Apply(importjob.Fact{Event: fact, Seq: seq})
}

// count adds the outcome of a row to the counts; nil: the row is only validated.
func (j *job) count(c *events.Counts, outcome events.Outcome, v *Verdict) {
	warnings := v.Warnings
	var imported, updated, existed events.Row
	if outcome != nil {
		warnings = events.WarningsOf(outcome)
		switch outcome.Result() {
		case events.Imported:
			imported = 1
		case events.Updated:
			updated = 1
		case events.Proposed:
			if j.decider().folded { // the row may make something, or change it
				imported = 1
			} else { // of a torn batch
				updated = 1
			}
		case events.Existed:
			existed = 1
		case events.Rejected:
			c.Rejected++
		}
	}
	if len(warnings) > 0 {
		c.Warnings++
	}
	switch {
	case j.decides():
		c.Imported, c.Updated, c.Existed = c.Imported+imported, c.Updated+updated, c.Existed+existed
	case j.Started.DryRun:
		c.WouldImport, c.WouldUpdate, c.WouldExist = c.WouldImport+imported, c.WouldUpdate+updated, c.WouldExist+existed
	}
}

// addCounts adds up the counts of two parts of the rows.
func addCounts(sum *events.Counts, c events.Counts) {
	sum.Imported += c.Imported
	sum.Updated += c.Updated
	sum.Existed += c.Existed
	sum.Rejected += c.Rejected
	sum.Warnings += c.Warnings
	sum.WouldImport += c.WouldImport
	sum.WouldUpdate += c.WouldUpdate
	sum.WouldExist += c.WouldExist
}
