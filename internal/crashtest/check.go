package crashtest

import (
	"fmt"
	"iter"

	"licenseimport/events"
)

// License names a license.
type License struct{ Product, Key string }

// Row is a row of a file, as the client sent it.
type Row struct {
	License
	Invalid bool   // the row must be rejected
	Email   string // of its customer; "": none
	Store   string // store id of its order; "": the order belongs to this license alone
}

// Upload is one file as its client saw it, or one retry: see [RetryOf]. A client that repeats an
// upload with the same Idempotency-Key makes one Upload, not two.
type Upload struct {
	Name         string // of the file; unique
	Rows         []Row
	Whole        bool         // the client sent all of it, at least once
	Acknowledged bool         // the answer was 200
	Job          events.JobID // of that answer
}

// RetryOf is the name of the Upload that is the retry of another one. Its rows are those that the other
// import rejected. Check expects one retry of an import at most.
func RetryOf(name string) string { return "retry of " + name }

// Stored is one event as the stream LICENSES holds it.
type Stored struct {
	Seq   events.Seq
	Event events.Event
	Batch string // of which it is a message; "": of none
	Last  bool   // it is the batch's last message
}

// Received is one row as the stream ROWS holds it.
type Received struct {
	Job events.JobID
	Row events.Row
	License
}

// Report is the result of Check. The first three fields count rows.
type Report struct {
	Acknowledged, Recovered, CutOff int

	Imported, Existed, Rejected int // outcomes

	Lost, Duplicated, Unexpected Faults
	Torn                         Faults // batches of which only a part is stored

	// Results holds the result that the API must show of each sealed import.
	Results map[events.JobID]Result
}

// Faults are sentences that say what is wrong, and where.
type Faults []string

// String is the number of faults and the first five.
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

// OK reports whether there is no fault.
func (r *Report) OK() bool { return len(r.Lost)+len(r.Duplicated)+len(r.Unexpected)+len(r.Torn) == 0 }

// String is a line with all counts.
func (r *Report) String() string {
	return fmt.Sprintf("rows acknowledged %d, recovered %d, cut off %d; outcomes imported %d, existed %d, rejected %d; lost %v; duplicated %v; unexpected %v; torn %v",
		r.Acknowledged, r.Recovered, r.CutOff, r.Imported, r.Existed, r.Rejected, r.Lost, r.Duplicated, r.Unexpected, r.Torn)
}

// Check compares what clients saw with both streams, ROWS and LICENSES, each read in
// order after every import has ended. It keeps none of their messages: an hour of chaos
// stores millions. It models partial imports, and all_or_nothing imports without an
// invalid row. It does not model cancelled imports.
func Check(uploads []Upload, rows iter.Seq[Received], stream iter.Seq[Stored]) *Report {
	c := &checker{
		Report:  Report{Results: map[events.JobID]Result{}},
		uploads: map[string]*Upload{}, sealed: map[string]*importRun{}, runs: map[events.JobID]*importRun{}, model: newModel(),
	}
	for i := range uploads {
		c.uploads[uploads[i].Name] = &uploads[i]
	}
	var last Stored
	for s := range stream {
		if s.Seq <= last.Seq {
			c.Duplicated.add("sequence %d comes after %d", s.Seq, last.Seq)
		}
		if last.Batch != "" && !last.Last && s.Batch != last.Batch {
			c.Torn.add("a batch ends without its last message at sequence %d", last.Seq)
		}
		last = s
		c.event(s.Event)
	}
	for row := range rows {
		c.received(row)
	}
	c.checkUploads(uploads)
	return &c.Report
}

// checker is the state of one Check.
type checker struct {
	Report
	uploads map[string]*Upload
	runs    map[events.JobID]*importRun
	sealed  map[string]*importRun // by the upload's name
	model   *model
}

// importRun is one import of an upload: a repeated upload may have several, of which
// one at most is sealed.
type importRun struct {
	job      events.JobID
	upload   *Upload
	sealed   bool
	ended    bool
	stored   events.Row // the last row in the stream ROWS
	outcomes []bool     // by row, from 0
	counts   events.Counts
	position events.Row // the row of the last ImportProgressed
	result   Result
}

func (c *checker) event(e events.Event) {
	if _, ok := e.(events.Operation); ok {
		return // of keys, products and mappings: no import's
	}
	if started, ok := e.(*events.ImportStarted); ok {
		c.started(started)
		return
	}
	r := c.runs[e.Job()]
	if r == nil {
		if _, orphan := e.(*events.ImportAborted); !orphan { // of rows without ImportStarted
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
		c.checkProgress(r, e, e.Phase, e.Row, e.Counts)
	case *events.ImportFinished:
		c.finished(r, e)
	case *events.RowReceived, *events.ImportCancelled, *events.EventSetAside, // in the other stream; no test does so
		*events.ManagerKeyCreated, *events.ManagerKeyRevoked, *events.ProductSet, *events.ProductRemoved,
		*events.MappingSaved, *events.MappingRemoved,
		*events.LicenseUpdated, *events.LicenseRevoked, *events.LicenseRestored, *events.LicenseUpdateProposed,
		*events.LicenseKept, *events.UndoStarted, *events.UndoProgressed, *events.UndoFinished,
		*events.LicenseFeatureImported, *events.LicenseFeatureUpdated, *events.LicenseFeatureExisted,
		*events.LicenseFeatureUpdateProposed,
		*events.LicenseFeatureRevoked, *events.LicenseFeatureRestored, *events.LicenseFeatureKept,
		*events.CustomerImported, *events.CustomerImportProposed:
		c.Unexpected.add("%s of import %d", e.Type(), r.job)
	default:
		c.Unexpected.add("%s of import %d: the checker has no case for this type", e.Type(), r.job)
	}
}

func (c *checker) started(e *events.ImportStarted) {
	name := e.FileName
	if e.RetryOf != 0 {
		name = RetryOf(name)
	}
	upload := c.uploads[name]
	first := c.runs[e.RetryOf]
	switch {
	case e.RetryOf != 0 && (first == nil || !first.ended || !first.sealed || first.upload.Name != e.FileName):
		c.Unexpected.add("import %d of %q retries import %d, which is none of that file or has not ended", e.JobID, e.FileName, e.RetryOf)
	case upload == nil:
		c.Unexpected.add("import %d of %q, which nobody uploaded", e.JobID, e.FileName)
	case c.runs[e.JobID] != nil:
		c.Duplicated.add("import %d starts again", e.JobID)
	default:
		c.runs[e.JobID] = &importRun{job: e.JobID, upload: upload, outcomes: make([]bool, len(upload.Rows))}
	}
}

func (c *checker) seal(r *importRun, e *events.ImportSealed) {
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

// received checks a stored row. The rows of an upload that was cut off must be in order,
// too; a purge may have deleted the first of them.
func (c *checker) received(row Received) {
	r := c.runs[row.Job]
	switch {
	case r == nil: // rows without ImportStarted
	case row.Row <= r.stored:
		c.Duplicated.add("row %d of %s is stored again", row.Row, r.upload.Name)
	case int(row.Row) > len(r.outcomes):
		c.Unexpected.add("row %d of %s is stored, which has %d rows", row.Row, r.upload.Name, len(r.outcomes))
	default:
		if r.stored == 0 && !r.sealed {
			r.stored = row.Row - 1
		}
		for missing := r.stored + 1; missing < row.Row; missing++ {
			c.Lost.add("row %d of %s is not stored, although later ones are", missing, r.upload.Name)
		}
		r.stored = row.Row
		if r.upload.Rows[row.Row-1].License != row.License {
			c.Unexpected.add("row %d of %s is stored as another one", row.Row, r.upload.Name)
		}
	}
}

// outcome records a row's outcome and returns the row as sent. It returns nil where the
// row cannot have an outcome, or has one already.
func (c *checker) outcome(r *importRun, e events.Event, row events.Row) *Row {
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

func (c *checker) imported(r *importRun, e *events.LicenseImported) {
	row := c.outcome(r, e, e.Row)
	if row == nil {
		return
	}
	c.Imported++
	r.counts.Imported++
	license := License{e.Product.ShortCode, e.License.Key}
	c.checkOutcome(e, row, license, e.Customer, e.Order)
	if first, ok := c.model.licenses[license]; ok {
		c.Duplicated.add("%s imports the license that %d/%d imported", e.ID(), first.JobID, first.Row)
		return
	}
	// The event's strings would keep all its text in memory.
	c.model.licenses[row.License] = events.Origin{JobID: e.JobID, Row: e.Row}
	c.model.imported(row, &r.result)
}

func (c *checker) existed(r *importRun, e *events.LicenseExisted) {
	row := c.outcome(r, e, e.Row)
	if row == nil {
		return
	}
	c.Existed++
	r.counts.Existed++
	license := License{e.Product.ShortCode, e.LicenseKey}
	c.checkOutcome(e, row, license, e.Customer, e.Order)
	if first, ok := c.model.licenses[license]; !ok || first != e.By {
		c.Unexpected.add("%s says that %d/%d imported its license; that was %d/%d", e.ID(), e.By.JobID, e.By.Row, first.JobID, first.Row)
	}
	c.model.existed(row, &r.result)
}

// checkOutcome checks that the outcome of a valid row has the row's values.
func (c *checker) checkOutcome(e events.Event, row *Row, license License, customer *events.Customer, order events.Order) {
	email := ""
	if customer != nil {
		email = customer.Email
	}
	if row.Invalid || license != row.License || email != row.Email || order.StoreID != row.Store {
		c.Unexpected.add("%s %s does not follow from its row", e.Type(), e.ID())
	}
}

func (c *checker) rejected(r *importRun, e *events.RowRejected) {
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

// checkProgress checks the position and counts of an ImportProgressed or ImportFinished:
// exactly the rows up to that position have outcomes.
func (c *checker) checkProgress(r *importRun, e events.Event, phase events.Phase, row events.Row, counts events.Counts) {
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

func (c *checker) finished(r *importRun, e *events.ImportFinished) {
	r.ended = true
	if !r.sealed {
		c.Unexpected.add("import %d finishes without a seal", r.job)
		return
	}
	c.checkProgress(r, e, events.Import, e.Row, e.Counts)
	if e.Status != events.Success {
		c.Unexpected.add("import %d finishes as %s: %+v", r.job, e.Status, e.Error)
	}
}

// checkUploads compares each upload with its import, after the last event.
func (c *checker) checkUploads(uploads []Upload) {
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
		c.checkEnd(r)
	}
}

// checkEnd checks one import after the last event. A seal is a promise, even if the
// client never got its answer.
func (c *checker) checkEnd(r *importRun) {
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
