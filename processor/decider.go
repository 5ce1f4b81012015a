package processor

import (
	"context"
	"slices"

	"licenseimport/events"
)

// A decider is what a kind of import asks of the processor. What a row is about has a subject, and its last event
// there tells what it is now. A kind needs a subject and decide; where a field is zero, all rows are looked up,
// and an outcome at its row's subject is stored only if the last event there is the one that decide saw.
type decider struct {
	// subject is where the events of what a valid row is about stand.
	subject func(*Verdict) string
	// decide is the outcome of a valid row: pure. now is what the row is about.
	decide func(p *Policy, v *Verdict, now Aggregate) events.Outcome

	// check applies the rules that no single column has, and complete fills in the defaults of a valid row.
	check    func(*Policy, *Verdict)
	complete func(*Verdict)
	warnings []warningRule

	// resolve finds out what the rows belong to, or rejects them. Without it the subject follows from the row
	// alone.
	resolve func(context.Context, *Processor, *Policy, []*Verdict) error
	// resolvable: an invalid row gives all that resolve needs. nil: none does.
	resolvable func(*Verdict) bool
	// filter matches the row's subject before resolve. nil: it is the subject.
	filter func(*Verdict) string

	// group is the same for all rows that may turn out to have one subject. nil: it is the subject.
	group func(*Verdict) string

	// selective: most of what rows are about is new, so that only what may exist is looked up.
	selective bool
	// folded: the readers of the stream find out what became of a row, so that decide needs nothing but the row
	// and those before it, and a subject may be written any number of times.
	folded bool
	// made stands for what an earlier row of a dry run has made, where nothing updates it. nil: that row's
	// outcome does.
	made events.Outcome
	// undo takes an import back. nil: nothing does.
	undo *undoRules
}

// deciders has one row for each kind, by its name.
var deciders = map[string]*decider{
	events.Licenses.Name:  &licenseRules,
	events.Features.Name:  &featureRules,
	events.Customers.Name: &customerRules,
}

func deciderOf(kind *events.Kind) *decider { return deciders[kind.Name] }

// writes reports whether an outcome stands at its row's subject and follows the last event there.
func (d *decider) writes(outcome events.Outcome) bool {
	if d.folded {
		return false
	}
	result := outcome.Result()
	return result == events.Imported || result == events.Updated
}

// where matches the subject of a row's outcome.
func (d *decider) where(v *Verdict) string {
	if d.filter != nil {
		return d.filter(v)
	}
	return v.Subject()
}

// identity is the same for rows that may be about the same. It needs no look-up.
func (d *decider) identity(v *Verdict) string {
	if d.group != nil {
		return d.group(v)
	}
	return v.Subject()
}

// resolves reports whether the row gives what resolve needs.
func (d *decider) resolves(v *Verdict) bool {
	return v.Valid() || d.resolvable != nil && d.resolvable(v)
}

// resolveRows finds out what the rows belong to, but for those whose outcome is stored. A row that is invalid
// otherwise is looked up, too, so that it has all its errors.
func (d *decider) resolveRows(ctx context.Context, p *Processor, policy *Policy, verdicts []Verdict) error {
	if d.resolve == nil {
		return nil
	}
	rows := make([]*Verdict, 0, len(verdicts))
	for i := range verdicts {
		if v := &verdicts[i]; v.Stored == nil && d.resolves(v) {
			rows = append(rows, v)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return d.resolve(ctx, p, policy, slices.Clip(rows))
}
