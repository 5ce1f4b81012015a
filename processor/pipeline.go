package processor

import (
	"context"
	"maps"
	"sync"
	"time"

	"licenseimport/events"
)

// decide works on the job's rows from its position until its phase ends: batches are
// staged while those before are being committed. It returns the error that a commit was refused
// with, or what kept it from going on.
func (p *Processor) decide(ctx context.Context, j *job, c *care) error {
	catalogue, err := p.catalogue.snapshot(ctx)
	if err != nil {
		return err
	}
	if j.kept, err = p.kept(ctx, j); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.begin(j)
	line := &pipeline{p: p, job: j, care: c, position: j.progress, commits: p.newCommits(ctx, j)}
	for b := range p.lookUpRepeats(ctx, p.read(ctx, j, j.policy(catalogue), c.named)) {
		if err = line.push(ctx, b); err != nil {
			break
		}
	}
	if refused := line.commits.end(); refused != nil {
		return refused
	}
	if err != nil {
		return err
	}
	return ctx.Err()
}

// pipeline stages batches. The job itself is the commits' until they are settled.
type pipeline struct {
	p        *Processor
	job      *job
	care     *care
	position events.ImportProgressed // after the last batch staged
	recent   [inFlight]Makers        // of the last batches staged
	commits  *commits
}

// inFlight is how many batches before its own a look-up ahead may not see, since they are not stored yet: one
// that waits to be staged, one that is staged, one that waits for its commit and one that is committed. One
// more does no harm.
const inFlight = 5

// push stages the next rows, to be committed as soon as those before are stored.
func (l *pipeline) push(ctx context.Context, b rows) error {
	if l.care.alone() || b.err != nil || b.missing {
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
	next, err := l.stage(ctx, b)
	if err != nil {
		return err
	}
	l.position = next.position
	return l.commits.push(next)
}

func (l *pipeline) stage(ctx context.Context, b rows) (*staged, error) {
	if l.position.Phase != events.Import {
		return l.p.stage(l.job, b, l.position, nil)
	}
	makers, err := l.makers(ctx, b)
	if err != nil {
		return nil, err
	}
	s, err := l.p.stage(l.job, b, l.position, makers)
	copy(l.recent[1:], l.recent[:])
	l.recent[0] = makers
	return s, err
}

// makers says which of the rows' licenses exist, and which row made each, as far as
// anybody asked or this job itself made them.
func (l *pipeline) makers(ctx context.Context, b rows) (Makers, error) {
	makers := make(Makers, len(b.verdicts))
	maps.Copy(makers, b.makers)
	if l.care.searches() {
		found, err := l.p.lookUp(ctx, b.verdicts, (*Verdict).Valid)
		if err != nil {
			return nil, err
		}
		l.care.found(found, l.job.id)
		maps.Copy(makers, found)
	}
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

// commits are the staged batches of a job on their way into the stream: one is being
// committed, one waits for that. Each is to follow the fact of the one before, so none
// can be sent earlier.
type commits struct {
	job    *job
	next   chan *staged
	open   sync.WaitGroup // batches that were pushed and not settled
	ended  chan struct{}
	mu     sync.Mutex
	failed error // the first refusal: nothing is committed after it
}

func (p *Processor) newCommits(ctx context.Context, j *job) *commits {
	c := &commits{job: j, next: make(chan *staged, 1), ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		for s := range c.next {
			if c.err() == nil {
				if err := p.commit(ctx, j, s); err != nil {
					c.fail(err)
				}
			}
			c.open.Done()
		}
	}()
	return c
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

// push has a batch committed when its turn comes. It fails where one before was refused.
func (c *commits) push(s *staged) error {
	c.open.Add(1)
	c.next <- s
	return c.err()
}

// settle waits until all batches are stored, or one was refused.
func (c *commits) settle() error {
	c.open.Wait()
	return c.err()
}

// end settles the batches; no more follow.
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
