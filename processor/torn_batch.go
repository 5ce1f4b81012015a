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
// Only outcomes at the subjects outcomes.<job>.* are here. A torn LicenseImported is found where
// any existing license is found, by a look-up: its origin is the row itself (see [Outcomes]).
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
