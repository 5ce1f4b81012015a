package processor

import (
	"context"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// prefetchLookups looks up what rows are about while the batches before are staged and committed. Which rows,
// the policies say. The returned channel is closed when in is.
func (p *Processor) prefetchLookups(
	ctx context.Context, in <-chan judgedRows, start job, policy *Policy, lookups *lookupPolicy,
) <-chan judgedRows {
	out := make(chan judgedRows, 1)
	go func() {
		defer close(out)
		for b := range in {
			if b.serial = lookups.serial(); !b.serial && b.err == nil {
				which := (*Verdict).Valid
				if all := lookups.lookUpAll(); policy.decider().selective && !all && !policy.looksUpAll(start.decides()) {
					which = func(v *Verdict) bool { return v.MaybeRepeated }
				}
				b.aggregates, b.err = p.lookUp(ctx, policy, b.verdicts, which)
				lookups.observe(b.aggregates, start.Job)
			}
			select {
			case out <- b:
			case <-ctx.Done(): // nobody receives: read on until in is closed
			}
		}
	}()
	return out
}

// looksUpAll reports whether each row's outcome depends on what there is already.
func (p *Policy) looksUpAll(decides bool) bool {
	return p.Preview || decides && p.Existing == events.UpdateExisting
}

// lookUp finds out what all rows belong to, asks the stream for what those are about that which selects, and
// returns what has an event.
func (p *Processor) lookUp(
	ctx context.Context, policy *Policy, verdicts []Verdict, which func(*Verdict) bool,
) (Aggregates, error) {
	rules := policy.decider()
	if err := rules.resolveRows(ctx, p, policy, verdicts); err != nil || rules.folded {
		return Aggregates{}, err
	}
	subjects := make([]string, 0, len(verdicts))
	for i := range verdicts {
		if which(&verdicts[i]) {
			subjects = append(subjects, verdicts[i].Subject())
		}
	}
	return p.lastEvents(ctx, policy.witness(), subjects)
}

// lastEvents reads the last event at each of the subjects that have one, from a replica that has the witness.
func (p *Processor) lastEvents(ctx context.Context, since eventlog.Witness, subjects []string) (Aggregates, error) {
	found := Aggregates{}
	err := p.log.LookupSince(ctx, since, subjects, func(m eventlog.Message) error {
		aggregate, err := decodeAggregate(&m)
		if err == nil {
			found[m.Subject] = aggregate
		}
		return err
	})
	return found, err
}
