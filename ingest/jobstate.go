package ingest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/importjob"
	"licenseimport/internal/httpx"
)

// load reads the state of an import from the stream's leader: by the last fact, those at the subjects of the
// start and the seal, and the parts that the last fact asks for.
func (in *Ingest) load(ctx context.Context, job events.JobID) (importjob.State, error) {
	none := importjob.State{Job: job}
	last, err := in.factAt(ctx, events.FactsFilter(job))
	if err != nil || last.Event == nil {
		return none, err
	}
	var facts []importjob.Fact
	if _, first := last.Event.(*events.ImportStarted); !first {
		subjects := append([]string{events.StartedSubject(job), events.SealedSubject(job)}, importjob.StateSubjects(last.Event)...)
		for _, subject := range subjects {
			fact, err := in.factAt(ctx, subject)
			if err != nil {
				return none, err
			}
			facts = append(facts, fact)
		}
	}
	s, err := importjob.Fold(job, append(facts, last)...)
	if err != nil {
		_, _ = in.log.SetAsides(ctx) // the next load leaves out what was set aside meanwhile
		if damaged := in.log.DamagedBefore(ctx, last.Seq); damaged != nil {
			return none, damaged
		}
		return none, &eventlog.UnreadableEventError{Subject: events.FactsFilter(job), Seq: last.Seq, Cause: err}
	}
	return s, nil
}

// factAt is the last fact at a subject; without an event where there is none.
func (in *Ingest) factAt(ctx context.Context, subject string) (importjob.Fact, error) {
	message, found, err := in.log.Fact(ctx, subject)
	if err != nil || !found {
		return importjob.Fact{}, err
	}
	envelope, err := message.Decode()
	return importjob.Fact{Event: envelope.Event, Seq: message.Seq, Time: message.Time}, err
}

// storeError is the answer where the import's state does not allow what was asked, or the streams
// fail.
func storeError(err error) *httpx.Error {
	if known, ok := errors.AsType[*httpx.Error](err); ok {
		return known
	}
	if refused, ok := errors.AsType[*importjob.RefusedError](err); ok {
		return refusal(refused)
	}
	if _, ok := errors.AsType[*eventlog.UnreadableEventError](err); ok {
		return httpx.New(http.StatusInternalServerError, "internal",
			"The import's events cannot be read by this version.").Because(err)
	}
	if errors.Is(err, eventlog.ErrDiskFull) {
		return diskFull(err)
	}
	return httpx.Unavailable(5*time.Second, "store_unavailable",
		"The import cannot be stored at the moment. Try again shortly.").Because(err)
}

// diskFull is the answer where rows do not fit on the disk. A retry succeeds only after the
// operator has freed space.
func diskFull(cause error) *httpx.Error {
	e := httpx.New(http.StatusInsufficientStorage, "disk_full",
		"The server's disk is full, so nothing was imported. Its operator has to free disk space; then send the file again.")
	e.RetryAfter = time.Minute
	return e.Because(cause)
}

// maxDecisions bounds how often one request decides again because another writer was faster.
const maxDecisions = 100

// transition appends the fact that decide makes of an import's state. If another writer appended
// one first, it reads the state and decides again. It returns the state after the fact, or the
// state of which decide made none.
func (in *Ingest) transition(
	ctx context.Context, job events.JobID, decide func(importjob.State) (events.Event, error),
) (importjob.State, error) {
	s, err := in.load(ctx, job)
	if err != nil {
		return s, err
	}
	return in.transitionFrom(ctx, s, decide)
}

// transitionFrom is transition from a state that the caller knows. It may be out of date.
func (in *Ingest) transitionFrom(
	ctx context.Context, s importjob.State, decide func(importjob.State) (events.Event, error),
) (importjob.State, error) {
	for range maxDecisions {
		fact, err := decide(s)
		if err != nil || fact == nil {
			return s, err
		}
		body, err := events.Encode(fact, time.Now())
		if err != nil {
			return s, err
		}
		seq, err := in.log.AppendFact(ctx, s.Job, fact.Subject(), body, s.Last.Seq)
		if err == nil {
			err = s.Apply(importjob.Fact{Event: fact, Seq: seq})
			return s, err
		}
		if !errors.Is(err, eventlog.ErrWrongSequence) {
			return s, err
		}
		if s, err = in.load(ctx, s.Job); err != nil {
			return s, err
		}
	}
	return s, httpx.Unavailable(time.Second, "busy",
		"Import %d moves too fast to be changed at the moment: try again.", s.Job)
}

// abortUnlessEnded ends an upload that will not be sealed, unless it is sealed or has ended. It
// returns the state after that.
func (in *Ingest) abortUnlessEnded(ctx context.Context, aborted *events.ImportAborted) (importjob.State, error) {
	return in.transition(ctx, aborted.JobID, func(s importjob.State) (events.Event, error) {
		return s.Abort(aborted), nil
	})
}
