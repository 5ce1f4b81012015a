package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"

	"golang.org/x/sync/errgroup"
)

// Config holds what an operator may set; zero values are the defaults.
type Config struct {
	// Concurrency is how many jobs are worked on at a time, so that a small
	// import does not wait for a big one. Default 4.
	Concurrency int
	// Observer is told of every batch; nil: nobody.
	Observer Observer
}

// Observer is told what happened, for metrics. Several jobs call it at once.
type Observer interface {
	// Batch was appended.
	Committed(BatchStats)
	// Refused batches are decided again: the reason is one of RefusedReasons.
	Refused(reason string)
}

// RefusedReasons are why a batch was refused: somebody else wrote the job's
// facts, or imported one of its licenses.
var RefusedReasons = []string{"moved", "conflict"}

// Batch is what an observer is told of the rows that were decided together.
type BatchStats struct {
	Phase events.Phase
	Rows  events.Row
	// Counts are of this batch alone.
	Counts events.Counts
	// Errors counts the rejected rows by code; a row with two codes counts for each.
	Errors map[events.Code]events.Row
	// Took is the time from the first row read to the acknowledgement.
	Took time.Duration
}

// Processor works on sealed jobs until its context ends.
type Processor struct {
	log       *eventlog.Log
	catalogue *Catalogue
	config    Config
	priority  smallImportPriority

	mu         sync.Mutex
	unreadable map[events.JobID]error // jobs whose events cannot be read
}

// New makes a processor on a log.
func New(log *eventlog.Log, c Config) *Processor {
	if c.Concurrency <= 0 {
		c.Concurrency = 4
	}
	if c.Observer == nil {
		c.Observer = nopObserver{}
	}
	return &Processor{log: log, catalogue: OpenCatalogue(log), config: c, unreadable: map[events.JobID]error{}}
}

// Run claims sealed jobs and decides them, until ctx ends.
func (p *Processor) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var listening errgroup.Group
	listening.Go(func() error { return p.log.SubscribeHints(ctx, hintSubjects, p.priority.onHint) })
	err := p.log.LeaseJobs(ctx, p.config.Concurrency, p.process)
	cancel()
	return errors.Join(err, listening.Wait())
}

// Ready fails while a job is stopped by an event that cannot be read.
func (p *Processor) Ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, err := range p.unreadable {
		return err
	}
	return nil
}

// work brings one job to its end. It returns nil when there is nothing left to
// do, eventlog.ErrLeaseLost when another processor has taken the job over, and
// else why it could not go on: the job is claimed again after a while.
func (p *Processor) process(ctx context.Context, claim eventlog.Message) error {
	sealed, err := decodeAs[*events.ImportSealed](events.LicensesStream, claim)
	if err != nil {
		return err
	}
	err = p.runToEnd(ctx, sealed.JobID)
	p.recordReadiness(sealed.JobID, err)
	return err
}

// tell writes a job's turning points into the log.
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
		log.Info("import decided", "rows", e.Row, "imported", e.Imported, "existed", e.Existed, "rejected", e.Rejected)
	}
}

// remember keeps the error of a job that stands still, for Ready.
func (p *Processor) recordReadiness(id events.JobID, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var undecodable *undecodableError
	if errors.As(err, &undecodable) {
		p.unreadable[id] = err
	} else {
		delete(p.unreadable, id)
	}
}

// finish takes one step after the other until the job has ended.
func (p *Processor) runToEnd(ctx context.Context, id events.JobID) error {
	var c lookupPolicy
	for {
		j, err := p.load(ctx, id)
		if err != nil {
			return err
		}
		for err == nil {
			stage, fact := j.next()
			switch stage {
			case ended:
				return nil
			case between:
				err = p.appendFact(ctx, j, fact)
			case deciding:
				start, _ := fact.(*events.ImportProgressed)
				err = p.decide(ctx, j, start, &c)
			}
		}
		if err := p.resolveRefusal(ctx, j, err, &c); err != nil {
			return err
		}
	}
}

// afterRefusal looks at why the job could not move on. It returns nil where
// reading the job's facts again and deciding again is the thing to do.
func (p *Processor) resolveRefusal(ctx context.Context, j *job, err error, c *lookupPolicy) error {
	switch {
	case errors.Is(err, eventlog.ErrConflict):
		p.config.Observer.Refused("conflict")
		return c.onConflict(ctx, j.lastSeq)
	case errors.Is(err, eventlog.ErrWrongSequence):
		p.config.Observer.Refused("moved")
		now, err := p.load(ctx, j.id)
		if err != nil {
			return err
		}
		if stage, _ := now.next(); stage == deciding {
			return eventlog.ErrLeaseLost // another processor has it
		}
		return nil // cancelled, or ended by another processor
	default:
		return err
	}
}

// append adds one fact that stands for itself.
func (p *Processor) appendFact(ctx context.Context, j *job, fact events.Event) error {
	body, err := events.Encode(fact, time.Now())
	if err != nil {
		return err
	}
	seq, err := p.log.AppendFact(ctx, j.id, fact.Subject(), body, j.lastSeq)
	if err != nil {
		return err
	}
	j.moved(fact, seq)
	logFact(fact)
	return nil
}

// load reads where a job stands: its last fact, and those that say what was
// asked and how far it is.
func (p *Processor) load(ctx context.Context, id events.JobID) (*job, error) {
	j := &job{id: id}
	reads, readCtx := errgroup.WithContext(ctx)
	reads.Go(func() error { return p.loadPosition(readCtx, j) })
	reads.Go(func() error {
		started, err := readFact(readCtx, p.log, &events.ImportStarted{JobID: id})
		if err == nil {
			j.mode, j.dryRun, j.products = started.Mode, started.DryRun, started.Products
		}
		return err
	})
	reads.Go(func() error {
		sealed, err := readFact(readCtx, p.log, &events.ImportSealed{JobID: id})
		if err == nil {
			j.rows = sealed.Rows
		}
		return err
	})
	return j, reads.Wait()
}

// loadLast reads the job's last fact and, after it, the position: one that is newer than what
// an append expects is refused, one that is older would decide rows twice.
func (p *Processor) loadPosition(ctx context.Context, j *job) error {
	message, ok, err := p.log.LastFact(ctx, j.id)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("import %d: its facts are not in the store", j.id)
	}
	if j.last, err = decode(events.LicensesStream, message); err != nil {
		return err
	}
	j.lastSeq = message.Seq
	progress := &events.ImportProgressed{JobID: j.id}
	switch last := j.last.(type) {
	case *events.ImportSealed: // there is no position yet
	case *events.ImportProgressed:
		progress = last
	default:
		if progress, err = readFact(ctx, p.log, progress); errors.Is(err, errNoFact) {
			progress, err = &events.ImportProgressed{JobID: j.id}, nil
		}
	}
	if err == nil {
		j.progress = *progress
	}
	return err
}

var errNoFact = errors.New("no such fact")

// fact reads the last fact of the same type and job as the one given.
func readFact[E events.Event](ctx context.Context, log *eventlog.Log, like E) (E, error) {
	message, ok, err := log.Fact(ctx, like.Subject())
	if err != nil {
		return like, err
	}
	if !ok {
		return like, fmt.Errorf("import %d: %s: %w", like.Job(), like.Type(), errNoFact)
	}
	return decodeAs[E](events.LicensesStream, message)
}

type nopObserver struct{}

func (nopObserver) Committed(BatchStats) {}
func (nopObserver) Refused(string)       {}
