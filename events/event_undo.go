package events

import "strconv"

// UndoCounts are the licenses that an undo has passed.
type UndoCounts struct {
	Revoked  Row `json:"revoked"`  // that the import had made
	Restored Row `json:"restored"` // that the import had changed
	Kept     Row `json:"kept"`     // that were changed since, and stay
}

// UndoStarted is the request to take an import back. It follows the import's end.
type UndoStarted struct {
	JobID   JobID  `json:"job_id"`
	Manager string `json:"manager"` // who asked for it
}

func (e *UndoStarted) Type() string    { return "UndoStarted" }
func (e *UndoStarted) ID() string      { return e.JobID.String() + "/undo_started" }
func (e *UndoStarted) Subject() string { return fact(e.JobID, "undo_started") }
func (e *UndoStarted) Job() JobID      { return e.JobID }

// UndoProgressed commits a batch of an undo: all facts of the import up to Position are taken back or kept.
type UndoProgressed struct {
	JobID    JobID `json:"job_id"`
	Position Seq   `json:"position"` // in the stream LICENSES
	UndoCounts
}

func (e *UndoProgressed) Type() string { return "UndoProgressed" }
func (e *UndoProgressed) ID() string {
	return e.JobID.String() + "/undo_progressed/" + strconv.FormatUint(uint64(e.Position), 10)
}
func (e *UndoProgressed) Subject() string { return fact(e.JobID, "undo_progressed") }
func (e *UndoProgressed) Job() JobID      { return e.JobID }

// UndoFinished ends an undo.
type UndoFinished struct {
	JobID JobID `json:"job_id"`
	UndoCounts
}

func (e *UndoFinished) Type() string    { return "UndoFinished" }
func (e *UndoFinished) ID() string      { return e.JobID.String() + "/undo_finished" }
func (e *UndoFinished) Subject() string { return fact(e.JobID, "undo_finished") }
func (e *UndoFinished) Job() JobID      { return e.JobID }

// LicenseRevoked says that the undo of an import took a license back: it does not exist any more. A later
// import may make a license with the same key.
type LicenseRevoked struct {
	JobID      JobID   `json:"job_id"`      // the import that is undone
	Row        Row     `json:"row"`         // of that import: it made the license
	LicenseKey string  `json:"license_key"` // the license's key
	Product    Product `json:"product"`
	Manager    string  `json:"manager"`  // who undid the import
	Previous   Seq     `json:"previous"` // the sequence of the license's event before this one
}

func (e *LicenseRevoked) Type() string    { return "LicenseRevoked" }
func (e *LicenseRevoked) ID() string      { return rowID(e.JobID, e.Row, "/revoked") }
func (e *LicenseRevoked) Subject() string { return LicenseSubject(e.Product.ShortCode, e.LicenseKey) }
func (e *LicenseRevoked) Job() JobID      { return e.JobID }

// LicenseRestored says that the undo of an import took the import's changes of a license back. The event
// holds the whole license after that.
type LicenseRestored struct {
	JobID    JobID     `json:"job_id"` // the import that is undone
	Row      Row       `json:"row"`    // of that import: the first that changed the license
	License  License   `json:"license"`
	Product  Product   `json:"product"`
	Customer *Customer `json:"customer,omitempty"`
	Order    Order     `json:"order"`
	Changed  []Change  `json:"changed"`  // every column that differs from the license before
	Previous Seq       `json:"previous"` // the sequence of the license's event before this one
	Restores Seq       `json:"restores"` // the sequence of the event whose license this is again
	By       Origin    `json:"by"`       // the row that made the license
	Manager  string    `json:"manager"`  // who undid the import
}

func (e *LicenseRestored) Type() string    { return "LicenseRestored" }
func (e *LicenseRestored) ID() string      { return rowID(e.JobID, e.Row, "/restored") }
func (e *LicenseRestored) Subject() string { return LicenseSubject(e.Product.ShortCode, e.License.Key) }
func (e *LicenseRestored) Job() JobID      { return e.JobID }

// LicenseKept says that the undo of an import left a license as it is, because another import or undo
// changed it after this import did.
type LicenseKept struct {
	JobID      JobID   `json:"job_id"`      // the import that is undone
	Row        Row     `json:"row"`         // of that import: it made or changed the license
	LicenseKey string  `json:"license_key"` // the license's key
	Product    Product `json:"product"`
	By         Origin  `json:"by"` // the import and row that changed the license since
}

func (e *LicenseKept) Type() string    { return "LicenseKept" }
func (e *LicenseKept) ID() string      { return rowID(e.JobID, e.Row, "/kept") }
func (e *LicenseKept) Subject() string { return outcome(e.JobID, "kept") }
func (e *LicenseKept) Job() JobID      { return e.JobID }
