package processor

import (
	"context"
	"maps"
	"sync"
	"time"

	"licenseimport/events"

	"golang.org/x/sync/errgroup"
)

// processRows decides the job's rows from its position to the end of its phase. It stages one batch
// while the server commits the one before. The phase begins with the fact start; nil: it has begun.
// If a commit is refused processRows returns that error, and otherwise the reason why it stopped early.
func (p *Processor) processRows(ctx context.Context, j *job, start *events.ImportProgressed, lookups *lookupPolicy) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	known := *j // the commit queue advances j itself
	commits := newCommitQueue()
	if start != nil {
		known.Progress = *start
		_ = commits.push(func() error { return p.appendFact(ctx, j, start) }) // close returns its error
	}
	err := p.decideRows(ctx, j, known, commits, lookups)
	if refused := commits.close(); refused != nil {
		return refused
	}
	return err
}

// decideRows runs the rows after the position of known through the pipeline.
func (p *Processor) decideRows(
	ctx context.Context, j *job, known job, commits *commitQueue, lookups *lookupPolicy,
) error {
	policy, torn, err := p.prepare(ctx, known)
	if err != nil {
		return err
	}
	known.torn = torn
	lookups.begin(known)
	memory, err := p.newPreview(ctx, known, policy)
	if err != nil {
		return err
	}
	line := &pipeline{p: p, job: j, start: known, policy: policy, position: known.Progress, preview: memory, commits: commits}
	reading, cancel := context.WithCancel(ctx)
	ahead := p.prefetchLookups(reading, p.read(reading, known, policy, lookups.seen), known, policy, lookups)
	defer func() { // wait for the goroutines that use lookups: the caller uses it next
		cancel()
		for range ahead {
		}
	}()
	for b := range ahead {
		if err := line.push(ctx, b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// prepare reads what the rows are judged by, and the outcomes that a torn batch left.
func (p *Processor) prepare(ctx context.Context, known job) (*Policy, tornOutcomes, error) {
	var policy *Policy
	var torn tornOutcomes
	reads, ctx := errgroup.WithContext(ctx)
	reads.Go(func() error {
		catalogue, err := p.catalogue.snapshot(ctx)
		policy = known.policy(catalogue)
		return err
	})
	reads.Go(func() (err error) {
		torn, err = p.readTornOutcomes(ctx, known)
		return err
	})
	return policy, torn, reads.Wait()
}

// pipeline stages the batches of one phase of a job.
type pipeline struct {
	p        *Processor
	job      *job // belongs to the commit queue until that is drained
	start    job  // as the phase found it
	policy   *Policy
	position events.ImportProgressed // after the last batch staged
	recent   [inFlight]Aggregates    // of the last rows staged, with what was pending then
	preview  *preview                // nil: the rows' outcomes are stored, or are not decided
	commits  *commitQueue
}

// inFlight bounds how many earlier batches a prefetched look-up may have missed, because they were
// not stored yet: one waits to be staged, one is staged, one is being committed; and one to spare.
const inFlight = 4

// push stages the next rows and queues their commit.
func (l *pipeline) push(ctx context.Context, b judgedRows) error {
	if b.serial || b.err != nil || b.missing {
		if err := l.commits.drain(); err != nil {
			return err
		}
	}
	if b.err != nil {
		return b.err
	}
	if b.missing {
		return l.p.appendFact(ctx, l.job, l.job.RowsMissing())
	}
	l.yieldToSmall(ctx)
	known, err := l.aggregates(ctx, b)
	rows := b.verdicts
	for err == nil && len(b.verdicts) > 0 {
		var decided int
		if decided, err = l.stage(ctx, b, known); err == nil && decided == 0 {
			err = l.awaitPending(ctx, b, known)
		}
		b.verdicts = b.verdicts[decided:]
	}
	if err != nil {
		return err
	}
	if l.preview != nil {
		l.preview.remember(rows, known)
	}
	recycle(rows)
	return nil
}

// stage decides as many of the rows as it can and stages them as one batch, whose commit it queues. It
// returns their number.
func (l *pipeline) stage(ctx context.Context, b judgedRows, known Aggregates) (int, error) {
	var outcomes []events.Outcome
	if l.start.decides() || l.preview != nil {
		outcomes = l.policy.Outcomes(b.verdicts, known)
	} else {
		outcomes = Rejections(b.verdicts)
	}
	if len(outcomes) == 0 {
		return 0, nil
	}
	next, err := l.p.stage(l.start, b, outcomes, l.position)
	if err != nil {
		return 0, err
	}
	l.position = next.position
	return len(outcomes), l.commits.push(func() error {
		l.yieldToSmall(ctx)
		return l.p.commit(ctx, l.job, next)
	})
}

// awaitPending waits until the events that were pending are stored, and looks up again what they are about.
func (l *pipeline) awaitPending(ctx context.Context, b judgedRows, known Aggregates) error {
	if err := l.commits.drain(); err != nil {
		return err
	}
	pending := func(v *Verdict) bool { return v.Valid() && known[v.Subject()].Pending }
	stored, err := l.p.lookUp(ctx, l.policy, b.verdicts, pending)
	if err != nil {
		return err
	}
	for i := range b.verdicts {
		if v := &b.verdicts[i]; pending(v) {
			delete(known, v.Subject()) // a replica that lags may not have it: the stream refuses the batch then
		}
	}
	maps.Copy(known, stored)
	return nil
}

// yieldToSmall delays a large import while small ones are in progress.
func (l *pipeline) yieldToSmall(ctx context.Context) {
	if !small(l.start.Sealed.Rows) {
		l.p.priority.yield(ctx)
	}
}

// aggregates returns what is known of what the rows are about: as far as it was looked up, or stands in one of the
// batches in flight.
func (l *pipeline) aggregates(ctx context.Context, b judgedRows) (Aggregates, error) {
	l.start.torn.attach(b.verdicts)
	known := b.aggregates
	if b.serial {
		var err error
		if known, err = l.p.lookUp(ctx, l.policy, b.verdicts, (*Verdict).Valid); err != nil {
			return nil, err
		}
	} else if l.start.decides() {
		l.addRecent(known, b.verdicts)
	}
	if l.preview != nil {
		return known, l.preview.recall(ctx, b.verdicts, known)
	}
	if !l.start.decides() {
		return known, nil
	}
	copy(l.recent[1:], l.recent[:])
	l.recent[0] = known
	return known, l.p.findStored(ctx, l.start, b.verdicts, known)
}

// addRecent adds what the batches in flight make of what the rows are about, and what they found where that is newer: a
// look-up that was made before an earlier batch was stored does not know what that batch has changed.
func (l *pipeline) addRecent(known Aggregates, verdicts []Verdict) {
	for i := range verdicts {
		if v := &verdicts[i]; v.MaybeRepeated && v.Valid() {
			for _, recent := range l.recent {
				if aggregate := recent[v.Subject()]; aggregate.Pending || aggregate.Seq > known[v.Subject()].Seq {
					known[v.Subject()] = aggregate
					break
				}
			}
		}
	}
}

// commit commits a staged batch, provided that the job's last fact is still the one known.
func (p *Processor) commit(ctx context.Context, j *job, s *stagedBatch) error {
	body, err := events.Encode(s.fact, time.Now())
	if err != nil {
		return err
	}
	seq, err := s.batch.Commit(ctx, s.fact.Subject(), body, j.Last.Seq)
	if err != nil {
		return err
	}
	logFact(s.fact)
	p.config.Observer.Committed(s.stats(j.kind()))
	return j.advance(s.fact, seq)
}

// commitQueue runs the appends of one job serially: each expects the sequence of the fact that the
// one before has appended. After the first error it runs none.
type commitQueue struct {
	next    chan func() error
	pending sync.WaitGroup // appends that were pushed and have not ended
	done    chan struct{}  // closed when all have ended

	mu       sync.Mutex
	firstErr error
}

func newCommitQueue() *commitQueue {
	c := &commitQueue{next: make(chan func() error), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for commit := range c.next {
			if c.err() == nil {
				c.setErr(commit())
			}
			c.pending.Done()
		}
	}()
	return c
}

// push queues an append. It returns the error of an earlier one.
func (c *commitQueue) push(commit func() error) error {
	c.pending.Add(1)
	c.next <- commit
	return c.err()
}

// drain waits until the queue is empty and returns the first error.
func (c *commitQueue) drain() error {
	c.pending.Wait()
	return c.err()
}

// close drains the queue for the last time.
func (c *commitQueue) close() error {
	close(c.next)
	<-c.done
	return c.err()
}

func (c *commitQueue) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.firstErr
}

func (c *commitQueue) setErr(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.firstErr = err
}
