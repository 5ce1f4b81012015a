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
	j job, b judgedRows, outcomes []events.Outcome, position events.ImportProgressed,
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

// send adds the outcomes to the batch, except those that the stream holds already. One at its row's subject
// expects the last event there that is known; the verdict has that subject from the look-up.
func (s *stagedBatch) send(j *job, outcomes []events.Outcome, verdicts []Verdict, now time.Time) error {
	var body []byte // reused: Add copies it
	rules, decides := j.decider(), j.decides()
	for i, outcome := range outcomes {
		v := &verdicts[i]
		if outcome == nil || v.Stored != nil {
			continue
		}
		var event events.Event = outcome
		if !decides {
			if event = j.validationEvent(outcome); event == nil {
				continue
			}
		}
		var err error
		if body, err = events.Append(body[:0], event, now); err != nil {
			return err
		}
		if decides && rules.writes(outcome) {
			err = s.batch.AddAfter(v.Subject(), body, v.Subject(), v.Previous)
		} else {
			err = s.batch.Add(event.Subject(), body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// validationEvent is the event that a validation stores about what the import would make of a row; nil: none.
func (j *job) validationEvent(outcome events.Outcome) events.Event {
	switch {
	case outcome.Result() == events.Rejected:
		return outcome
	case j.Started.DryRun:
		return events.ProposalOf(outcome)
	}
	return nil
}

// stats describes the batch to an observer, when it is acknowledged.
func (s *stagedBatch) stats(kind *events.Kind) BatchStats {
	return BatchStats{
		Kind: kind, Phase: s.position.Phase, Rows: s.rows, Counts: s.counts, Errors: s.errors, Took: time.Since(s.began),
	}
}

// countErrors counts rejected rows by code. A row counts once for each of its codes.
func countErrors(outcomes []events.Outcome) map[events.Code]events.Row {
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
