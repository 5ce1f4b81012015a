package processor

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// processUndo reads what the import appended after the undo's position, and commits what becomes of it. It
// decides and stages one batch while the server commits the one before. If a commit is refused it returns
// that error, and otherwise the reason why it stopped early.
func (p *Processor) processUndo(ctx context.Context, j *job, pace *undoPace) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u := &undoRun{p: p, job: j, start: *j, pace: pace, progress: j.UndoProgress, commits: newCommitQueue()}
	u.progress.JobID = j.Job
	err := u.run(ctx)
	if refused := u.commits.close(); refused != nil {
		return refused
	}
	return err
}

// undoRun is one pass over the facts of an import that is undone.
type undoRun struct {
	p        *Processor
	job      *job // belongs to the commit queue until that is drained
	start    job  // as the pass found it
	pace     *undoPace
	progress events.UndoProgressed // after the last batch staged
	commits  *commitQueue
}

func (u *undoRun) run(ctx context.Context) error {
	var err error
	if u.start.decider().undo == nil {
		return fmt.Errorf("import %d: an import of %s cannot be taken back", u.start.Job, u.start.kind().Many)
	}
	if u.start.torn, err = u.p.readTornOutcomes(ctx, u.start); err != nil {
		return err
	}
	if u.start.UndoProgress.Position == 0 {
		slog.Info("undo begun", "job_id", u.start.Job)
	}
	reading, cancel := context.WithCancel(ctx)
	ahead := u.decideAhead(reading, u.p.readUndo(reading, u.start, u.pace))
	defer func() { // wait for the goroutines that use pace: the caller uses it next
		cancel()
		for range ahead {
		}
	}()
	for b := range ahead {
		if err := u.push(ctx, b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// decideAhead decides batches while the ones before are staged and committed, but for the serial ones. The
// returned channel is closed when in is.
func (u *undoRun) decideAhead(ctx context.Context, in <-chan undoBatch) <-chan undoBatch {
	out := make(chan undoBatch, 1)
	go func() {
		defer close(out)
		for b := range in {
			if !b.serial && b.err == nil {
				b.outcomes, b.err = u.decide(ctx, b)
			}
			select {
			case out <- b:
			case <-ctx.Done(): // nobody receives: read on until in is closed
			}
		}
	}()
	return out
}

// push stages a batch, and queues its commit.
func (u *undoRun) push(ctx context.Context, b undoBatch) error {
	if b.serial || b.err != nil {
		if err := u.commits.drain(); err != nil {
			return err
		}
	}
	if b.serial && b.err == nil {
		b.outcomes, b.err = u.decide(ctx, b)
	}
	if b.err != nil {
		return b.err
	}
	u.yieldToSmall(ctx)
	staged, err := u.stage(b)
	if err != nil || staged == nil {
		return err
	}
	return u.commits.push(func() error {
		u.yieldToSmall(ctx)
		return u.commit(ctx, staged)
	})
}

// yieldToSmall delays the undo of a large import while small imports are in progress.
func (u *undoRun) yieldToSmall(ctx context.Context) {
	if !small(u.start.Sealed.Rows) {
		u.p.priority.yield(ctx)
	}
}

// decide decides what becomes of a batch's facts. It looks up what that depends on.
func (u *undoRun) decide(ctx context.Context, b undoBatch) ([]undoOutcome, error) {
	d := u.newDecider(b.facts)
	if b.first || u.pace.lookUpAll() {
		if err := u.lookUp(ctx, d); err != nil {
			return nil, err
		}
	}
	if b.first {
		if err := u.findStored(ctx, d); err != nil {
			return nil, err
		}
	}
	for {
		outcomes, missing, err := d.decideAll(b.facts)
		if err != nil || len(missing) == 0 {
			return outcomes, err
		}
		if err := u.read(ctx, d, missing); err != nil {
			return nil, err
		}
	}
}

// read reads events of licenses, by their sequences. A replica may have another message at one: the leader is asked
// then.
func (u *undoRun) read(ctx context.Context, d *undoDecider, missing map[events.Seq]string) error {
	known := func(m eventlog.Message) error {
		if m.Subject != missing[m.Seq] {
			return nil
		}
		aggregate, err := decodeAggregate(&m)
		d.events[m.Seq] = aggregate.Last
		return err
	}
	seqs := slices.Sorted(maps.Keys(missing))
	if err := u.p.log.MessagesAt(ctx, seqs, known); err != nil {
		return err
	}
	for _, seq := range seqs {
		if d.events[seq] != nil {
			continue
		}
		m, found, err := u.p.log.MessageAt(ctx, seq)
		if err == nil && found {
			err = known(m)
		}
		if err != nil {
			return err
		}
		if d.events[seq] == nil {
			return fmt.Errorf("undo of import %d: the stream lacks sequence %d, which another event names", u.start.Job, seq)
		}
	}
	return nil
}

// newDecider knows what the facts themselves tell: as far as they know, each is its license's last event. Where it is
// not, the stream refuses the batch, unless the licenses are looked up.
func (u *undoRun) newDecider(facts []Aggregate) *undoDecider {
	d := &undoDecider{
		job: u.start.Job, manager: u.start.UndoStarted.Manager, rules: u.start.decider().undo,
		stored: map[events.Row]events.Outcome{},
		last:   make(map[string]Aggregate, len(facts)), events: make(map[events.Seq]events.Event, len(facts)),
	}
	for _, f := range facts {
		d.events[f.Seq], d.last[f.Last.Subject()] = f.Last, f
	}
	return d
}

// lookUp reads the last events of the facts' licenses.
func (u *undoRun) lookUp(ctx context.Context, d *undoDecider) error {
	changed := false
	err := u.p.log.Lookup(ctx, slices.Collect(maps.Keys(d.last)), func(m eventlog.Message) (err error) {
		switch last := d.last[m.Subject]; {
		case m.Seq == last.Seq:
		case m.Seq < last.Seq:
			err = fmt.Errorf("%w: a replica has %d as the last event of a license, not %d",
				eventlog.ErrConflict, m.Seq, last.Seq)
		default:
			changed = true
			last, err = decodeAggregate(&m)
			d.events[m.Seq], d.last[m.Subject] = last.Last, last
		}
		return err
	})
	if changed {
		u.pace.observeChange()
	}
	return err
}

// findStored adds the outcomes that a torn batch left: see doc.go. All of them follow the job's last fact, and
// are of events of one batch, so of some of the first maxRows after the position.
func (u *undoRun) findStored(ctx context.Context, d *undoDecider) error {
	for row, e := range u.start.torn {
		d.stored[row] = e
	}
	unread := map[string]events.Seq{}
	for subject, last := range d.last {
		if last.Seq > u.start.Last.Seq {
			unread[subject] = last.Seq
		}
	}
	return u.p.log.FactsUpTo(ctx, unread, u.start.Last.Seq, func(m eventlog.Message) error {
		aggregate, err := decodeAggregate(&m)
		if outcome := d.ownOutcome(aggregate.Last); outcome != nil {
			d.stored[outcome.Origin().Row] = outcome
		}
		return err
	})
}

// stagedUndo is a batch of an undo whose outcomes are at the server. Its fact commits it.
type stagedUndo struct {
	batch *eventlog.Batch
	fact  events.Event
	stats UndoStats
	began time.Time // when its first event was read
}

// stage sends outcomes to the server, the last one first: so the customers and orders that the import made are gone
// before a license returns to those that it had. It returns nil where there is nothing to commit.
func (u *undoRun) stage(b undoBatch) (*stagedUndo, error) {
	s := &stagedUndo{batch: u.p.log.NewBatch(u.start.Job), began: b.began}
	var body []byte // reused: AddAfter copies it
	now := time.Now()
	for _, o := range slices.Backward(b.outcomes) {
		if o.event == nil {
			continue
		}
		if countUndo(&s.stats.Counts, o.event); o.stored {
			continue
		}
		var err error
		if body, err = events.Append(body[:0], o.event, now); err != nil {
			return nil, err
		}
		if err = s.batch.AddAfter(o.event.Subject(), body, o.subject, o.last); err != nil {
			return nil, err
		}
	}
	u.progress.Position = b.position
	u.progress.Revoked += s.stats.Counts.Revoked
	u.progress.Restored += s.stats.Counts.Restored
	u.progress.Kept += s.stats.Counts.Kept
	s.fact = u.start.CommitUndo(u.progress)
	if _, more := s.fact.(*events.UndoProgressed); more && s.stats.Counts == (events.UndoCounts{}) && !b.due {
		return nil, nil
	}
	return s, nil
}

// commit commits a staged batch, provided that the job's last fact is still the one known.
func (u *undoRun) commit(ctx context.Context, s *stagedUndo) error {
	body, err := events.Encode(s.fact, time.Now())
	if err != nil {
		return err
	}
	seq, err := s.batch.Commit(ctx, s.fact.Subject(), body, u.job.Last.Seq)
	if err != nil {
		return err
	}
	logFact(s.fact)
	s.stats.Kind, s.stats.Took = u.job.kind(), time.Since(s.began)
	u.p.config.Observer.UndoCommitted(s.stats)
	return u.job.advance(s.fact, seq)
}
