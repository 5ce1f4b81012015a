package events

// CustomerImported is the outcome of a valid row of a customers' import. It says what the row says: whether the
// row made the customer, changed it or found it as it is follows from the order of the stream.
type CustomerImported struct {
	JobID    JobID     `json:"job_id"`
	Row      Row       `json:"row"`
	Line     uint64    `json:"line"`              // the physical line where the row begins; the header is line 1
	Customer Customer  `json:"customer"`          // the values that the row gives
	Cleared  []string  `json:"cleared,omitempty"` // the columns that the row clears, of a customer that exists
	Existing Existing  `json:"existing"`          // what the row does to a customer that exists
	Warnings []Warning `json:"warnings,omitempty"`
}

func (e *CustomerImported) Type() string    { return "CustomerImported" }
func (e *CustomerImported) ID() string      { return rowID(e.JobID, e.Row, "") }
func (e *CustomerImported) Subject() string { return CustomerSubject(e.Customer.Email) }
func (e *CustomerImported) Job() JobID      { return e.JobID }

// CustomerImportProposed is the outcome of a valid row of a customers' dry run: what CustomerImported would
// say. Nothing has changed.
type CustomerImportProposed struct {
	JobID    JobID    `json:"job_id"`
	Row      Row      `json:"row"`
	Line     uint64   `json:"line"`              // the physical line where the row begins; the header is line 1
	Customer Customer `json:"customer"`          // the values that the row gives
	Cleared  []string `json:"cleared,omitempty"` // the columns that the row clears, of a customer that exists
	Existing Existing `json:"existing"`          // what the row would do to a customer that exists
	// Earlier is what the earlier rows of the file say of the customer, one after the other. nil: none names it.
	Earlier  *EarlierCustomer `json:"earlier,omitempty"`
	Warnings []Warning        `json:"warnings,omitempty"`
}

// EarlierCustomer is what rows of a file say of a customer together.
type EarlierCustomer struct {
	Customer Customer `json:"customer"`          // the values that they give
	Cleared  []string `json:"cleared,omitempty"` // the columns that they clear
}

func (e *CustomerImportProposed) Type() string    { return "CustomerImportProposed" }
func (e *CustomerImportProposed) ID() string      { return rowID(e.JobID, e.Row, "") }
func (e *CustomerImportProposed) Subject() string { return outcome(e.JobID, "proposed") }
func (e *CustomerImportProposed) Job() JobID      { return e.JobID }
