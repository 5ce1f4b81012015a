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

// stage decides the outcomes of rows that follow a position and sends them to the server. Origins
// are those of the licenses that exist; nil: the rows are only validated.
func (p *Processor) stage(
	j job, b judgedRows, position events.ImportProgressed, origins Origins,
) (*stagedBatch, error) {
	s := &stagedBatch{batch: p.log.NewBatch(j.Job), position: position, rows: events.Row(len(b.verdicts)), began: b.began}
	j.torn.attach(b.verdicts)
	var outcomes []events.Event
	if origins != nil {
		outcomes = Outcomes(b.verdicts, origins)
	} else {
		outcomes = Rejections(b.verdicts)
	}
	for i := range outcomes {
		count(&s.counts, outcomes[i], &b.verdicts[i])
	}
	s.errors = countErrors(outcomes)
	if err := s.send(outcomes, b.verdicts, time.Now()); err != nil {
		return nil, err
	}
	s.position.Row += s.rows
	s.position.Position = b.position
	addCounts(&s.position.Counts, s.counts)
	s.fact = j.Commit(s.position)
	if progress, ok := s.fact.(*events.ImportProgressed); ok && failpoint.Position {
		progress.Row, progress.Position = 0, 0
	}
	return s, nil
}

// send adds the outcomes to the batch, except those that the stream holds already. LicenseImported
// expects to be the first message at its subject; the verdict has that subject from the look-up.
func (s *stagedBatch) send(outcomes []events.Event, verdicts []Verdict, now time.Time) error {
	var body []byte // reused: Add copies it
	for i, outcome := range outcomes {
		if outcome == nil || verdicts[i].Stored != nil {
			continue
		}
		var err error
		if body, err = events.Append(body[:0], outcome, now); err != nil {
			return err
		}
		if _, first := outcome.(*events.LicenseImported); first {
			err = s.batch.Add(verdicts[i].Subject(), body, true)
		} else {
			err = s.batch.Add(outcome.Subject(), body, false)
		}
		if err != nil {
			return err
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

func addCounts(sum *events.Counts, c events.Counts) {
	sum.Imported += c.Imported
	sum.Existed += c.Existed
	sum.Rejected += c.Rejected
	sum.Warnings += c.Warnings
}
