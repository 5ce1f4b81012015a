package importjob

import "licenseimport/events"

func (s State) refuse(why Reason, detail string) error {
	return &RefusedError{Job: s.Job, Reason: why, Detail: detail}
}

// Interrupted is why an upload may not go on, if somebody else has ended it, as a [*RefusedError];
// else nil.
func (s State) Interrupted() error {
	switch last := s.Last.Event.(type) {
	case *events.ImportCancelled:
		return s.refuse(WasCancelled, last.Manager)
	case *events.ImportAborted:
		return s.refuse(WasAborted, last.Message)
	}
	return nil
}

// CanSeal is nil while the import is uploading, and else a [*RefusedError].
func (s State) CanSeal() error {
	if err := s.Interrupted(); err != nil {
		return err
	}
	if s.Phase != Uploading {
		return s.refuse(UploadEnded, "")
	}
	return nil
}

// Seal is the fact that makes an upload an import: the one given, or the refusal of
// [State.CanSeal].
func (s State) Seal(sealed *events.ImportSealed) (events.Event, error) {
	if err := s.CanSeal(); err != nil {
		return nil, err
	}
	return sealed, nil
}

// CanAbort reports whether an upload may still be ended without a seal. An import without facts
// may: its abort prevents a later start.
func (s State) CanAbort() bool { return s.Phase == None || s.Phase == Uploading }

// Abort is the fact that ends an upload without a seal: the one given, in the words of a retry where it is
// one, or nil where the import is sealed or has ended.
func (s State) Abort(aborted *events.ImportAborted) events.Event {
	if !s.CanAbort() {
		return nil
	}
	if s.Started != nil && s.Started.RetryOf != 0 && aborted.Code == string(CodeUploadAbandoned) {
		ofRetry := *aborted
		ofRetry.Message = "The retry stopped in the middle, so nothing was imported: retry again."
		return &ofRetry
	}
	return aborted
}

// CanCancel is nil where a manager may end the import, and else a [*RefusedError]. Who may do so is
// not a question of the state.
func (s State) CanCancel() error {
	switch {
	case s.Started == nil:
		return s.refuse(NotStarted, "")
	case s.Ended():
		return s.refuse(ImportEnded, "")
	case s.Phase == Importing && s.Started.Mode == events.AllOrNothing:
		return s.refuse(ImportingAll, "")
	}
	return nil
}

// Cancel is the fact that ends the import as the manager wishes, or the refusal of
// [State.CanCancel].
func (s State) Cancel(manager string) (events.Event, error) {
	if err := s.CanCancel(); err != nil {
		return nil, err
	}
	return &events.ImportCancelled{JobID: s.Job, Manager: manager}, nil
}

// CanRetry is nil where the rows that the import rejected may be imported again, and else a
// [*RefusedError]. Whether there are such rows is not a question of the state.
func (s State) CanRetry() error {
	switch {
	case s.Started == nil:
		return s.refuse(NotStarted, "")
	case !s.Ended():
		return s.refuse(NotEnded, "")
	case s.Discarded():
		return s.refuse(NeverSealed, "")
	}
	return nil
}
