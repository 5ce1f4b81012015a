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
func (p *Processor) decide(ctx context.Context, j *job, start *events.ImportProgressed, c *care) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	known := *j // commits move the job itself
	commits := newCommits()
	if start != nil {
		known.progress = *start
		commits.push(func() error { return p.append(ctx, j, start) })
	}
	err := p.decideRows(ctx, j, known, commits, c)
	if refused := commits.end(); refused != nil {
		return refused
	}
	return err
}

// decideRows stages the rows behind the position of the job as it is known.
func (p *Processor) decideRows(ctx context.Context, j *job, known job, commits *commits, c *care) error {
	policy, kept, err := p.prepare(ctx, known)
	if err != nil {
		return err
	}
	known.kept = kept
	c.begin(known)
	line := &pipeline{p: p, job: j, known: known, position: known.progress, commits: commits}
	reading, cancel := context.WithCancel(ctx)
	ahead := p.lookUpAhead(reading, p.read(reading, known, policy, c.named), known.id, c)
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
func (p *Processor) prepare(ctx context.Context, known job) (*Policy, kept, error) {
	var policy *Policy
	var left kept
	reads, ctx := errgroup.WithContext(ctx)
	reads.Go(func() error {
		catalogue, err := p.catalogue.snapshot(ctx)
		policy = known.policy(catalogue)
		return err
	})
	reads.Go(func() (err error) {
		left, err = p.kept(ctx, known)
		return err
	})
	return policy, left, reads.Wait()
}

// pipeline stages batches.
type pipeline struct {
	p        *Processor
	job      *job                    // the commits' until they are settled
	known    job                     // as it was at the start
	position events.ImportProgressed // after the last batch staged
	recent   [inFlight]Makers        // of the last batches staged
	commits  *commits
}

// inFlight is how many batches before its own a look-up ahead may not see, since they are not stored yet: one
// that waits to be staged, one that is staged and one that is committed. One more does no harm.
const inFlight = 4

// push stages the next rows, to be committed as soon as those before are stored.
func (l *pipeline) push(ctx context.Context, b rows) error {
	if b.alone || b.err != nil || b.missing {
		if err := l.commits.settle(); err != nil {
			return err
		}
	}
	if b.err != nil {
		return b.err
	}
	if b.missing {
		return l.p.append(ctx, l.job, l.job.missing())
	}
	l.giveWay(ctx)
	next, err := l.stage(ctx, b)
	if err != nil {
		return err
	}
	l.position = next.position
	return l.commits.push(func() error {
		l.giveWay(ctx)
		return l.p.commit(ctx, l.job, next)
	})
}

// giveWay waits for small imports, unless this is one.
func (l *pipeline) giveWay(ctx context.Context) {
	if !small(l.known.rows) {
		l.p.courtesy.wait(ctx)
	}
}

func (l *pipeline) stage(ctx context.Context, b rows) (*staged, error) {
	if l.position.Phase != events.Import {
		return l.p.stage(l.known, b, l.position, nil)
	}
	makers, err := l.makers(ctx, b)
	if err != nil {
		return nil, err
	}
	s, err := l.p.stage(l.known, b, l.position, makers)
	copy(l.recent[1:], l.recent[:])
	l.recent[0] = makers
	return s, err
}

// makers says which of the rows' licenses exist, and which row made each, as far as
// anybody asked or this job itself made them.
func (l *pipeline) makers(ctx context.Context, b rows) (Makers, error) {
	found := b.makers
	if b.alone {
		var err error
		if found, err = l.p.lookUp(ctx, b.verdicts, (*Verdict).Valid); err != nil {
			return nil, err
		}
	}
	makers := make(Makers, len(b.verdicts))
	maps.Copy(makers, found)
	for i := range b.verdicts {
		if v := &b.verdicts[i]; v.Again {
			for _, recent := range l.recent {
				if maker, ok := recent[v.Subject()]; ok {
					makers[v.Subject()] = maker
				}
			}
		}
	}
	return makers, nil
}

// commit stores a staged batch behind the job's last fact.
func (p *Processor) commit(ctx context.Context, j *job, s *staged) error {
	body, err := events.Encode(s.fact, time.Now())
	if err != nil {
		return err
	}
	seq, err := s.batch.Commit(ctx, s.fact.Subject(), body, j.lastSeq)
	if err != nil {
		return err
	}
	j.moved(s.fact, seq)
	tell(s.fact)
	p.config.Observer.Batch(s.seen())
	return nil
}

// commits are the appends of one job, one after the other. Each is to follow
// the fact of the one before, so none can be sent earlier. After the first error
// nothing is appended.
type commits struct {
	next  chan func() error
	open  sync.WaitGroup // appends that were pushed and not settled
	ended chan struct{}

	mu     sync.Mutex
	failed error
}

func newCommits() *commits {
	c := &commits{next: make(chan func() error), ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		for commit := range c.next {
			if c.err() == nil {
				c.fail(commit())
			}
			c.open.Done()
		}
	}()
	return c
}

// push has an append made when its turn comes. It tells whether one before has failed.
func (c *commits) push(commit func() error) error {
	c.open.Add(1)
	c.next <- commit
	return c.err()
}

// settle waits until all appends are made, or one has failed.
func (c *commits) settle() error {
	c.open.Wait()
	return c.err()
}

// end settles the appends; no more follow.
func (c *commits) end() error {
	close(c.next)
	<-c.ended
	return c.err()
}

func (c *commits) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

func (c *commits) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = err
}
