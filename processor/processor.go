package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/importjob"

	"golang.org/x/sync/errgroup"
)

// Config holds what an operator may set. Zero values are the defaults.
type Config struct {
	// Concurrency is how many jobs this process works on at a time: a small import does not queue
	// behind a large one. What one manager has in work beyond half of it does not count against the
	// others, so half as many again may be in work. Default 4.
	Concurrency int
	// Observer receives what happened, for metrics. Default none.
	Observer Observer
}

// Observer receives what happened, for metrics. Several goroutines call it.
type Observer interface {
	// Committed reports a batch that the stream has acknowledged.
	Committed(BatchStats)
	// Refused reports a batch that the stream has refused, and the reason, one of
	// [RefusedReasons]. The processor decides its rows again.
	Refused(reason string)
	// UndoCommitted reports a batch of an undo that the stream has acknowledged.
	UndoCommitted(UndoStats)
}

// RefusedReasons are the reasons of a refused batch. moved: another process appended a fact of the
// job (a cancel, or another processor). conflict: another import made or changed one of the batch's
// licenses.
var RefusedReasons = []string{"moved", "conflict"}

// BatchStats describes one committed batch.
type BatchStats struct {
	Kind  *events.Kind // what the rows are
	Phase events.Phase
	Rows  events.Row
	// Counts are those of this batch, not of the job.
	Counts events.Counts
	// Errors counts the rejected rows by code. A row with two codes counts once for each.
	Errors map[events.Code]events.Row
	// Took is the time from reading the first row to the acknowledgement.
	Took time.Duration
}

// UndoStats describes one committed batch of an undo.
type UndoStats struct {
	Kind   *events.Kind      // of the import
	Counts events.UndoCounts // those of this batch, not of the undo
	// Took is the time from reading the first event to the acknowledgement.
	Took time.Duration
}

// Processor decides the rows of sealed jobs, and takes imports back. Any number of processors may share a log.
type Processor struct {
	log       *eventlog.Log
	catalogue *Catalogue
	config    Config
	priority  smallImportPriority
	owners    owners

	mu         sync.Mutex
	unreadable map[events.JobID]error // jobs whose events cannot be read
}

// New makes a processor on a log. [Processor.Run] starts it.
func New(log *eventlog.Log, c Config) *Processor {
	if c.Concurrency <= 0 {
		c.Concurrency = 4
	}
	if c.Observer == nil {
		c.Observer = nopObserver{}
	}
	p := &Processor{
		log: log, catalogue: OpenCatalogue(log), config: c, owners: newOwners(), unreadable: map[events.JobID]error{},
	}
	p.priority.started = p.owners.onHint
	return p
}

// Run leases sealed jobs and undos and does their work, until ctx ends. It returns the cause of ctx, or why the
// log cannot lease jobs.
func (p *Processor) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var hints errgroup.Group
	hints.Go(func() error { return p.log.SubscribeHints(ctx, hintSubjects, p.priority.onHint) })
	err := p.log.LeaseJobs(ctx, p.config.Concurrency, p.owner, p.process)
	cancel()
	return errors.Join(err, hints.Wait())
}

// Ready fails while an event that cannot be read stops a job.
func (p *Processor) Ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for job, err := range p.unreadable {
		if job == 0 { // a message that is no import's
			return err
		}
		return fmt.Errorf("import %d: %w", job, err)
	}
	return nil
}

// process works on one leased job until it has ended, and returns nil then.
// [eventlog.ErrLeaseLost]: another processor has taken the job over. After any other error the log
// leases the job again, with a back-off.
func (p *Processor) process(ctx context.Context, lease eventlog.Message) error {
	job, _, _ := events.ParseWorkSubject(lease.Subject) // 0: no job has such a fact
	envelope, err := lease.Decode()
	aside, asideErr := p.log.IsSetAside(ctx, lease.Seq) // facts that can be read may be set aside, too
	switch {
	case aside:
		err = nil
	case err == nil && asideErr != nil:
		err = asideErr
	case err == nil:
		_, undo := envelope.Event.(*events.UndoStarted)
		err = p.runToEnd(ctx, envelope.Event.Job(), lease.Seq, undo)
	}
	p.recordReadiness(job, err)
	return err
}

// logFact logs the begin of a phase, the end of a job and the end of an undo.
func logFact(fact events.Event) {
	switch e := fact.(type) {
	case *events.ImportProgressed:
		if e.Row == 0 {
			slog.Info("import begun", "job_id", e.JobID, "phase", e.Phase)
		}
	case *events.ImportFinished:
		log := slog.With("job_id", e.JobID, "status", e.Status)
		if e.Error != nil {
			log = log.With("code", e.Error.Code)
		}
		log.Info("import finished", "rows", e.Row, "imported", e.Imported, "updated", e.Updated, "existed", e.Existed,
			"rejected", e.Rejected)
	case *events.UndoFinished:
		slog.Info("import undone", "job_id", e.JobID, "revoked", e.Revoked, "restored", e.Restored, "kept", e.Kept)
	}
}

// recordReadiness notes for Ready whether an event that cannot be read stops the job.
func (p *Processor) recordReadiness(id events.JobID, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, unreadable := errors.AsType[*eventlog.UnreadableEventError](err); unreadable {
		p.unreadable[id] = err
	} else {
		delete(p.unreadable, id)
	}
}

// runToEnd does what is due until the import, or its undo, has ended. After a refused append it loads the
// job again. The job has a fact at the sequence since, or later.
func (p *Processor) runToEnd(ctx context.Context, id events.JobID, since events.Seq, undo bool) error {
	var lookups lookupPolicy
	var pace undoPace
	onConflict := lookups.onConflict
	if undo {
		onConflict = pace.onConflict
	}
	for {
		j, err := p.load(ctx, id, since)
		if err != nil {
			return err
		}
		for err == nil {
			step, fact, unsealed := j.Next()
			switch {
			case unsealed != nil:
				return unsealed
			case step == importjob.AppendFact:
				err = p.appendFact(ctx, j, fact)
			case step == importjob.ProcessRows:
				start, _ := fact.(*events.ImportProgressed)
				err = p.processRows(ctx, j, start, &lookups)
			case step == importjob.ProcessUndo && undo:
				err = p.processUndo(ctx, j, &pace)
			default: // importjob.Done; or an undo of the import is in work, which has its own lease
				return nil
			}
		}
		if err := p.resolveRefusal(ctx, j, err, onConflict); err != nil {
			return err
		}
		since = j.Last.Seq
	}
}

// resolveRefusal finds out what to do about an error of the job. nil: load the job again and decide
// again.
func (p *Processor) resolveRefusal(
	ctx context.Context, j *job, err error, onConflict func(ctx context.Context, j *job, cause error) error,
) error {
	switch {
	case errors.Is(err, eventlog.ErrConflict):
		p.config.Observer.Refused("conflict")
		return onConflict(ctx, j, err)
	case errors.Is(err, eventlog.ErrWrongSequence):
		p.config.Observer.Refused("moved")
		now, err := p.load(ctx, j.Job, j.Last.Seq+1) // the other process's fact is there
		if err != nil {
			return err
		}
		step, _, err := now.Next()
		if err == nil && (step == importjob.ProcessRows || step == importjob.ProcessUndo && j.Phase == importjob.Undoing) {
			return eventlog.ErrLeaseLost // another processor works on it
		}
		return err // nil: cancelled, or ended by another processor
	default:
		return err
	}
}

// appendFact appends a fact of the job without outcomes.
func (p *Processor) appendFact(ctx context.Context, j *job, fact events.Event) error {
	body, err := events.Encode(fact, time.Now())
	if err != nil {
		return err
	}
	seq, err := p.log.AppendFact(ctx, j.Job, fact.Subject(), body, j.Last.Seq)
	if err != nil {
		return err
	}
	logFact(fact)
	return j.advance(fact, seq)
}

// load reads a job's state from its facts: the start, the seal, the last one, and those that the last one
// asks for. It fails where the last fact is older than since: on several nodes, the stream's leader may store a
// message later than the replica that has delivered it.
func (p *Processor) load(ctx context.Context, id events.JobID, since events.Seq) (*job, error) {
	var started, sealed importjob.Fact
	var parts []importjob.Fact
	var last importjob.Fact
	reads, readCtx := errgroup.WithContext(ctx)
	reads.Go(func() (err error) {
		started, err = readFact(readCtx, p.log, events.StartedSubject(id))
		return err
	})
	reads.Go(func() (err error) {
		sealed, err = readFact(readCtx, p.log, events.SealedSubject(id))
		return err
	})
	reads.Go(func() (err error) {
		parts, last, err = p.readLast(readCtx, id)
		return err
	})
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	if last.Seq < since {
		return nil, fmt.Errorf("import %d: the last fact read is %d, and there is one at %d or later", id, last.Seq, since)
	}
	state, err := importjob.Fold(id, slices.Concat([]importjob.Fact{started, sealed}, parts, []importjob.Fact{last})...)
	if err != nil {
		if damaged := p.log.DamagedBefore(ctx, last.Seq); damaged != nil {
			return nil, damaged
		}
		return nil, &eventlog.UnreadableEventError{Subject: events.FactsFilter(id), Seq: last.Seq, Cause: err}
	}
	return &job{State: state}, nil
}

// readLast reads the job's last fact first, and then the positions and other facts that it asks for. A
// position that is newer than the last fact known is harmless: the append is refused. An older one would
// decide rows twice.
func (p *Processor) readLast(ctx context.Context, id events.JobID) (parts []importjob.Fact, last importjob.Fact, err error) {
	if last, err = readFact(ctx, p.log, events.FactsFilter(id)); err != nil {
		return nil, last, err
	}
	if last.Event == nil {
		return nil, last, fmt.Errorf("import %d: its facts are not in the store", id)
	}
	for _, subject := range importjob.StateSubjectsWithPositions(last.Event) {
		part, err := readFact(ctx, p.log, subject)
		if err != nil {
			return nil, last, err
		}
		parts = append(parts, part)
	}
	return parts, last, nil
}

// readFact reads the last fact at a subject. It returns a Fact without an event if there is none.
func readFact(ctx context.Context, log *eventlog.Log, subject string) (importjob.Fact, error) {
	message, found, err := log.Fact(ctx, subject)
	if err != nil || !found {
		return importjob.Fact{}, err
	}
	envelope, err := message.Decode()
	return importjob.Fact{Event: envelope.Event, Seq: message.Seq, Time: message.Time}, err
}

type nopObserver struct{}

func (nopObserver) Committed(BatchStats)    {}
func (nopObserver) Refused(string)          {}
func (nopObserver) UndoCommitted(UndoStats) {}
