package events

// Outcome is an event that says what became of one row of an import: when the row was decided, or when the
// import was undone. Each kind of import has its own event types for it.
type Outcome interface {
	Event
	// Origin is the row. Of an undo's outcome it is the row of the import that is undone.
	Origin() Origin
	// Result is what became of the row.
	Result() Result
}

// Result is what became of a row.
type Result uint8

// What became of a row: when it was decided, and when its import was undone.
const (
	Imported Result = iota + 1 // it made something
	Updated                    // it changed something
	Existed                    // it changed nothing, since what it names exists
	Rejected                   // it is invalid
	Proposed                   // of a dry run: it would change something
	Revoked                    // what it made is gone
	Restored                   // what it changed is as before
	Kept                       // what it made or changed was changed since, and stays
)

// OfUndo reports whether an undo gives this result.
func (r Result) OfUndo() bool { return r >= Revoked }

// RowOf is the row that an outcome is of. It is zero for other events.
func RowOf(e Event) Origin {
	if outcome, ok := e.(Outcome); ok {
		return outcome.Origin()
	}
	return Origin{}
}

// IsRowOutcome reports whether an event is the outcome of a row.
func IsRowOutcome(e Event) bool {
	outcome, ok := e.(Outcome)
	return ok && !outcome.Result().OfUndo()
}

// IsUndoOutcome reports whether an event says what an undo did about a row.
func IsUndoOutcome(e Event) bool {
	outcome, ok := e.(Outcome)
	return ok && outcome.Result().OfUndo()
}

// WarningsOf are the warnings about the row of an outcome.
func WarningsOf(e Event) []Warning {
	if warned, ok := e.(interface{ RowWarnings() []Warning }); ok {
		return warned.RowWarnings()
	}
	return nil
}

// Follows is the sequence of the event that an event names as the one before it, at its subject. It is 0 where
// it names none, because it begins a story.
func Follows(e Event) Seq {
	if next, ok := e.(interface{ Follows() Seq }); ok {
		return next.Follows()
	}
	return 0
}

// Restores is the sequence of the event whose state an event brings back; 0: it brings none back.
func Restores(e Event) Seq {
	if back, ok := e.(interface{ RestoresSeq() Seq }); ok {
		return back.RestoresSeq()
	}
	return 0
}

// ProposalOf is the event by which a dry run says that its row would have this outcome; nil: it says nothing of
// such a row.
func ProposalOf(e Event) Event {
	if update, ok := e.(interface{ Proposal() Event }); ok {
		return update.Proposal()
	}
	return nil
}

func (e *LicenseImported) Origin() Origin              { return Origin{e.JobID, e.Row} }
func (e *LicenseUpdated) Origin() Origin               { return Origin{e.JobID, e.Row} }
func (e *LicenseUpdateProposed) Origin() Origin        { return Origin{e.JobID, e.Row} }
func (e *LicenseExisted) Origin() Origin               { return Origin{e.JobID, e.Row} }
func (e *LicenseRevoked) Origin() Origin               { return Origin{e.JobID, e.Row} }
func (e *LicenseRestored) Origin() Origin              { return Origin{e.JobID, e.Row} }
func (e *LicenseKept) Origin() Origin                  { return Origin{e.JobID, e.Row} }
func (e *LicenseFeatureImported) Origin() Origin       { return Origin{e.JobID, e.Row} }
func (e *LicenseFeatureUpdated) Origin() Origin        { return Origin{e.JobID, e.Row} }
func (e *LicenseFeatureUpdateProposed) Origin() Origin { return Origin{e.JobID, e.Row} }
func (e *LicenseFeatureExisted) Origin() Origin        { return Origin{e.JobID, e.Row} }
func (e *LicenseFeatureRevoked) Origin() Origin        { return Origin{e.JobID, e.Row} }
func (e *LicenseFeatureRestored) Origin() Origin       { return Origin{e.JobID, e.Row} }
func (e *LicenseFeatureKept) Origin() Origin           { return Origin{e.JobID, e.Row} }
func (e *CustomerImported) Origin() Origin             { return Origin{e.JobID, e.Row} }
func (e *CustomerImportProposed) Origin() Origin       { return Origin{e.JobID, e.Row} }
func (e *RowRejected) Origin() Origin                  { return Origin{e.JobID, e.Row} }

func (*LicenseImported) Result() Result              { return Imported }
func (*LicenseUpdated) Result() Result               { return Updated }
func (*LicenseUpdateProposed) Result() Result        { return Proposed }
func (*LicenseExisted) Result() Result               { return Existed }
func (*LicenseRevoked) Result() Result               { return Revoked }
func (*LicenseRestored) Result() Result              { return Restored }
func (*LicenseKept) Result() Result                  { return Kept }
func (*LicenseFeatureImported) Result() Result       { return Imported }
func (*LicenseFeatureUpdated) Result() Result        { return Updated }
func (*LicenseFeatureUpdateProposed) Result() Result { return Proposed }
func (*LicenseFeatureExisted) Result() Result        { return Existed }
func (*LicenseFeatureRevoked) Result() Result        { return Revoked }
func (*LicenseFeatureRestored) Result() Result       { return Restored }
func (*LicenseFeatureKept) Result() Result           { return Kept }
func (*CustomerImported) Result() Result             { return Imported }
func (*CustomerImportProposed) Result() Result       { return Proposed }
func (*RowRejected) Result() Result                  { return Rejected }

func (e *LicenseImported) RowWarnings() []Warning              { return e.Warnings }
func (e *LicenseUpdated) RowWarnings() []Warning               { return e.Warnings }
func (e *LicenseUpdateProposed) RowWarnings() []Warning        { return e.Warnings }
func (e *LicenseExisted) RowWarnings() []Warning               { return e.Warnings }
func (e *LicenseFeatureImported) RowWarnings() []Warning       { return e.Warnings }
func (e *LicenseFeatureUpdated) RowWarnings() []Warning        { return e.Warnings }
func (e *LicenseFeatureUpdateProposed) RowWarnings() []Warning { return e.Warnings }
func (e *LicenseFeatureExisted) RowWarnings() []Warning        { return e.Warnings }
func (e *CustomerImported) RowWarnings() []Warning             { return e.Warnings }
func (e *CustomerImportProposed) RowWarnings() []Warning       { return e.Warnings }

func (e *LicenseUpdated) Follows() Seq         { return e.Previous }
func (e *LicenseRevoked) Follows() Seq         { return e.Previous }
func (e *LicenseRestored) Follows() Seq        { return e.Previous }
func (e *LicenseFeatureUpdated) Follows() Seq  { return e.Previous }
func (e *LicenseFeatureRevoked) Follows() Seq  { return e.Previous }
func (e *LicenseFeatureRestored) Follows() Seq { return e.Previous }

func (e *LicenseRestored) RestoresSeq() Seq        { return e.Restores }
func (e *LicenseFeatureRestored) RestoresSeq() Seq { return e.Restores }

func (e *LicenseUpdated) Proposal() Event         { return (*LicenseUpdateProposed)(e) }
func (e *LicenseFeatureUpdated) Proposal() Event  { return (*LicenseFeatureUpdateProposed)(e) }
func (e *CustomerImportProposed) Proposal() Event { return e }
