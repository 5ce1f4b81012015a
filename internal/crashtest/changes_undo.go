package crashtest

import (
	"licenseimport/events"
)

// taken records what an undo did about a license or feature. It returns what is known of it, or nil.
func (c *changeChecker) taken(r *changeRun, e events.Event, row events.Row, item Item) *changedItem {
	switch {
	case !r.undoing || r.undone:
		c.Unexpected.add("%s %s outside an undo", e.Type(), e.ID())
		return nil
	case r.handled[row]:
		c.Duplicated.add("%s %s: the undo has passed this row", e.Type(), e.ID())
		return nil
	}
	r.handled[row] = true
	return c.story(item)
}

func (c *changeChecker) revoked(r *changeRun, e *events.LicenseRevoked, seq events.Seq) {
	item := Item{License: License{e.Product.ShortCode, e.LicenseKey}}
	c.revoke(r, e, item, e.Previous, seq)
	if s := c.story(item); len(s.lives) > 0 {
		s.lives[len(s.lives)-1].revoked = seq
	}
}

func (c *changeChecker) revoke(r *changeRun, e events.Outcome, item Item, previous, seq events.Seq) {
	c.Revoked++
	r.undo.Revoked++
	s := c.taken(r, e, e.Origin().Row, item)
	if s == nil {
		return
	}
	c.follows(e, s, previous, s.maker)
	if first := s.pop(r.job); first != e.Origin().Row || len(s.stack) > 0 {
		c.Unexpected.add("%s revokes what is not the import's alone: row %d began it, below it are %+v", e.ID(), first,
			s.stack)
	}
	s.last = seq
}

func (c *changeChecker) restored(r *changeRun, e *events.LicenseRestored, seq events.Seq) {
	state, _ := events.StateAfter(e)
	c.restore(r, change{e, Item{License: License{e.Product.ShortCode, e.License.Key}}, cellsOf(state), e.Changed,
		e.Previous, e.By, seq})
}

func (c *changeChecker) restore(r *changeRun, u change) {
	c.Restored++
	r.undo.Restored++
	s := c.taken(r, u.event, u.event.Origin().Row, u.item)
	if s == nil || len(s.stack) == 0 {
		c.Unexpected.add("%s restores what does not exist", u.event.ID())
		return
	}
	before := s.stack[len(s.stack)-1].cells
	c.follows(u.event, s, u.previous, u.by)
	first := s.pop(r.job)
	if first != u.event.Origin().Row || len(s.stack) == 0 || s.stack[len(s.stack)-1].cells != u.after {
		c.Unexpected.add("%s restores %+v; row %d began it, below it are %+v", u.event.ID(), u.after, first, s.stack)
	}
	if before != u.after {
		c.checkChanged(u.event, before, u.after, u.changed)
	}
	s.past = append(s.past, u.after)
	s.last = u.seq
}

// kept checks that another import has changed the license since, at some time: its undo may have come
// between the look-up and the append.
func (c *changeChecker) kept(r *changeRun, e *events.LicenseKept) {
	c.keep(r, e, Item{License: License{e.Product.ShortCode, e.LicenseKey}})
}

func (c *changeChecker) keep(r *changeRun, e events.Outcome, item Item) {
	c.Kept++
	r.undo.Kept++
	s := c.taken(r, e, e.Origin().Row, item)
	if s != nil && !s.buried[r.job] {
		c.Unexpected.add("%s is kept, and no other import changed it: %+v", e.ID(), s.stack)
	}
}
