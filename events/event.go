package events

import (
	"fmt"
	"strconv"
)

// JobID names one import. It is positive and grows.
type JobID uint64

// String is the id in decimal, as it stands in subjects and URLs.
func (id JobID) String() string { return strconv.FormatUint(uint64(id), 10) }

// ParseJobID reads an id as it stands in subjects and URLs: decimal, from 1,
// without sign or leading zero.
func ParseJobID(s string) (JobID, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 || s[0] == '0' || s[0] == '+' {
		return 0, fmt.Errorf("%q is not an import's id: a whole number from 1", s)
	}
	return JobID(n), nil
}

// Row counts the data rows of a file from 1; the header and blank lines have none.
type Row uint64

// Seq is a sequence number of a stream, from 1; 0 stands for "nothing yet".
type Seq uint64

// Event is one fact. Each type below is one; they are always used as pointers.
type Event interface {
	// Type is the CloudEvents type, the name that stands on the wire.
	Type() string
	// ID is unique among all events of this source and the same on every redelivery.
	ID() string
	// Subject is where the event is published.
	Subject() string
	// Job is the import that the event belongs to.
	Job() JobID
}

// types is the table of all event types: the wire name and how to make an empty one.
var types = []struct {
	name string
	make func() Event
}{
	{"RowReceived", func() Event { return new(RowReceived) }},
	{"ImportStarted", func() Event { return new(ImportStarted) }},
	{"ImportSealed", func() Event { return new(ImportSealed) }},
	{"ImportAborted", func() Event { return new(ImportAborted) }},
	{"ImportCancelled", func() Event { return new(ImportCancelled) }},
	{"LicenseImported", func() Event { return new(LicenseImported) }},
	{"LicenseExisted", func() Event { return new(LicenseExisted) }},
	{"RowRejected", func() Event { return new(RowRejected) }},
	{"ImportProgressed", func() Event { return new(ImportProgressed) }},
	{"ImportFinished", func() Event { return new(ImportFinished) }},
}

// New makes an empty event of a type; an unknown name is an *UnknownTypeError.
func New(name string) (Event, error) {
	for i := range types {
		if types[i].name == name {
			return types[i].make(), nil
		}
	}
	return nil, &UnknownTypeError{Type: name}
}

// Types lists the wire names of all event types, in the table's order.
func Types() []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.name
	}
	return names
}

// Mode says what a rejected row means for the rest of its file.
type Mode string

// The modes of an import.
const (
	Partial      Mode = "partial"        // the other rows are imported
	AllOrNothing Mode = "all_or_nothing" // nothing is imported
)

// Phase is what a processor does with a job's rows.
type Phase string

// The phases. A dry run has only the first, a partial import only the second,
// an all_or_nothing import that is not refused has both.
const (
	Validate Phase = "validate"
	Import   Phase = "import"
)

// Status is how an import ended.
type Status string

// The two ends of an import.
const (
	Success Status = "success" // every row was decided, rejected ones included
	Failed  Status = "error"   // the job as a whole failed
)

// Failure says why an import as a whole failed.
type Failure struct {
	Code    string `json:"code"`    // for programs
	Message string `json:"message"` // for people
}

// RowReceived is the arrival of one row of the file, in file order.
type RowReceived struct {
	JobID     JobID      `json:"job_id"`
	Row       Row        `json:"row"`
	Line      uint64     `json:"line"`                // the physical line on which the row begins; the header is line 1
	Values    Values     `json:"values"`              // the row as sent
	Malformed *Malformed `json:"malformed,omitempty"` // absent where the row could be read
}

// Malformed says that a row could not be read as CSV. Values then holds the
// fields by position as far as they are known.
type Malformed struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`          // what is wrong, for people
	Column  string `json:"column,omitempty"` // where it went wrong, as far as known
	// Raw is the row's text, at most its first MaxRaw characters.
	Raw string `json:"raw"`
}

// MaxRaw bounds Malformed.Raw, in characters (Unicode code points).
const MaxRaw = 4096

// ImportStarted is the beginning of an upload.
type ImportStarted struct {
	JobID    JobID  `json:"job_id"`
	FileName string `json:"file_name"` // as the upload named it
	Manager  string `json:"manager"`   // whose key uploaded it
	Mode     Mode   `json:"mode"`
	DryRun   bool   `json:"dry_run"` // validate and count, import nothing
	// Columns are the file's columns in order, ignored ones left out.
	Columns []string `json:"columns"`
	// Delimiter is the one that separates the file's fields.
	Delimiter string `json:"delimiter"`
	// Products are the short codes that the manager was limited to when the
	// upload started; none: not limited.
	Products []string `json:"products,omitempty"`
	// Query holds the query parameters of the upload, for telling whether a
	// repeated Idempotency-Key asks for the same thing.
	Query string `json:"query,omitempty"`
}

// ImportSealed promises that all rows of the file are stored.
type ImportSealed struct {
	JobID  JobID  `json:"job_id"`
	Rows   Row    `json:"rows"`   // all rows of the file
	Bytes  uint64 `json:"bytes"`  // of the file, unpacked
	SHA256 string `json:"sha256"` // of the file, unpacked, in lower-case hex
}

// ImportAborted ends an upload that did not arrive whole: nothing is imported.
type ImportAborted struct {
	JobID   JobID  `json:"job_id"`
	Code    string `json:"code"`    // why, for programs
	Message string `json:"message"` // why, for people
	Rows    Row    `json:"rows"`    // stored before the end
}

// ImportCancelled ends an import at a manager's wish: nothing is decided after it.
type ImportCancelled struct {
	JobID   JobID  `json:"job_id"`
	Manager string `json:"manager"` // whose wish it was
}

// LicenseImported is the outcome of a row whose license is new.
type LicenseImported struct {
	JobID    JobID     `json:"job_id"`
	Row      Row       `json:"row"`
	License  License   `json:"license"`
	Product  Product   `json:"product"`
	Customer *Customer `json:"customer,omitempty"`
	Order    Order     `json:"order"`
	Warnings []Warning `json:"warnings,omitempty"`
}

// LicenseExisted is the outcome of a row whose license exists already, from an
// earlier import or an earlier row of the same file. Nothing was changed.
type LicenseExisted struct {
	JobID      JobID     `json:"job_id"`
	Row        Row       `json:"row"`
	LicenseKey string    `json:"license_key"` // the key as in the row
	Product    Product   `json:"product"`
	By         Origin    `json:"by"`                 // the row that made the license
	Customer   *Customer `json:"customer,omitempty"` // as in the row
	Order      Order     `json:"order"`              // as in the row
	Warnings   []Warning `json:"warnings,omitempty"`
}

// Origin names the row of an import that made a license.
type Origin struct {
	JobID JobID `json:"job_id"`
	Row   Row   `json:"row"`
}

// RowRejected is the outcome of a row that is invalid: all that is wrong with it.
type RowRejected struct {
	JobID  JobID        `json:"job_id"`
	Row    Row          `json:"row"`
	Line   uint64       `json:"line"`          // the physical line on which the row begins; the header is line 1
	Errors []FieldError `json:"errors"`        // all that is wrong with it, at least one
	Values Values       `json:"values"`        // the row as sent
	Raw    string       `json:"raw,omitempty"` // of a malformed row
}

// Counts are the rows decided so far. In a dry run and while validating,
// Imported counts nothing: the valid rows are those decided less those rejected.
type Counts struct {
	Imported Row `json:"imported"` // rows whose license was made
	Existed  Row `json:"existed"`  // rows whose license existed already
	Rejected Row `json:"rejected"` // invalid rows
	Warnings Row `json:"warnings"` // valid rows that have a warning
}

// ImportProgressed commits a batch of outcomes: all rows up to Row are decided.
// The first of a phase (row 0) marks its start.
type ImportProgressed struct {
	JobID JobID `json:"job_id"`
	Phase Phase `json:"phase"`
	Row   Row   `json:"row"` // the last row decided; 0 at the start
	Counts
	// Position is the sequence of that row in the stream of rows.
	Position Seq `json:"position"`
}

// ImportFinished ends an import that was sealed.
type ImportFinished struct {
	JobID  JobID    `json:"job_id"`
	Status Status   `json:"status"`
	Error  *Failure `json:"error"` // null where the status is success
	Row    Row      `json:"row"`   // the last row decided
	Counts
}
