package processor

import (
	"fmt"

	"licenseimport/events"
)

// job is what the facts in the stream say of one import: what was asked, and
// how far it is. All its methods are pure.
type job struct {
	id       events.JobID
	mode     events.Mode
	dryRun   bool
	products []string   // that its manager is limited to
	rows     events.Row // sealed

	progress events.ImportProgressed // the last one; phase "" before the first
	last     events.Event            // the job's last fact, whatever it is
	lastSeq  events.Seq              // its sequence: what an append expects
	torn     tornOutcomes            // outcomes behind it
}

// stage is where a job stands.
type stage int

const (
	deciding stage = iota // rows are to be read, from the position on or from the fact that is due
	between               // a fact is to be appended, and then to be looked again
	ended                 // nothing is left to do
)

// next says where the job stands and, if a fact is due, which.
func (j *job) next() (stage, events.Event) {
	switch last := j.last.(type) {
	case *events.ImportSealed:
		if j.rows == 0 {
			return between, j.finished(events.Success, nil, j.progress)
		}
		return deciding, &events.ImportProgressed{JobID: j.id, Phase: j.firstPhase()}
	case *events.ImportProgressed:
		if last.Phase == events.Validate && last.Row == j.rows {
			return deciding, &events.ImportProgressed{JobID: j.id, Phase: events.Import}
		}
		return deciding, nil
	case *events.ImportCancelled:
		return between, j.finished(events.Failed, &events.Failure{
			Code: "cancelled", Message: "cancelled by " + last.Manager + "; what was imported before stays",
		}, j.progress)
	default: // finished or aborted
		return ended, nil
	}
}

// small tells whether a job of so many rows is one batch.
func small(rows events.Row) bool { return rows <= maxRows }

func (j *job) firstPhase() events.Phase {
	if j.dryRun || j.mode == events.AllOrNothing {
		return events.Validate
	}
	return events.Import
}

// policy is what the rows are judged by.
func (j *job) policy(catalogue map[string]events.Product) *Policy {
	return &Policy{
		Catalogue: catalogue,
		Products:  j.products,
		Validated: j.mode == events.AllOrNothing && j.progress.Phase == events.Import,
	}
}

// commit is the fact that commits a batch after which the job is at p: the last
// one of the job, or its new position.
func (j *job) commit(p events.ImportProgressed) events.Event {
	if p.Row < j.rows {
		return &p
	}
	refused := j.mode == events.AllOrNothing && p.Rejected > 0
	switch {
	case refused:
		return j.finished(events.Failed, &events.Failure{
			Code:    "rejected_rows",
			Message: fmt.Sprintf("%d of %d rows were rejected, so nothing was imported: mend them and upload the whole file again", p.Rejected, p.Row),
		}, p)
	case p.Phase == events.Validate && !j.dryRun:
		return &p
	default:
		return j.finished(events.Success, nil, p)
	}
}

// missing ends a job of which the stream holds fewer rows than were sealed.
func (j *job) missing() events.Event {
	return j.finished(events.Failed, &events.Failure{
		Code:    "rows_missing",
		Message: fmt.Sprintf("only the first %d of %d rows are in the store: restore it from a backup, or upload the file again", j.progress.Row, j.rows),
	}, j.progress)
}

func (j *job) finished(status events.Status, failure *events.Failure, p events.ImportProgressed) *events.ImportFinished {
	return &events.ImportFinished{JobID: j.id, Status: status, Error: failure, Row: p.Row, Counts: p.Counts}
}

// moved is the job after an append of its own.
func (j *job) moved(fact events.Event, seq events.Seq) {
	j.last, j.lastSeq = fact, seq
	if p, ok := fact.(*events.ImportProgressed); ok {
		j.progress = *p
	}
}

// count adds one outcome to the counts.
func count(c *events.Counts, outcome events.Event, v *Verdict) {
	switch outcome.(type) {
	case *events.LicenseImported:
		c.Imported++
	case *events.LicenseExisted:
		c.Existed++
	case *events.RowRejected:
		c.Rejected++
	}
	if len(v.Warnings) > 0 {
		c.Warnings++
	}
}
