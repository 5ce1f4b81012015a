package processor

import (
	"context"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// lookUpAhead looks up licenses while the batches before are staged and committed: those that
// rows of the job name again, or all where other jobs' keep turning up. It ends after in has.
func (p *Processor) prefetchLookups(ctx context.Context, in <-chan judgedRows, job events.JobID, c *lookupPolicy) <-chan judgedRows {
	out := make(chan judgedRows, 1)
	go func() {
		defer close(out)
		for b := range in {
			if b.serial = c.serial(); !b.serial && b.err == nil {
				which := func(v *Verdict) bool { return v.MaybeRepeated }
				if c.lookUpAll() {
					which = (*Verdict).Valid
				}
				b.origins, b.err = p.lookUp(ctx, b.verdicts, which)
				c.observe(b.origins, job)
			}
			select {
			case out <- b:
			case <-ctx.Done(): // nobody wants what is left
			}
		}
	}()
	return out
}

// lookUp finds out which row made each of the rows' licenses that are stored.
func (p *Processor) lookUp(ctx context.Context, verdicts []Verdict, which func(*Verdict) bool) (Origins, error) {
	subjects := make([]string, 0, len(verdicts))
	for i := range verdicts {
		if which(&verdicts[i]) {
			subjects = append(subjects, verdicts[i].Subject())
		}
	}
	origins := Origins{}
	err := p.log.Lookup(ctx, subjects, func(m eventlog.Message) error {
		license, err := decodeAs[*events.LicenseImported](events.LicensesStream, m)
		if err == nil {
			origins[m.Subject] = events.Origin{JobID: license.JobID, Row: license.Row}
		}
		return err
	})
	return origins, err
}
