package processor

import (
	"context"
	"maps"
	"sync"
	"time"

	"licenseimport/events"

	"golang.org/x/sync/errgroup"
)

// decide works on the job's rows from its position until its phase ends: batches are
// staged while those before are being committed. The phase begins with start; nil: it has begun. It returns
// the error that a commit was refused with, or what kept it from going on.
func (p *Processor) decide(ctx context.Context, j *job, start *events.ImportProgressed, c *lookupPolicy) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	known := *j // commits move the job itself
	commits := newCommitQueue()
	if start != nil {
		known.progress = *start
		commits.push(func() error { return p.appendFact(ctx, j, start) })
	}
	err := p.decideRows(ctx, j, known, commits, c)
	if refused := commits.close(); refused != nil {
		return refused
	}
	return err
}

// decideRows stages the rows behind the position of the job as it is known.
func (p *Processor) decideRows(ctx context.Context, j *job, known job, commits *commitQueue, c *lookupPolicy) error {
	policy, torn, err := p.prepare(ctx, known)
	if err != nil {
		return err
	}
	known.torn = torn
	c.begin(known)
	line := &pipeline{p: p, job: j, start: known, position: known.progress, commits: commits}
	reading, cancel := context.WithCancel(ctx)
	ahead := p.prefetchLookups(reading, p.read(reading, known, policy, c.seen), known.id, c)
	defer func() { // what was learned of the job is this goroutine's again
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

// prepare reads what a job's rows are judged by, and what half a batch left of their outcomes.
func (p *Processor) prepare(ctx context.Context, known job) (*Policy, tornOutcomes, error) {
	var policy *Policy
	var left tornOutcomes
	reads, ctx := errgroup.WithContext(ctx)
	reads.Go(func() error {
		catalogue, err := p.catalogue.snapshot(ctx)
		policy = known.policy(catalogue)
		return err
	})
	reads.Go(func() (err error) {
		left, err = p.readTornOutcomes(ctx, known)
		return err
	})
	return policy, left, reads.Wait()
}

// pipeline stages batches.
type pipeline struct {
	p        *Processor
	job      *job                    // the commits' until they are settled
	start    job                     // as it was at the start
	position events.ImportProgressed // after the last batch staged
	recent   [inFlight]Origins       // of the last batches staged
	commits  *commitQueue
}

// inFlight is how many batches before its own a look-up ahead may not see, since they are not stored yet: one
// that waits to be staged, one that is staged and one that is committed. One more does no harm.
const inFlight = 4

// push stages the next rows, to be committed as soon as those before are stored.
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
		return l.p.appendFact(ctx, l.job, l.job.missing())
	}
	l.yieldToSmall(ctx)
	next, err := l.stage(ctx, b)
	if err != nil {
		return err
	}
	l.position = next.position
	return l.commits.push(func() error {
		l.yieldToSmall(ctx)
		return l.p.commit(ctx, l.job, next)
	})
}

// giveWay waits for small imports, unless this is one.
func (l *pipeline) yieldToSmall(ctx context.Context) {
	if !small(l.start.rows) {
		l.p.priority.yield(ctx)
	}
}

func (l *pipeline) stage(ctx context.Context, b judgedRows) (*stagedBatch, error) {
	if l.position.Phase != events.Import {
		return l.p.stage(l.start, b, l.position, nil)
	}
	origins, err := l.origins(ctx, b)
	if err != nil {
		return nil, err
	}
	s, err := l.p.stage(l.start, b, l.position, origins)
	copy(l.recent[1:], l.recent[:])
	l.recent[0] = origins
	return s, err
}

// makers says which of the rows' licenses exist, and which row made each, as far as
// anybody asked or this job itself made them.
func (l *pipeline) origins(ctx context.Context, b judgedRows) (Origins, error) {
	found := b.origins
	if b.serial {
		var err error
		if found, err = l.p.lookUp(ctx, b.verdicts, (*Verdict).Valid); err != nil {
			return nil, err
		}
	}
	origins := make(Origins, len(b.verdicts))
	maps.Copy(origins, found)
	for i := range b.verdicts {
		if v := &b.verdicts[i]; v.MaybeRepeated {
			for _, recent := range l.recent {
				if origin, ok := recent[v.Subject()]; ok {
					origins[v.Subject()] = origin
				}
			}
		}
	}
	return origins, nil
}

// commit stores a staged batch behind the job's last fact.
func (p *Processor) commit(ctx context.Context, j *job, s *stagedBatch) error {
	body, err := events.Encode(s.fact, time.Now())
	if err != nil {
		return err
	}
	seq, err := s.batch.Commit(ctx, s.fact.Subject(), body, j.lastSeq)
	if err != nil {
		return err
	}
	j.moved(s.fact, seq)
	logFact(s.fact)
	p.config.Observer.Committed(s.stats())
	return nil
}

// commits are the appends of one job, one after the other. Each is to follow
// the fact of the one before, so none can be sent earlier. After the first error
// nothing is appended.
type commitQueue struct {
	next    chan func() error
	pending sync.WaitGroup // appends that were pushed and not settled
	done    chan struct{}

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

// push has an append made when its turn comes. It tells whether one before has failed.
func (c *commitQueue) push(commit func() error) error {
	c.pending.Add(1)
	c.next <- commit
	return c.err()
}

// settle waits until all appends are made, or one has failed.
func (c *commitQueue) drain() error {
	c.pending.Wait()
	return c.err()
}

// end settles the appends; no more follow.
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
