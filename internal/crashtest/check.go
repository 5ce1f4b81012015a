package crashtest

import (
	"fmt"

	"licenseimport/events"
)

// License names a license.
type License struct{ Product, Key string }

// Row is a row as a client sent it.
type Row struct {
	License
	Invalid bool   // it has to be rejected
	Email   string // of its customer; empty: it has none
	Store   string // the store id of its order; empty: an order of its own
}

// Upload is one file as its client saw it. A client that repeats an upload with
// the same Idempotency-Key makes one Upload, not two.
type Upload struct {
	Name         string // of the file; no two uploads have the same
	Rows         []Row
	Whole        bool         // the client sent it to the last byte, once at least
	Acknowledged bool         // it was answered 200
	Job          events.JobID // that the answer named
}

// Stored is one event as the stream LICENSES holds it.
type Stored struct {
	Seq   events.Seq
	Event events.Event
}

// Received is one row as the stream ROWS holds it.
type Received struct {
	Job events.JobID
	Row events.Row
	License
}

// Report is what Check found. The first three count rows.
type Report struct {
	Acknowledged, Recovered, CutOff int

	Imported, Existed, Rejected int // outcomes

	Lost, Duplicated, Unexpected Faults

	// Results are what each import that was sealed has to show, by job.
	Results map[events.JobID]Result
}

// Faults are sentences about what is wrong, and where.
type Faults []string

// String tells the number and the first few.
func (f Faults) String() string {
	text := fmt.Sprint(len(f))
	for i, fault := range f {
		if i == 5 {
			return text + "; …"
		}
		text += "; " + fault
	}
	return text
}

func (f *Faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// OK tells whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Lost)+len(r.Duplicated)+len(r.Unexpected) == 0 }

// String tells all counts.
func (r *Report) String() string {
	return fmt.Sprintf("rows acknowledged %d, recovered %d, cut off %d; outcomes imported %d, existed %d, rejected %d; lost %v; duplicated %v; unexpected %v",
		r.Acknowledged, r.Recovered, r.CutOff, r.Imported, r.Existed, r.Rejected, r.Lost, r.Duplicated, r.Unexpected)
}

// Check compares what clients saw with both streams, ROWS and LICENSES, each read in
// order when every import has ended. It knows partial imports, and all_or_nothing ones
// without an invalid row; none of them cancelled.
func Check(uploads []Upload, rows []Received, stream []Stored) *Report {
	c := &checker{
		Report:  Report{Results: map[events.JobID]Result{}},
		uploads: map[string]*Upload{}, sealed: map[string]*run{}, runs: map[events.JobID]*run{}, made: newMade(),
	}
	for i := range uploads {
		c.uploads[uploads[i].Name] = &uploads[i]
	}
	var last events.Seq
	for _, s := range stream {
		if s.Seq <= last {
			c.Duplicated.add("sequence %d comes after %d", s.Seq, last)
		}
		last = s.Seq
		c.event(s.Event)
	}
	for _, row := range rows {
		c.received(row)
	}
	c.end(uploads)
	return &c.Report
}

// checker is a check under way.
type checker struct {
	Report
	uploads map[string]*Upload
	runs    map[events.JobID]*run
	sealed  map[string]*run // by the upload's name
	made    *made
}

// run is one import of an upload: a repeated upload may have several, of which
// one at most is sealed.
type run struct {
	job      events.JobID
	upload   *Upload
	sealed   bool
	ended    bool
	stored   events.Row // in the stream of rows
	outcomes []bool     // by row, from 0
	counts   events.Counts
	position events.Row // of the last progress
	result   Result
}

func (c *checker) event(e events.Event) {
	if started, ok := e.(*events.ImportStarted); ok {
		c.started(started)
		return
	}
	r := c.runs[e.Job()]
	if r == nil {
		if _, orphan := e.(*events.ImportAborted); !orphan { // rows alone had been stored
			c.Unexpected.add("%s of import %d, which never started", e.Type(), e.Job())
		}
		return
	}
	if r.ended {
		c.Unexpected.add("%s %s after the import's end", e.Type(), e.ID())
	}
	switch e := e.(type) {
	case *events.ImportSealed:
		c.seal(r, e)
	case *events.ImportAborted:
		r.ended = true
		if r.sealed {
			c.Unexpected.add("import %d is aborted after its seal", r.job)
		}
	case *events.LicenseImported:
		c.imported(r, e)
	case *events.LicenseExisted:
		c.existed(r, e)
	case *events.RowRejected:
		c.rejected(r, e)
	case *events.ImportProgressed:
		c.position(r, e, e.Phase, e.Row, e.Counts)
	case *events.ImportFinished:
		c.finished(r, e)
	case *events.RowReceived, *events.ImportCancelled: // in the other stream; no test cancels
		c.Unexpected.add("%s of import %d", e.Type(), r.job)
	default:
		c.Unexpected.add("%s of import %d: the checker has no case for this type", e.Type(), r.job)
	}
}

func (c *checker) started(e *events.ImportStarted) {
	upload := c.uploads[e.FileName]
	switch {
	case upload == nil:
		c.Unexpected.add("import %d of %q, which nobody uploaded", e.JobID, e.FileName)
	case c.runs[e.JobID] != nil:
		c.Duplicated.add("import %d starts again", e.JobID)
	default:
		c.runs[e.JobID] = &run{job: e.JobID, upload: upload, outcomes: make([]bool, len(upload.Rows))}
	}
}

func (c *checker) seal(r *run, e *events.ImportSealed) {
	if r.sealed || c.sealed[r.upload.Name] != nil {
		c.Duplicated.add("%s is sealed again, as import %d", r.upload.Name, r.job)
		return
	}
	r.sealed = true
	c.sealed[r.upload.Name] = r
	if !r.upload.Whole {
		c.Unexpected.add("import %d is sealed, although %s was not sent to its end", r.job, r.upload.Name)
	}
	if int(e.Rows) != len(r.upload.Rows) {
		c.Unexpected.add("import %d is sealed with %d rows instead of %d", r.job, e.Rows, len(r.upload.Rows))
	}
}

// received takes a row that is stored. Those of uploads that were cut off count for
// nothing, as long as they are in order.
func (c *checker) received(row Received) {
	r := c.runs[row.Job]
	switch {
	case r == nil: // rows alone had been stored
	case row.Row <= r.stored:
		c.Duplicated.add("row %d of %s is stored again", row.Row, r.upload.Name)
	case int(row.Row) > len(r.outcomes):
		c.Unexpected.add("row %d of %s is stored, which has %d rows", row.Row, r.upload.Name, len(r.outcomes))
	default:
		for missing := r.stored + 1; missing < row.Row; missing++ {
			c.Lost.add("row %d of %s is not stored, although later ones are", missing, r.upload.Name)
		}
		r.stored = row.Row
		if r.upload.Rows[row.Row-1].License != row.License {
			c.Unexpected.add("row %d of %s is stored as another one", row.Row, r.upload.Name)
		}
	}
}

// outcome takes a row's outcome and gives the row as it was sent; nil where the
// outcome cannot be right whatever it says.
func (c *checker) outcome(r *run, e events.Event, row events.Row) *Row {
	switch {
	case !r.sealed:
		c.Unexpected.add("outcome %s of an upload that is not sealed", e.ID())
		return nil
	case row == 0 || int(row) > len(r.outcomes):
		c.Unexpected.add("outcome %s: the file has %d rows", e.ID(), len(r.outcomes))
		return nil
	case r.outcomes[row-1]:
		c.Duplicated.add("outcome %s: a second one", e.ID())
		return nil
	}
	r.outcomes[row-1] = true
	return &r.upload.Rows[row-1]
}

func (c *checker) imported(r *run, e *events.LicenseImported) {
	row := c.outcome(r, e, e.Row)
	if row == nil {
		return
	}
	c.Imported++
	r.counts.Imported++
	license := License{e.Product.ShortCode, e.License.Key}
	c.follows(e, row, license, e.Customer, e.Order)
	if first, ok := c.made.licenses[license]; ok {
		c.Duplicated.add("%s imports the license that %d/%d imported", e.ID(), first.JobID, first.Row)
		return
	}
	c.made.licenses[license] = events.Origin{JobID: e.JobID, Row: e.Row}
	c.made.imported(row, &r.result)
}

func (c *checker) existed(r *run, e *events.LicenseExisted) {
	row := c.outcome(r, e, e.Row)
	if row == nil {
		return
	}
	c.Existed++
	r.counts.Existed++
	license := License{e.Product.ShortCode, e.LicenseKey}
	c.follows(e, row, license, e.Customer, e.Order)
	if first, ok := c.made.licenses[license]; !ok || first != e.By {
		c.Unexpected.add("%s says that %d/%d imported its license; that was %d/%d", e.ID(), e.By.JobID, e.By.Row, first.JobID, first.Row)
	}
	c.made.existed(row, &r.result)
}

// follows checks that the outcome of a valid row says what the row says.
func (c *checker) follows(e events.Event, row *Row, license License, customer *events.Customer, order events.Order) {
	email := ""
	if customer != nil {
		email = customer.Email
	}
	if row.Invalid || license != row.License || email != row.Email || order.StoreID != row.Store {
		c.Unexpected.add("%s %s does not follow from its row", e.Type(), e.ID())
	}
}

func (c *checker) rejected(r *run, e *events.RowRejected) {
	row := c.outcome(r, e, e.Row)
	if row == nil {
		return
	}
	c.Rejected++
	r.counts.Rejected++
	r.result.Invalid++
	if !row.Invalid {
		c.Unexpected.add("%s is rejected: %v", e.ID(), e.Errors)
	}
}

// position checks what a progress, or the end, says of the rows before it: the
// outcomes up to that row are all there, and no other.
func (c *checker) position(r *run, e events.Event, phase events.Phase, row events.Row, counts events.Counts) {
	counts.Warnings = 0
	decided := counts.Imported + counts.Existed + counts.Rejected
	if counts != r.counts || phase == events.Import && decided != row {
		c.Unexpected.add("%s tells of %+v at row %d; the outcomes before it are %+v", e.ID(), counts, row, r.counts)
	}
	if phase == events.Import && row < r.position {
		c.Unexpected.add("%s goes back from row %d", e.ID(), r.position)
	}
	if phase == events.Import {
		r.position = row
	}
}

func (c *checker) finished(r *run, e *events.ImportFinished) {
	r.ended = true
	if !r.sealed {
		c.Unexpected.add("import %d finishes without a seal", r.job)
		return
	}
	c.position(r, e, events.Import, e.Row, e.Counts)
	if e.Status != events.Success {
		c.Unexpected.add("import %d finishes as %s: %+v", r.job, e.Status, e.Error)
	}
}

// end is the reckoning: what became of each upload.
func (c *checker) end(uploads []Upload) {
	for i := range uploads {
		u := &uploads[i]
		r := c.sealed[u.Name]
		switch {
		case u.Acknowledged && r == nil:
			c.Acknowledged += len(u.Rows)
			for row := range u.Rows {
				c.Lost.add("row %d of %s, acknowledged as import %d, which is not sealed", row+1, u.Name, u.Job)
			}
		case u.Acknowledged:
			c.Acknowledged += len(u.Rows)
			if r.job != u.Job {
				c.Unexpected.add("%s was answered as import %d, and is import %d", u.Name, u.Job, r.job)
			}
		case r != nil:
			c.Recovered += len(u.Rows)
		default:
			c.CutOff += len(u.Rows)
		}
	}
	for _, r := range c.runs {
		c.whole(r)
	}
}

// whole checks one import at its end. A seal is a promise, also where its
// acknowledgement was lost.
func (c *checker) whole(r *run) {
	if !r.ended {
		c.Unexpected.add("import %d of %s has no end", r.job, r.upload.Name)
	}
	if !r.sealed {
		return
	}
	for row := int(r.stored); row < len(r.outcomes); row++ {
		c.Lost.add("row %d of %s, import %d, is not stored", row+1, r.upload.Name, r.job)
	}
	for row, decided := range r.outcomes {
		if !decided {
			c.Lost.add("row %d of %s, import %d, has no outcome", row+1, r.upload.Name, r.job)
		}
	}
	r.result.Total = len(r.outcomes)
	r.result.Valid = r.result.Total - r.result.Invalid
	c.Results[r.job] = r.result
}
