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
type tornOutcomes map[events.Row]events.Event

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
		switch e := envelope.Event.(type) {
		case *events.RowRejected:
			torn[e.Row] = e
		case *events.LicenseExisted:
			torn[e.Row] = e
		case *events.LicenseUpdateProposed:
			torn[e.Row] = e
		case *events.LicenseKept:
			torn[e.Row] = e
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
		verdicts[i].Stored = t[verdicts[i].Row.Row]
	}
}

// findStored sets Stored of the rows after the job's position whose outcome stands at their license's
// subject, behind events of others. Outcomes itself sees one that is the license's last event. All events of
// a torn batch follow the job's last fact, and are of the rows of one batch.
func (p *Processor) findStored(ctx context.Context, j job, verdicts []Verdict, licenses Licenses) error {
	for i := range verdicts {
		v := &verdicts[i]
		if v.Row.Row > j.Progress.Row+maxRows {
			return nil
		}
		if !v.Valid() || v.Stored != nil {
			continue
		}
		license := licenses[v.Subject()]
		for license.Seq > j.Last.Seq && !isOutcomeOf(license.Last, v.Row) {
			m, found, err := p.log.MessageAt(ctx, eventBefore(license.Last))
			if err != nil {
				return err
			}
			license = License{}
			if found {
				if license, err = decodeLicense(&m); err != nil {
					return err
				}
			}
		}
		if license.Seq > j.Last.Seq {
			v.Stored = license.Last
		}
	}
	return nil
}
