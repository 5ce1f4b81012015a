package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/httpx"
)

// load reads what the stream's leader says of a job.
func (in *Ingest) load(ctx context.Context, job events.JobID) (facts, error) {
	f := facts{job: job}
	message, found, err := in.log.LastFact(ctx, job)
	if err != nil || !found {
		return f, err
	}
	f.lastSeq, f.time = message.Seq, message.Time
	if f.last, err = decode(message); err != nil {
		return f, err
	}
	if f.started, err = earlier[*events.ImportStarted](ctx, in.log, f.last, events.StartedSubject(job)); err != nil {
		return f, err
	}
	if _, open := f.last.(*events.ImportStarted); open {
		return f, nil
	}
	f.sealed, err = earlier[*events.ImportSealed](ctx, in.log, f.last, events.SealedSubject(job))
	return f, err
}

// earlier is the fact at the subject, where the job has it; last may be it.
func earlier[E events.Event](ctx context.Context, log *eventlog.Log, last events.Event, subject string) (E, error) {
	if e, ok := last.(E); ok {
		return e, nil
	}
	var none E
	message, found, err := log.Fact(ctx, subject)
	if err != nil || !found {
		return none, err
	}
	event, err := decode(message)
	if err != nil {
		return none, err
	}
	e, ok := event.(E)
	if !ok {
		return none, &unreadableError{message.Subject, message.Seq, fmt.Errorf("unexpected %s", event.Type())}
	}
	return e, nil
}

func decode(m eventlog.Message) (events.Event, error) {
	envelope, err := events.Decode(m.Data)
	if err != nil {
		return nil, &unreadableError{m.Subject, m.Seq, err}
	}
	return envelope.Event, nil
}

// unreadableError tells of an event that this program cannot read. Nothing is
// decided about a job that has one.
type unreadableError struct {
	subject string
	seq     events.Seq
	cause   error
}

func (e *unreadableError) Error() string {
	return fmt.Sprintf("%s, sequence %d: %v", e.subject, e.seq, e.cause)
}

func (e *unreadableError) Unwrap() error { return e.cause }

// storeError is the answer where the streams fail, not the client.
func storeError(err error) *httpx.Error {
	if known, ok := errors.AsType[*httpx.Error](err); ok {
		return known
	}
	if _, ok := errors.AsType[*unreadableError](err); ok {
		return httpx.New(http.StatusInternalServerError, "internal", "The import's events cannot be read by this version.").Because(err)
	}
	if errors.Is(err, eventlog.ErrDiskFull) {
		return diskFull(err)
	}
	return httpx.Unavailable(5*time.Second, "store_unavailable", "The import cannot be stored at the moment. Try again shortly.").Because(err)
}

// diskFull is the answer where rows have no room. Trying again soon helps only when
// somebody has made some.
func diskFull(cause error) *httpx.Error {
	e := httpx.New(http.StatusInsufficientStorage, "disk_full", "The server's disk is full, so nothing was imported. Its operator has to make room; then send the file again.")
	e.RetryAfter = time.Minute
	return e.Because(cause)
}

// maxDecisions bounds how often a job may move while it is decided about.
const maxDecisions = 100

// change appends to a job the fact that decide makes of its facts, and decides
// again where they moved in between. It gives the fact that was appended: nil
// where decide makes none.
func (in *Ingest) change(ctx context.Context, job events.JobID, decide func(facts) (events.Event, error)) (events.Event, error) {
	f, err := in.load(ctx, job)
	if err != nil {
		return nil, err
	}
	return in.changeFrom(ctx, f, decide)
}

// changeFrom is change for whoever knows the facts already. They may have moved since.
func (in *Ingest) changeFrom(ctx context.Context, f facts, decide func(facts) (events.Event, error)) (events.Event, error) {
	for range maxDecisions {
		fact, err := decide(f)
		if err != nil || fact == nil {
			return nil, err
		}
		body, err := events.Encode(fact, time.Now())
		if err != nil {
			return nil, err
		}
		_, err = in.log.AppendFact(ctx, f.job, fact.Subject(), body, f.lastSeq)
		if !errors.Is(err, eventlog.ErrWrongSequence) {
			return fact, err
		}
		if f, err = in.load(ctx, f.job); err != nil {
			return nil, err
		}
	}
	return nil, httpx.Unavailable(time.Second, "busy", "Import %d moves too fast to be changed at the moment: try again.", f.job)
}

// giveUpOn ends an upload that will not be sealed, unless it has ended. It gives
// the facts as they are then: the abort is the last of them, or why there is none.
func (in *Ingest) giveUpOn(ctx context.Context, aborted *events.ImportAborted) (facts, error) {
	var known facts
	fact, err := in.change(ctx, aborted.JobID, func(f facts) (events.Event, error) {
		known = f
		return abort(f, aborted), nil
	})
	if fact != nil {
		known.last = fact
	}
	return known, err
}
