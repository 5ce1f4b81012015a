package processor

import (
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/failpoint"
)

// stagedBatch is a batch whose outcomes are at the server. Its fact commits it.
type stagedBatch struct {
	batch    *eventlog.Batch
	fact     events.Event            // the new position, or the end of the job
	position events.ImportProgressed // of the job after this batch
	began    time.Time               // when its first row was read

	// Of this batch alone:
	rows   events.Row
	counts events.Counts
	errors map[events.Code]events.Row
}

// stage sends the outcomes of the first rows after a position to the server.
func (p *Processor) stage(
	j job, b judgedRows, outcomes []events.Event, position events.ImportProgressed,
) (*stagedBatch, error) {
	rows := b.verdicts[:len(outcomes)]
	s := &stagedBatch{batch: p.log.NewBatch(j.Job), position: position, rows: events.Row(len(rows)), began: b.began}
	for i := range outcomes {
		j.count(&s.counts, outcomes[i], &rows[i])
	}
	s.errors = countErrors(outcomes)
	if err := s.send(&j, outcomes, rows, time.Now()); err != nil {
		return nil, err
	}
	s.position.Row += s.rows
	s.position.Position = rows[len(rows)-1].position
	addCounts(&s.position.Counts, s.counts)
	s.fact = j.Commit(s.position)
	if progress, ok := s.fact.(*events.ImportProgressed); ok && failpoint.Position {
		progress.Row, progress.Position = 0, 0
	}
	return s, nil
}

// send adds the outcomes to the batch, except those that the stream holds already. One at a license's
// subject expects the license's last event that is known; the verdict has that subject from the look-up.
func (s *stagedBatch) send(j *job, outcomes []events.Event, verdicts []Verdict, now time.Time) error {
	var body []byte // reused: Add copies it
	for i, outcome := range outcomes {
		v := &verdicts[i]
		if !j.decides() {
			outcome = j.validationEvent(outcome)
		}
		if outcome == nil || v.Stored != nil {
			continue
		}
		var err error
		if body, err = events.Append(body[:0], outcome, now); err != nil {
			return err
		}
		switch outcome.(type) {
		case *events.LicenseImported, *events.LicenseUpdated:
			err = s.batch.AddAfter(v.Subject(), body, v.Subject(), v.Previous)
		default:
			err = s.batch.Add(outcome.Subject(), body, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// validationEvent is the event that a validation stores about what the import would make of a row; nil: none.
func (j *job) validationEvent(outcome events.Event) events.Event {
	switch e := outcome.(type) {
	case *events.RowRejected:
		return e
	case *events.LicenseUpdated:
		if j.Started.DryRun {
			return proposed(e)
		}
	}
	return nil
}

// stats describes the batch to an observer, when it is acknowledged.
func (s *stagedBatch) stats() BatchStats {
	return BatchStats{Phase: s.position.Phase, Rows: s.rows, Counts: s.counts, Errors: s.errors, Took: time.Since(s.began)}
}

// countErrors counts rejected rows by code. A row counts once for each of its codes.
func countErrors(outcomes []events.Event) map[events.Code]events.Row {
	counts := map[events.Code]events.Row{}
	for _, outcome := range outcomes {
		rejected, ok := outcome.(*events.RowRejected)
		if !ok {
			continue
		}
		seen := map[events.Code]bool{}
		for _, e := range rejected.Errors {
			if !seen[e.Code] {
				seen[e.Code] = true
				counts[e.Code]++
			}
		}
	}
	return counts
}
