package processor

import (
	"context"
	"errors"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// kept are outcomes that the stream holds behind a job's position, by row. There are none
// but after damage: a batch is stored whole or not at all, unless the disk was full
// in the middle of one, or its file was cut. Their rows are not given a second outcome.
// A license that is made already is seen when it is looked up; these are the others.
type tornOutcomes map[events.Row]events.Event

var errLastOutcome = errors.New("the last outcome of the job")

// kept reads what half a batch left of the job's other outcomes.
func (p *Processor) readTornOutcomes(ctx context.Context, j job) (tornOutcomes, error) {
	filter := events.OutcomesFilter(j.id)
	last, found, err := p.log.Fact(ctx, filter)
	if err != nil || !found || last.Seq <= j.lastSeq {
		return nil, err
	}
	k := tornOutcomes{}
	err = p.log.Follow(ctx, j.lastSeq, []string{filter}, func(m eventlog.Message) error {
		event, err := decode(events.LicensesStream, m)
		if err != nil {
			return err
		}
		switch e := event.(type) {
		case *events.RowRejected:
			k[e.Row] = e
		case *events.LicenseExisted:
			k[e.Row] = e
		}
		if m.Seq >= last.Seq {
			return errLastOutcome
		}
		return nil
	})
	if !errors.Is(err, errLastOutcome) {
		return nil, err
	}
	return k, nil
}

// mark tells the verdicts of their kept outcomes.
func (k tornOutcomes) attach(verdicts []Verdict) {
	if len(k) == 0 {
		return
	}
	for i := range verdicts {
		verdicts[i].Stored = k[verdicts[i].Row.Row]
	}
}
