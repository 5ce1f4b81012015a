package processor

import (
	"context"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// prefetchLookups looks licenses up while the batches before are staged and committed. Which ones,
// the policies say. The returned channel is closed when in is.
func (p *Processor) prefetchLookups(
	ctx context.Context, in <-chan judgedRows, start job, policy *Policy, lookups *lookupPolicy,
) <-chan judgedRows {
	out := make(chan judgedRows, 1)
	go func() {
		defer close(out)
		for b := range in {
			if b.serial = lookups.serial(); !b.serial && b.err == nil {
				which := func(v *Verdict) bool { return v.MaybeRepeated }
				if lookups.lookUpAll() || start.decides() && policy.Existing == events.UpdateExisting || policy.Preview {
					which = (*Verdict).Valid
				}
				b.licenses, b.err = p.lookUp(ctx, b.verdicts, which)
				lookups.observe(b.licenses, start.Job)
			}
			select {
			case out <- b:
			case <-ctx.Done(): // nobody receives: read on until in is closed
			}
		}
	}()
	return out
}

// lookUp asks the stream for the licenses of the rows that which selects, and returns those that have an
// event.
func (p *Processor) lookUp(ctx context.Context, verdicts []Verdict, which func(*Verdict) bool) (Licenses, error) {
	subjects := make([]string, 0, len(verdicts))
	for i := range verdicts {
		if which(&verdicts[i]) {
			subjects = append(subjects, verdicts[i].Subject())
		}
	}
	licenses := Licenses{}
	err := p.log.Lookup(ctx, subjects, func(m eventlog.Message) error {
		license, err := decodeLicense(&m)
		if err == nil {
			licenses[m.Subject] = license
		}
		return err
	})
	return licenses, err
}
