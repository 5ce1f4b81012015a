package events

import (
	"slices"
	"strconv"
)

// Event is one fact. Each event type below implements it; events are always used as pointers.
type Event interface {
	// Type is the CloudEvents type: the name on the wire.
	Type() string
	// ID is unique among all events of this source and the same on every redelivery.
	ID() string
	// Subject is where the event is published.
	Subject() string
	// Job is the import that the event belongs to; 0 for an event of no import.
	Job() JobID
}

// constructors has one row for each event type. The order is that of Types.
var constructors = []func() Event{
	func() Event { return spareRows.Get().(*RowReceived) },
	func() Event { return new(ImportStarted) },
	func() Event { return new(ImportSealed) },
	func() Event { return new(ImportAborted) },
	func() Event { return new(ImportCancelled) },
	func() Event { return spareLicenses.Get().(*LicenseImported) },
	func() Event { return new(LicenseUpdated) },
	func() Event { return new(LicenseRevoked) },
	func() Event { return new(LicenseRestored) },
	func() Event { return new(LicenseUpdateProposed) },
	func() Event { return new(LicenseExisted) },
	func() Event { return new(LicenseKept) },
	func() Event { return new(RowRejected) },
	func() Event { return new(ImportProgressed) },
	func() Event { return new(ImportFinished) },
	func() Event { return new(UndoStarted) },
	func() Event { return new(UndoProgressed) },
	func() Event { return new(UndoFinished) },
	func() Event { return new(LicenseFeatureImported) },
	func() Event { return new(LicenseFeatureUpdated) },
	func() Event { return new(LicenseFeatureRevoked) },
	func() Event { return new(LicenseFeatureRestored) },
	func() Event { return new(LicenseFeatureUpdateProposed) },
	func() Event { return new(LicenseFeatureExisted) },
	func() Event { return new(LicenseFeatureKept) },
	func() Event { return new(CustomerImported) },
	func() Event { return new(CustomerImportProposed) },
	func() Event { return new(EventSetAside) },
	func() Event { return new(ManagerKeyCreated) },
	func() Event { return new(ManagerKeyRevoked) },
	func() Event { return new(ProductSet) },
	func() Event { return new(ProductRemoved) },
	func() Event { return new(MappingSaved) },
	func() Event { return new(MappingRemoved) },
}

// OfNoImport reports whether events of e's type belong to no import: they change no license and no view.
func OfNoImport(e Event) bool {
	_, operation := e.(Operation)
	_, aside := e.(*EventSetAside)
	return operation || aside
}

// typeNames are the wire names of the constructors' events.
var typeNames = func() (names []string) {
	for _, construct := range constructors {
		names = append(names, construct().Type())
	}
	return names
}()

// Types lists the wire names of all event types. Each place that handles events by type has a test
// that walks this list and fails with the name of a type that the place does not handle.
func Types() []string { return slices.Clone(typeNames) }

// New makes an empty event of a type. An unknown name is an *UnknownTypeError.
func New(name string) (Event, error) {
	if i := slices.Index(typeNames, name); i >= 0 {
		return constructors[i](), nil
	}
	return nil, &UnknownTypeError{Type: name}
}

// Mode says what a rejected row means for the rest of its file.
type Mode string

// The modes of an import.
const (
	Partial      Mode = "partial"        // the other rows are imported
	AllOrNothing Mode = "all_or_nothing" // nothing is imported
)

// Existing says what a row does whose license exists.
type Existing string

// What a row of an existing license does.
const (
	KeepExisting   Existing = "keep"   // nothing: the license stays as it is
	UpdateExisting Existing = "update" // its values replace the license's
)

// Phase is what a processor does with a job's rows.
type Phase string

// The phases. A dry run has only the first and a partial import only the second. An all_or_nothing
// import has both, unless it is refused.
const (
	Validate Phase = "validate"
	Import   Phase = "import"
)

// Status is how an import ended.
type Status string

// The two ends of an import.
const (
	Success Status = "success" // every row was processed, rejected ones included
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
	Line      uint64     `json:"line"`                // the physical line where the row begins; the header is line 1
	Values    Values     `json:"values"`              // the row as sent
	Malformed *Malformed `json:"malformed,omitempty"` // absent where the row could be read
	// Raw is the text of a row that an earlier import could not read, as the file of its rejected rows
	// holds it beside the values. At most MaxRaw characters.
	Raw string `json:"raw,omitempty"`
}

func (e *RowReceived) Type() string    { return "RowReceived" }
func (e *RowReceived) ID() string      { return rowID(e.JobID, e.Row, "/received") }
func (e *RowReceived) Subject() string { return RowsSubject(e.JobID) }
func (e *RowReceived) Job() JobID      { return e.JobID }

// Malformed says that a row could not be read as CSV. RowReceived.Values then has the fields by position,
// as far as they are known.
type Malformed struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`          // what is wrong, for people
	Column  string `json:"column,omitempty"` // where it went wrong, as far as known
	// MoreColumns are the others with the same cause, in the order of the file.
	MoreColumns []string `json:"more_columns,omitempty"`
	// Raw is the row's text, at most its first MaxRaw characters.
	Raw string `json:"raw"`
}

// ErrorPrefix begins the names of the columns that a file of rejected rows has beside those of the import.
const ErrorPrefix = "error__"

// MaxRaw bounds Malformed.Raw and RowReceived.Raw, in characters (Unicode code points).
const MaxRaw = 4096

// ImportStarted is the beginning of an upload.
type ImportStarted struct {
	JobID    JobID  `json:"job_id"`
	FileName string `json:"file_name"` // as the upload named it
	Manager  string `json:"manager"`   // whose key uploaded it
	Mode     Mode   `json:"mode"`
	DryRun   bool   `json:"dry_run"` // validate and count, import nothing
	// Columns are the file's columns in order. Those that were not read are left out. In a file of rejected
	// rows the column of the rows' texts is one that is read: its name begins with ErrorPrefix.
	Columns []string `json:"columns"`
	// Delimiter is the one that separates the file's fields.
	Delimiter string `json:"delimiter"`
	// Products are the short codes that the manager was limited to when the upload started; none: not
	// limited.
	Products []string `json:"products,omitempty"`
	// Query holds the query parameters of the upload. It tells whether a repeated Idempotency-Key asks
	// for the same thing.
	Query string `json:"query,omitempty"`
	// Existing is empty in events of the first version: they kept.
	Existing Existing `json:"existing,omitempty"`
	// Kind is what the rows are. It is empty in events of the first version: licenses.
	Kind string `json:"kind,omitempty"`
	// Headers are the file's own headers of Columns, in the same order. Empty: the same as Columns.
	Headers []string `json:"headers,omitempty"`
	// Ignored are the file's headers that were not read.
	Ignored []string `json:"ignored,omitempty"`
	// Mapping is the whole mapping of the file. nil: its headers are the columns' names.
	Mapping *Mapping `json:"mapping,omitempty"`
	// Sheet is the sheet of a workbook whose rows these are. Empty: the file is a CSV.
	Sheet string `json:"sheet,omitempty"`
	// RetryOf is the import whose rejected rows these are. 0: the rows are those of a file.
	RetryOf JobID `json:"retry_of,omitempty"`
}

// Mapping says how a file's columns and values become those of an import.
type Mapping struct {
	// Name is that of the saved mapping which the mapping is, or began with. Empty: none.
	Name       string             `json:"name,omitempty"`
	Kind       string             `json:"kind,omitempty"`        // what the rows are; empty: licenses
	Columns    map[string]*string `json:"columns,omitempty"`     // header → column; nil: the column is ignored
	Set        map[string]string  `json:"set,omitempty"`         // column → its value in every row
	DateFormat string             `json:"date_format,omitempty"` // such as MM/DD/YYYY; empty: YYYY-MM-DD
	// Values are, by column, cell → cell. Cells are compared without regard to case, before any rule.
	Values map[string]map[string]string `json:"values,omitempty"`
}

func (e *ImportStarted) Type() string    { return "ImportStarted" }
func (e *ImportStarted) ID() string      { return e.JobID.String() + "/started" }
func (e *ImportStarted) Subject() string { return StartedSubject(e.JobID) }
func (e *ImportStarted) Job() JobID      { return e.JobID }

// ImportSealed promises that all rows of the file are stored.
type ImportSealed struct {
	JobID  JobID  `json:"job_id"`
	Rows   Row    `json:"rows"`   // all rows of the file
	Bytes  uint64 `json:"bytes"`  // of the file, unpacked
	SHA256 string `json:"sha256"` // of the file, unpacked, in lower-case hex
}

func (e *ImportSealed) Type() string    { return "ImportSealed" }
func (e *ImportSealed) ID() string      { return e.JobID.String() + "/sealed" }
func (e *ImportSealed) Subject() string { return SealedSubject(e.JobID) }
func (e *ImportSealed) Job() JobID      { return e.JobID }

// ImportAborted ends an upload that did not arrive completely: nothing is imported.
type ImportAborted struct {
	JobID   JobID  `json:"job_id"`
	Code    string `json:"code"`    // why, for programs
	Message string `json:"message"` // why, for people
	Rows    Row    `json:"rows"`    // stored before the end
}

func (e *ImportAborted) Type() string    { return "ImportAborted" }
func (e *ImportAborted) ID() string      { return e.JobID.String() + "/aborted" }
func (e *ImportAborted) Subject() string { return fact(e.JobID, "aborted") }
func (e *ImportAborted) Job() JobID      { return e.JobID }

// ImportCancelled ends an import because a manager cancelled it: nothing is decided after it.
type ImportCancelled struct {
	JobID   JobID  `json:"job_id"`
	Manager string `json:"manager"` // who cancelled it
}

func (e *ImportCancelled) Type() string    { return "ImportCancelled" }
func (e *ImportCancelled) ID() string      { return e.JobID.String() + "/cancelled" }
func (e *ImportCancelled) Subject() string { return fact(e.JobID, "cancelled") }
func (e *ImportCancelled) Job() JobID      { return e.JobID }

// LicenseImported is the outcome of a row whose license is new.
type LicenseImported struct {
	JobID    JobID     `json:"job_id"`
	Row      Row       `json:"row"`
	License  License   `json:"license"`
	Product  Product   `json:"product"`
	Customer *Customer `json:"customer,omitempty"`
	Order    Order     `json:"order"`
	Warnings []Warning `json:"warnings,omitempty"`
	Line     uint64    `json:"line,omitempty"` // the physical line where the row begins; 0: not known
}

func (e *LicenseImported) Type() string    { return "LicenseImported" }
func (e *LicenseImported) ID() string      { return rowID(e.JobID, e.Row, "") }
func (e *LicenseImported) Subject() string { return LicenseSubject(e.Product.ShortCode, e.License.Key) }
func (e *LicenseImported) Job() JobID      { return e.JobID }

// LicenseExisted is the outcome of a row whose license exists already, from an earlier import or an
// earlier row of the same file. The row changes nothing.
type LicenseExisted struct {
	JobID      JobID   `json:"job_id"`
	Row        Row     `json:"row"`
	LicenseKey string  `json:"license_key"` // the key as in the row
	Product    Product `json:"product"`
	By         Origin  `json:"by"` // the row that made the license
	// Differs are the columns in which the row says something else than the license. Only values that the
	// row gives count. Events of the first version do not have it.
	Differs  []string  `json:"differs,omitempty"`
	Customer *Customer `json:"customer,omitempty"` // as in the row
	Order    Order     `json:"order"`              // as in the row
	Warnings []Warning `json:"warnings,omitempty"`
	Line     uint64    `json:"line,omitempty"` // the physical line where the row begins; 0: not known
}

func (e *LicenseExisted) Type() string    { return "LicenseExisted" }
func (e *LicenseExisted) ID() string      { return rowID(e.JobID, e.Row, "") }
func (e *LicenseExisted) Subject() string { return outcome(e.JobID, "existed") }
func (e *LicenseExisted) Job() JobID      { return e.JobID }

// A Change is one column of a license before and after, as the text of a CSV. Empty: not given.
type Change struct {
	Column string `json:"column"` // the column's name
	From   string `json:"from"`   // before
	To     string `json:"to"`     // after
}

// LicenseUpdated is the outcome of a row that changes a license. The event holds the whole license after
// the change.
type LicenseUpdated struct {
	JobID         JobID     `json:"job_id"`
	Row           Row       `json:"row"`
	Line          uint64    `json:"line"` // the physical line where the row begins; the header is line 1
	License       License   `json:"license"`
	Product       Product   `json:"product"`
	Customer      *Customer `json:"customer,omitempty"`
	Order         Order     `json:"order"`
	Changed       []Change  `json:"changed"`  // every column that differs from the license before, in the table's order
	Previous      Seq       `json:"previous"` // the sequence of the license's event before this one
	By            Origin    `json:"by"`       // the row that made the license
	Warnings      []Warning `json:"warnings,omitempty"`
	NamesCustomer bool      `json:"names_customer,omitempty"` // the row names the customer, also where the license has it already
	NamesOrder    bool      `json:"names_order,omitempty"`    // the row names the license's order
}

func (e *LicenseUpdated) Type() string    { return "LicenseUpdated" }
func (e *LicenseUpdated) ID() string      { return rowID(e.JobID, e.Row, "") }
func (e *LicenseUpdated) Subject() string { return LicenseSubject(e.Product.ShortCode, e.License.Key) }
func (e *LicenseUpdated) Job() JobID      { return e.JobID }

// LicenseUpdateProposed is the outcome of a dry run's row that would change a license. Nothing has changed.
// Previous is 0 where the row would change a license that an earlier row of the same file would make or
// change.
type LicenseUpdateProposed struct {
	JobID         JobID     `json:"job_id"`
	Row           Row       `json:"row"`
	Line          uint64    `json:"line"`    // the physical line where the row begins; the header is line 1
	License       License   `json:"license"` // as it would be
	Product       Product   `json:"product"`
	Customer      *Customer `json:"customer,omitempty"`
	Order         Order     `json:"order"`
	Changed       []Change  `json:"changed"`  // every column that would differ from the license before
	Previous      Seq       `json:"previous"` // the sequence of the license's last event
	By            Origin    `json:"by"`       // the row that made the license
	Warnings      []Warning `json:"warnings,omitempty"`
	NamesCustomer bool      `json:"names_customer,omitempty"` // the row names the customer that the license would have
	NamesOrder    bool      `json:"names_order,omitempty"`    // the row names the order that the license would have
}

func (e *LicenseUpdateProposed) Type() string    { return "LicenseUpdateProposed" }
func (e *LicenseUpdateProposed) ID() string      { return rowID(e.JobID, e.Row, "") }
func (e *LicenseUpdateProposed) Subject() string { return outcome(e.JobID, "proposed") }
func (e *LicenseUpdateProposed) Job() JobID      { return e.JobID }

// RowRejected is the outcome of a row that is invalid: all that is wrong with it.
type RowRejected struct {
	JobID  JobID        `json:"job_id"`
	Row    Row          `json:"row"`
	Line   uint64       `json:"line"`          // the physical line where the row begins; the header is line 1
	Errors []FieldError `json:"errors"`        // all that is wrong with it, at least one
	Values Values       `json:"values"`        // the row as sent
	Raw    string       `json:"raw,omitempty"` // the text of a row that this or an earlier import could not read
}

func (e *RowRejected) Type() string    { return "RowRejected" }
func (e *RowRejected) ID() string      { return rowID(e.JobID, e.Row, "") }
func (e *RowRejected) Subject() string { return RejectedSubject(e.JobID) }
func (e *RowRejected) Job() JobID      { return e.JobID }

// Counts are the rows decided so far. In a dry run and in the phase validate Imported is 0: the number of
// valid rows is the rows decided minus Rejected.
type Counts struct {
	Imported Row `json:"imported"` // rows whose license was made
	Existed  Row `json:"existed"`  // rows whose license existed already
	Rejected Row `json:"rejected"` // invalid rows
	Warnings Row `json:"warnings"` // valid rows that have a warning

	Updated Row `json:"updated,omitempty"` // rows that changed a license

	// What a dry run's valid rows would have been counted as.
	WouldImport Row `json:"would_import,omitempty"`
	WouldUpdate Row `json:"would_update,omitempty"`
	WouldExist  Row `json:"would_exist,omitempty"`
}

// ImportProgressed commits a batch of outcomes: all rows up to Row are processed. The first of a phase, with
// row 0, marks the phase's start.
type ImportProgressed struct {
	JobID JobID `json:"job_id"`
	Phase Phase `json:"phase"`
	Row   Row   `json:"row"` // the last row decided; 0 at the start
	Counts
	// Position is the sequence of that row in the stream of rows.
	Position Seq `json:"position"`
}

func (e *ImportProgressed) Type() string    { return "ImportProgressed" }
func (e *ImportProgressed) Subject() string { return fact(e.JobID, "progressed") }
func (e *ImportProgressed) Job() JobID      { return e.JobID }

// ID names the phase validate, because the phase import of an all_or_nothing import passes the same rows
// again.
func (e *ImportProgressed) ID() string {
	infix := "/progressed/"
	if e.Phase == Validate {
		infix += "validate/"
	}
	return e.JobID.String() + infix + strconv.FormatUint(uint64(e.Row), 10)
}

// ImportFinished ends an import that was sealed.
type ImportFinished struct {
	JobID  JobID    `json:"job_id"`
	Status Status   `json:"status"`
	Error  *Failure `json:"error"` // null where the status is success
	Row    Row      `json:"row"`   // the last row decided
	Counts
}

func (e *ImportFinished) Type() string    { return "ImportFinished" }
func (e *ImportFinished) ID() string      { return e.JobID.String() + "/finished" }
func (e *ImportFinished) Subject() string { return fact(e.JobID, "finished") }
func (e *ImportFinished) Job() JobID      { return e.JobID }

// EventSetAside is an operator's decision that no reader reads one message of the stream LICENSES:
// readers go on as if it were not there. Only a message that cannot be read may be set aside.
type EventSetAside struct {
	Sequence Seq    `json:"sequence"` // of the message, in the stream LICENSES
	Manager  string `json:"manager"`  // who decided it
	Reason   string `json:"reason"`   // why, for people
}

func (e *EventSetAside) Type() string    { return "EventSetAside" }
func (e *EventSetAside) ID() string      { return "set_aside/" + strconv.FormatUint(uint64(e.Sequence), 10) }
func (e *EventSetAside) Subject() string { return SetAsideSubject(e.Sequence) }
func (e *EventSetAside) Job() JobID      { return 0 }
