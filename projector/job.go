package projector

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/events/importjob"
)

// Status is what a reader sees of an import as a whole.
type Status string

// The statuses of an import.
const (
	StatusPending Status = "pending" // uploading, or sealed and waiting
	StatusRunning Status = "running"
	StatusSuccess Status = "success"
	StatusError   Status = "error"
)

// Job is what the views know of one import. All times are the stream's. Its JSON is part of the
// format of the views' file.
type Job struct {
	ID        events.JobID    `json:"id"`
	FileName  string          `json:"file_name"`
	Manager   string          `json:"manager"`
	Mode      events.Mode     `json:"mode"`
	DryRun    bool            `json:"dry_run"`
	Columns   []string        `json:"columns"`
	Delimiter string          `json:"delimiter"`
	Existing  events.Existing `json:"existing"`
	Kind      string          `json:"kind,omitempty"`    // as in [events.ImportStarted], as are the next three
	Headers   []string        `json:"headers,omitempty"` // beside Columns, without those that Columns lacks
	Ignored   []string        `json:"ignored,omitempty"`
	Mapping   *events.Mapping `json:"mapping,omitempty"`
	Status    Status          `json:"status"`
	Error     *events.Failure `json:"error,omitempty"`

	Created  time.Time `json:"created"`
	Started  time.Time `json:"started"`  // the first progress; zero: not yet
	Decided  time.Time `json:"decided"`  // the last progress or the end
	Finished time.Time `json:"finished"` // zero: not yet

	Sealed events.Row   `json:"sealed"`          // rows of the whole file; 0: still uploading
	Phase  events.Phase `json:"phase,omitempty"` // of the last progress
	Row    events.Row   `json:"row"`             // the last row decided in that phase

	// Shown counts up to the last whole batch, Next up to the last event. Readers see Shown: a
	// batch whole or not at all.
	Shown Tally `json:"shown"`
	Next  Tally `json:"next"`

	SameFileAs events.JobID   `json:"same_file_as,omitempty"` // the import sealed last before with the same file; 0: none
	RetryOf    events.JobID   `json:"retry_of,omitempty"`     // the import whose rejected rows these are; 0: none
	RetriedBy  []events.JobID `json:"retried_by,omitempty"`   // the imports of this one's rejected rows, oldest first
	Undo       *Undo          `json:"undo,omitempty"`         // nil: no undo was asked for

	Begins events.Seq `json:"begins"`         // its ImportStarted
	Ends   events.Seq `json:"ends,omitempty"` // its last ImportFinished, ImportCancelled or ImportAborted; 0: none
	Moved  events.Seq `json:"moved"`          // the last event that changed what readers see

	indexed Status     // the status in the view jobIndex; "" if none is there
	dirty   bool       // differs from the record in the file
	At      events.Seq `json:"-"` // of a snapshot: the last event that it shows
}

// Tally counts rows by outcome.
type Tally struct {
	Total    events.Row `json:"total"` // decided: valid and rejected
	Rejected events.Row `json:"rejected"`
	Warnings events.Row `json:"warnings"`

	// Of an import of licenses: rows whose customer or order was made, or existed.
	CreatedCustomers uint64 `json:"created_customers"`
	ExistedCustomers uint64 `json:"existed_customers"`
	CreatedOrders    uint64 `json:"created_orders"`
	ExistedOrders    uint64 `json:"existed_orders"`

	// Rows by what became of them, of the import's kind.
	Created   uint64 `json:"created"`
	Existed   uint64 `json:"existed"`
	Differing uint64 `json:"differing,omitempty"` // of the existed ones, rows that say something else
	Updated   uint64 `json:"updated,omitempty"`

	// What a dry run's valid rows would have been counted as.
	WouldImport events.Row `json:"would_import,omitempty"`
	WouldUpdate events.Row `json:"would_update,omitempty"`
	WouldExist  events.Row `json:"would_exist,omitempty"`

	Errors       map[events.Code]uint64        `json:"errors,omitempty"`        // rows that have the code
	WarningCodes map[events.WarningCode]uint64 `json:"warning_codes,omitempty"` // rows that have the code
}

// Undo is what the views know of an import's undo.
type Undo struct {
	Manager  string    `json:"manager"` // who asked for it
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"` // zero: not yet
	events.UndoCounts
	Position events.Seq `json:"position"` // all of the import up to here is taken back or kept
}

func newJob(e *events.ImportStarted, at time.Time) *Job {
	j := &Job{
		ID: e.JobID, FileName: e.FileName, Manager: e.Manager, Mode: e.Mode, DryRun: e.DryRun, Delimiter: e.Delimiter,
		Existing: cmp.Or(e.Existing, events.KeepExisting), Kind: e.Kind, Ignored: e.Ignored, Mapping: e.Mapping,
		RetryOf: e.RetryOf, Status: StatusPending, Created: at,
	}
	// The columns that a file of rejected rows adds are written by readers, with each row's own errors.
	for i, name := range e.Columns {
		if strings.HasPrefix(name, events.ErrorPrefix) {
			continue
		}
		j.Columns = append(j.Columns, name)
		if len(e.Headers) == len(e.Columns) {
			j.Headers = append(j.Headers, e.Headers[i])
		}
	}
	return j
}

// refused reports whether rejected rows have ended an import that is all or nothing.
func (j *Job) refused() bool {
	return j.Mode == events.AllOrNothing && j.Shown.Rejected > 0 && j.Status == StatusError
}

// ImportKind is what the import's rows are.
func (j *Job) ImportKind() *events.Kind { return events.KindNamed(j.Kind) }

// Ended reports whether the import is over for managers and readers.
func (j *Job) Ended() bool { return !j.Finished.IsZero() }

// Settled reports whether nothing more is being done to the import: it has ended, and no undo is
// running.
func (j *Job) Settled() bool { return j.Ended() && (j.Undo == nil || !j.Undo.Finished.IsZero()) }

// phase is the import's phase, which the record encodes in several fields; j may be nil: the import
// has not started. The record does not tell the ends apart: each is Finished. Ingest refuses files
// without rows: 0 sealed rows mean that there is no seal.
func (j *Job) phase() importjob.Phase {
	switch {
	case j == nil:
		return importjob.None
	case j.Undo != nil && j.Settled():
		return importjob.Undone
	case j.Undo != nil:
		return importjob.Undoing
	case j.Ended():
		return importjob.Finished
	case j.Phase == events.Import:
		return importjob.Importing
	case j.Phase == events.Validate:
		return importjob.Validating
	case j.Sealed > 0:
		return importjob.Sealed
	default:
		return importjob.Uploading
	}
}

// UndoRefused is why the import cannot be undone now; nil if it can.
func (j *Job) UndoRefused() *importjob.RefusedError {
	s := importjob.State{Job: j.ID, Phase: j.phase(), Started: &events.ImportStarted{Kind: j.Kind, DryRun: j.DryRun}}
	if j.Ended() && j.Sealed == 0 {
		s.Phase = importjob.Aborted
	}
	if j.Undo != nil {
		s.UndoStarted = &events.UndoStarted{Manager: j.Undo.Manager}
	}
	refused, _ := errors.AsType[*importjob.RefusedError](s.CanUndo())
	return refused
}

// progressed folds the commit of a batch, which Shown includes from now on.
func (j *Job) progressed(e *events.ImportProgressed, at time.Time) {
	if j.Started.IsZero() {
		j.Started, j.Status = at, StatusRunning
	}
	j.Phase = e.Phase
	j.decide(e.Row, e.Counts, at)
}

// end ends the import; failure is nil for a success.
func (j *Job) end(failure *events.Failure, at time.Time) {
	j.Status, j.Error, j.Finished = StatusSuccess, failure, at
	if failure != nil {
		j.Status = StatusError
	}
	if j.refused() { // a dry run says that nothing would be imported
		for _, t := range []*Tally{&j.Next, &j.Shown} {
			t.WouldImport, t.WouldUpdate, t.WouldExist = 0, 0, 0
		}
	}
}

// decide adds what was decided up to row to what readers see.
func (j *Job) decide(row events.Row, counts events.Counts, at time.Time) {
	j.Row, j.Decided = row, at
	j.Next.Total = max(j.Next.Total, row) // the import phase passes the rows again
	j.Next.Rejected = max(j.Next.Rejected, counts.Rejected)
	j.Next.Warnings = max(j.Next.Warnings, counts.Warnings)
	if k := j.ImportKind(); k == nil || !k.Folded { // else the rows' events have been counted
		j.Next.WouldImport = max(j.Next.WouldImport, counts.WouldImport)
		j.Next.WouldUpdate = max(j.Next.WouldUpdate, counts.WouldUpdate)
		j.Next.WouldExist = max(j.Next.WouldExist, counts.WouldExist)
	}
	j.Shown = j.Next
	j.Shown.Errors, j.Shown.WarningCodes = maps.Clone(j.Next.Errors), maps.Clone(j.Next.WarningCodes)
}

func (t *Tally) reject(e *events.RowRejected) []events.Code {
	if t.Errors == nil {
		t.Errors = map[events.Code]uint64{}
	}
	codes := distinctCodes(e.Errors)
	for _, code := range codes {
		t.Errors[code]++
	}
	return codes
}

// distinctCodes are a row's codes without repetitions, in the order of the errors.
func distinctCodes(all []events.FieldError) []events.Code {
	codes := make([]events.Code, 0, len(all))
	for _, e := range all {
		if !slices.Contains(codes, e.Code) {
			codes = append(codes, e.Code)
		}
	}
	return codes
}

// Progress is the share of the work that is done, from 0 to 1. An all_or_nothing import judges its
// rows twice.
func (j *Job) Progress() float64 {
	if j.Sealed == 0 {
		return 0
	}
	part := float64(j.Row) / float64(j.Sealed)
	if j.Mode == events.AllOrNothing && !j.DryRun && !j.decidedToEnd() {
		part /= 2
		if j.Phase == events.Import {
			part += 0.5
		}
	}
	return math.Round(min(part, 1)*1e4) / 1e4
}

// decidedToEnd reports whether the import has ended with its last row decided.
func (j *Job) decidedToEnd() bool { return j.Ended() && j.Row == j.Sealed }

// UndoProgress is the share of an undo that is done, from 0 to 1, as far as the import's part of the
// stream tells.
func (j *Job) UndoProgress() float64 {
	switch {
	case j.Undo == nil:
		return 0
	case j.Settled() || j.Ends <= j.Begins:
		return 1
	}
	part := float64(j.Undo.Position-min(j.Undo.Position, j.Begins)) / float64(j.Ends-j.Begins)
	return math.Round(min(part, 1)*1e4) / 1e4
}

// RowsPerSecond is nil until it is known. It follows from the stream's times, so a rebuild gives
// the same.
func (j *Job) RowsPerSecond() *float64 {
	took := j.Decided.Sub(j.Started).Seconds()
	if j.Started.IsZero() || j.Shown.Total == 0 || took <= 0 {
		return nil
	}
	rate := math.Round(float64(j.Shown.Total)/took*10) / 10
	return &rate
}

// snapshot is an independent copy as of the event at a sequence.
func (j *Job) snapshot(at events.Seq) *Job {
	c := *j
	c.At = at
	c.Shown.Errors, c.Shown.WarningCodes = maps.Clone(j.Shown.Errors), maps.Clone(j.Shown.WarningCodes)
	c.Next.Errors, c.Next.WarningCodes = nil, nil // not read in snapshots
	if j.Undo != nil {
		undo := *j.Undo
		c.Undo = &undo
	}
	return &c
}
