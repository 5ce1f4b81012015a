package processor

import (
	"context"
	"errors"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// tornOutcomes are the outcomes, by row, that the stream holds after a job's last fact: the first
// messages of a batch whose last message, the position, is not stored. doc.go says when that can
// happen. Their rows do not get a second outcome.
//
// Only outcomes at the subjects outcomes.<job>.* are here. One at a license's subject is found by the
// look-up of the license: it is the last event, or one before it (see findStored).
type tornOutcomes map[events.Row]events.Outcome

var errLastOutcome = errors.New("the last outcome of the job")

// readTornOutcomes reads the outcomes after the job's last fact: one request if there are none.
func (p *Processor) readTornOutcomes(ctx context.Context, j job) (tornOutcomes, error) {
	filter := events.OutcomesFilter(j.Job)
	last, found, err := p.log.Fact(ctx, filter)
	if err != nil || !found || last.Seq <= j.Last.Seq {
		return nil, err
	}
	torn := tornOutcomes{}
	err = p.log.Follow(ctx, j.Last.Seq, []string{filter}, func(m eventlog.Message) error {
		envelope, err := m.Decode()
		if err != nil {
			return err
		}
		if outcome, ok := envelope.Event.(events.Outcome); ok {
			torn[outcome.Origin().Row] = outcome
		}
		if m.Seq >= last.Seq {
			return errLastOutcome
		}
		return nil
	})
	if !errors.Is(err, errLastOutcome) {
		return nil, err
	}
	return torn, nil
}

// attach adds to the verdicts the outcomes that the stream holds already.
func (t tornOutcomes) attach(verdicts []Verdict) {
	if len(t) == 0 {
		return
	}
	for i := range verdicts {
		if outcome := t[verdicts[i].Row.Row]; outcome != nil {
			verdicts[i].Stored = outcome
		}
	}
}

// findStored sets Stored of the rows after the job's position whose outcome stands at the row's subject, also behind
// events of others. All events of a torn batch follow the job's last fact, and are of the rows of one batch.
func (p *Processor) findStored(ctx context.Context, j job, verdicts []Verdict, known Aggregates) error {
	end := 0
	for end < len(verdicts) && verdicts[end].Row.Row <= j.Progress.Row+maxRows {
		end++
	}
	if verdicts = verdicts[:end]; end == 0 {
		return nil
	}
	rules := j.decider()
	if rules.folded || rules.filter != nil { // known lacks what was not looked up, or has another owner now
		filters := make([]string, 0, end)
		for i := range verdicts {
			if v := &verdicts[i]; v.sound {
				filters = append(filters, rules.where(v))
			}
		}
		var err error
		if known, err = p.lastEvents(ctx, eventlog.Witness{}, filters); err != nil {
			return err
		}
	}
	stored, unread := tornOutcomes{}, map[string]events.Seq{}
	for subject, last := range known {
		outcome, ok := last.Last.(events.Outcome)
		switch {
		case last.Seq <= j.Last.Seq || !ok:
		case !rules.folded && outcome.Origin().JobID == j.Job: // a batch writes once at a subject
			stored[outcome.Origin().Row] = outcome
		case !rules.folded && outcome.Result() == events.Imported: // of another job: nothing of this one is before it
		default:
			unread[subject] = last.Seq
		}
	}
	err := p.log.FactsUpTo(ctx, unread, j.Last.Seq, func(m eventlog.Message) error {
		e, err := decodeAggregate(&m)
		if outcome, ok := e.Last.(events.Outcome); ok && outcome.Origin().JobID == j.Job {
			stored[outcome.Origin().Row] = outcome
		}
		return err
	})
	if err == nil {
		stored.attach(verdicts)
	}
	return err
}
