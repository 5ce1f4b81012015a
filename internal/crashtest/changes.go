package crashtest

import (
	"fmt"
	"iter"
	"slices"

	"licenseimport/events"
)

// changeRun is one import.
type changeRun struct {
	job       events.JobID
	rows      []ChangeRow
	updates   bool
	retryOf   events.JobID
	sealed    bool
	sealedAt  events.Seq
	cancelled bool
	ended     bool
	whole     bool // it decided every row
	outcomes  []bool
	rejected  []ChangeRow
	counts    events.Counts
	undoing   bool
	undone    bool
	undo      events.UndoCounts
	handled   map[events.Row]bool // by an undo
}

// Changes is the result of CheckChanges.
type Changes struct {
	Imported, Updated, Existed, Rejected, Revoked, Restored, Kept int
	Retries, Undos, Cancelled                                     int

	Lost, Duplicated, Unexpected Faults

	Features int // outcomes of rows of features

	Licenses map[License]Cells // those that exist at the end
	Has      map[Item]Cells    // the features of those
}

// OK reports whether there is no fault.
func (r *Changes) OK() bool { return len(r.Lost)+len(r.Duplicated)+len(r.Unexpected) == 0 }

// String is a line with all counts.
func (r *Changes) String() string {
	return fmt.Sprintf("imported %d, updated %d, existed %d, rejected %d; %d undos: revoked %d, restored %d, kept %d; retries %d, cancelled %d; rows of features %d; licenses %d, their features %d; lost %v; duplicated %v; unexpected %v",
		r.Imported, r.Updated, r.Existed, r.Rejected, r.Undos, r.Revoked, r.Restored, r.Kept, r.Retries, r.Cancelled,
		r.Features, len(r.Licenses), len(r.Has), r.Lost, r.Duplicated, r.Unexpected)
}

// CheckChanges compares what clients asked for with the stream LICENSES, read after every import and undo has
// ended. Each license's events have to be some that a single process could have written, one at a time.
func CheckChanges(uploads []ChangeUpload, asked Requests, stream iter.Seq[Stored]) *Changes {
	c := &changeChecker{uploads: map[string]*ChangeUpload{}, runs: map[events.JobID]*changeRun{},
		stories: map[Item]*changedItem{}, retries: map[events.JobID]int{}}
	for i := range uploads {
		c.uploads[uploads[i].Name] = &uploads[i]
	}
	for s := range stream {
		c.event(s)
	}
	c.finish(asked)
	return &c.Changes
}

type changeChecker struct {
	Changes
	uploads map[string]*ChangeUpload
	runs    map[events.JobID]*changeRun
	stories map[Item]*changedItem
	retries map[events.JobID]int // sealed, by the import that they retry
}

func (c *changeChecker) story(of Item) *changedItem {
	s := c.stories[of]
	if s == nil {
		s = &changedItem{buried: map[events.JobID]bool{}}
		c.stories[of] = s
	}
	return s
}

func (c *changeChecker) license(l License) *changedItem { return c.story(Item{License: l}) }

func (c *changeChecker) event(s Stored) {
	if e, ok := s.Event.(*events.ImportStarted); ok {
		c.started(e)
		return
	}
	if _, ok := s.Event.(events.Operation); ok {
		return // of keys, products and mappings: no import's
	}
	r := c.runs[s.Event.Job()]
	if r == nil {
		if _, orphan := s.Event.(*events.ImportAborted); !orphan {
			c.Unexpected.add("%s %s of an import that never started", s.Event.Type(), s.Event.ID())
		}
		return
	}
	switch e := s.Event.(type) {
	case *events.LicenseImported:
		c.imported(r, e, s.Seq)
	case *events.LicenseUpdated:
		c.updated(r, e, s.Seq)
	case *events.LicenseExisted:
		c.existed(r, e)
	case *events.RowRejected:
		c.rejected(r, e)
	case *events.LicenseRevoked:
		c.revoked(r, e, s.Seq)
	case *events.LicenseRestored:
		c.restored(r, e, s.Seq)
	case *events.LicenseKept:
		c.kept(r, e)
	default:
		if !c.feature(r, e, s.Seq) {
			c.fact(r, e, s.Seq)
		}
	}
}

func (c *changeChecker) started(e *events.ImportStarted) {
	if c.runs[e.JobID] != nil {
		c.Duplicated.add("import %d starts again", e.JobID)
		return
	}
	r := &changeRun{job: e.JobID, retryOf: e.RetryOf, updates: e.Existing == events.UpdateExisting, handled: map[events.Row]bool{}}
	if first := c.runs[e.RetryOf]; first != nil {
		r.rows = first.rejected
	} else if u := c.uploads[e.FileName]; u != nil {
		r.rows = u.Rows
		if u.Updates != r.updates {
			c.Unexpected.add("import %d says existing=%s", e.JobID, e.Existing)
		}
	} else {
		c.Unexpected.add("import %d of %q, which nobody uploaded", e.JobID, e.FileName)
	}
	r.outcomes = make([]bool, len(r.rows))
	c.runs[e.JobID] = r
}

// fact follows the facts of the import itself.
func (c *changeChecker) fact(r *changeRun, e events.Event, seq events.Seq) {
	switch e := e.(type) {
	case *events.ImportSealed:
		r.sealed, r.sealedAt = true, seq
		if r.retryOf != 0 {
			c.retries[r.retryOf]++
			c.Retries++
		}
		if int(e.Rows) != len(r.rows) {
			c.Unexpected.add("import %d is sealed with %d rows instead of %d", r.job, e.Rows, len(r.rows))
		}
	case *events.ImportAborted:
		r.ended = true
	case *events.ImportCancelled:
		r.cancelled = true
		r.ended = r.ended || !r.sealed
		c.Cancelled++
	case *events.ImportProgressed:
		c.progress(r, e.ID(), e.Row, e.Counts)
	case *events.ImportFinished:
		r.ended, r.whole = true, e.Status == events.Success
		c.progress(r, e.ID(), e.Row, e.Counts)
	case *events.UndoStarted:
		if !r.ended || !r.sealed || r.undoing {
			c.Unexpected.add("the undo of import %d starts out of turn", r.job)
		}
		r.undoing = true
		c.Undos++
	case *events.UndoProgressed:
		c.undoCounts(r, e.ID(), e.UndoCounts)
	case *events.UndoFinished:
		c.undoCounts(r, e.ID(), e.UndoCounts)
		r.undone = true
	default:
		c.Unexpected.add("%s of import %d: the checker has no case for this type", e.Type(), r.job)
	}
}

func (c *changeChecker) progress(r *changeRun, id string, row events.Row, counts events.Counts) {
	counts.Warnings = 0
	if counts != r.counts || counts.Imported+counts.Updated+counts.Existed+counts.Rejected != row {
		c.Unexpected.add("%s tells of %+v at row %d; the outcomes before it are %+v", id, counts, row, r.counts)
	}
}

func (c *changeChecker) undoCounts(r *changeRun, id string, counts events.UndoCounts) {
	if counts != r.undo || !r.undoing || r.undone {
		c.Unexpected.add("%s tells of %+v; the outcomes before it are %+v", id, counts, r.undo)
	}
}

// outcome records the outcome of a row, and returns the row or nil.
func (c *changeChecker) outcome(r *changeRun, e events.Event, row events.Row) *ChangeRow {
	switch {
	case !r.sealed || r.cancelled || r.ended:
		c.Unexpected.add("outcome %s before the seal or after the end", e.ID())
		return nil
	case row == 0 || int(row) > len(r.rows):
		c.Unexpected.add("outcome %s: the file has %d rows", e.ID(), len(r.rows))
		return nil
	case r.outcomes[row-1]:
		c.Duplicated.add("outcome %s: a second one", e.ID())
		return nil
	}
	r.outcomes[row-1] = true
	return &r.rows[row-1]
}

func (c *changeChecker) imported(r *changeRun, e *events.LicenseImported, seq events.Seq) {
	c.Imported++
	r.counts.Imported++
	state, _ := events.StateAfter(e)
	license := License{e.Product.ShortCode, e.License.Key}
	s := c.license(license)
	if row := c.outcome(r, e, e.Row); row != nil {
		c.compare(e, row, Item{License: license}, row.first(), cellsOf(state))
	}
	if len(s.stack) > 0 {
		c.Duplicated.add("%s imports a license that %v made", e.ID(), s.maker)
	}
	s.lives = append(s.lives, life{made: seq})
	s.push(events.Origin{JobID: e.JobID, Row: e.Row}, cellsOf(state), seq)
}

// compare checks that an outcome follows from its row.
func (c *changeChecker) compare(e events.Event, row *ChangeRow, item Item, want, got Cells) {
	if row.Validity == Invalid || row.Item != item || want != got {
		c.Unexpected.add("%s %s: %v %+v does not follow from its row %+v, which gives %+v", e.Type(), e.ID(), item, got,
			*row, want)
	}
}

func (c *changeChecker) updated(r *changeRun, e *events.LicenseUpdated, seq events.Seq) {
	state, _ := events.StateAfter(e)
	c.update(r, change{e, Item{License: License{e.Product.ShortCode, e.License.Key}}, cellsOf(state), e.Changed,
		e.Previous, e.By, seq})
}

// change is an event that changes a license or feature.
type change struct {
	event    events.Outcome
	item     Item
	after    Cells
	changed  []events.Change
	previous events.Seq
	by       events.Origin
	seq      events.Seq
}

func (c *changeChecker) update(r *changeRun, u change) {
	c.Updated++
	r.counts.Updated++
	s := c.story(u.item)
	row := c.outcome(r, u.event, u.event.Origin().Row)
	switch {
	case len(s.stack) == 0:
		c.Unexpected.add("%s updates what does not exist", u.event.ID())
	case !r.updates:
		c.Unexpected.add("%s updates, and its import keeps", u.event.ID())
	case row != nil:
		top := s.stack[len(s.stack)-1]
		c.compare(u.event, row, u.item, top.cells.update(row.Cells), u.after)
		c.follows(u.event, s, u.previous, u.by)
		c.checkChanged(u.event, top.cells, u.after, u.changed)
	}
	s.push(u.event.Origin(), u.after, u.seq)
}

// follows checks that an event was decided from the license's last state.
func (c *changeChecker) follows(e events.Event, s *changedItem, previous events.Seq, by events.Origin) {
	if previous != s.last {
		c.Lost.add("%s %s was decided after sequence %d; the last event is %d", e.Type(), e.ID(), previous, s.last)
	}
	if by != s.maker {
		c.Unexpected.add("%s %s says that %v made it; that was %v", e.Type(), e.ID(), by, s.maker)
	}
}

func (c *changeChecker) checkChanged(e events.Event, before, after Cells, changed []events.Change) {
	var columns []string
	for _, change := range changed {
		columns = append(columns, change.Column)
	}
	if want := before.differing(after); len(want) == 0 || !slices.Equal(columns, want) {
		c.Unexpected.add("%s says that %v changed; that is %v", e.ID(), columns, want)
	}
}

// existed checks an outcome that changes nothing. Another import may change the license between the look-up
// and the append, so the row is compared with all states that there were.
func (c *changeChecker) existed(r *changeRun, e *events.LicenseExisted) {
	c.exists(r, e, Item{License: License{e.Product.ShortCode, e.LicenseKey}}, e.By)
}

func (c *changeChecker) exists(r *changeRun, e events.Outcome, item Item, by events.Origin) {
	c.Existed++
	r.counts.Existed++
	s := c.story(item)
	row := c.outcome(r, e, e.Origin().Row)
	if row == nil {
		return
	}
	unchanged := func(past Cells) bool { return past.update(row.Cells) == past }
	if row.Validity == Invalid || row.Item != item || !slices.Contains(s.makers, by) ||
		r.updates && !slices.ContainsFunc(s.past, unchanged) {
		c.Unexpected.add("%s existed, made by %v; row %+v, makers %v, states %+v", e.ID(), by, *row, s.makers, s.past)
	}
}

func (c *changeChecker) rejected(r *changeRun, e *events.RowRejected) {
	c.Rejected++
	r.counts.Rejected++
	row := c.outcome(r, e, e.Row)
	if row == nil {
		return
	}
	r.rejected = append(r.rejected, *row)
	switch {
	case row.Code != "" && row.Validity == Valid:
		c.withoutLicense(r, e, row)
	case row.Validity == Valid:
		c.Unexpected.add("%s is rejected: %v", e.ID(), e.Errors)
	}
}

func (c *changeChecker) finish(asked Requests) {
	c.Licenses, c.Has = map[License]Cells{}, map[Item]Cells{}
	for item, s := range c.stories {
		if len(s.stack) == 0 {
			continue
		}
		top := s.stack[len(s.stack)-1]
		if item.Code == "" {
			c.Licenses[item.License] = top.cells
		} else if c.license(item.License).exists(s.of) {
			c.Has[item] = top.cells
		}
		if c.runs[top.by.JobID].undone && !s.buried[top.by.JobID] {
			c.Lost.add("%v is still as import %d left it, which was undone", item, top.by.JobID)
		}
	}
	for _, r := range c.runs {
		c.checkRun(r, asked)
	}
	for job, n := range c.retries {
		if n > asked.Retried[job] {
			c.Duplicated.add("import %d was retried %d times, asked for %d times", job, n, asked.Retried[job])
		}
	}
	for _, u := range c.uploads {
		if r := c.runs[u.Job]; u.Acknowledged && (r == nil || !r.sealed) {
			c.Lost.add("%s, acknowledged as import %d, is not sealed", u.Name, u.Job)
		}
	}
}

func (c *changeChecker) checkRun(r *changeRun, asked Requests) {
	if !r.ended {
		c.Unexpected.add("import %d has no end", r.job)
	}
	if r.undoing != r.undone {
		c.Unexpected.add("the undo of import %d has no end", r.job)
	}
	if asked.Undone[r.job] && !r.undone {
		c.Lost.add("the undo of import %d was accepted and did not happen", r.job)
	}
	if r.whole && slices.Contains(r.outcomes, false) {
		c.Lost.add("import %d decided %d of %d rows", r.job, slices.Index(r.outcomes, false), len(r.outcomes))
	}
}
