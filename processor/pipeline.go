package processor

import (
	"context"
	"time"

	"licenseimport/events"
)

// decide works on the job's rows from its position until its phase ends: one
// batch is staged while the one before is being committed. It returns the error
// that a commit was refused with, or what kept it from going on.
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
	line := pipeline{p: p, job: j, position: j.progress}
	for b := range p.read(ctx, j, j.policy(catalogue)) {
		if err := line.push(ctx, b, c); err != nil {
			return err
		}
	}
	if err := line.settle(); err != nil {
		return err
	}
	return ctx.Err()
}

// pipeline holds the batch that is being committed while the next is staged.
type pipeline struct {
	p          *Processor
	job        *job
	position   events.ImportProgressed // after the last batch staged
	committing *staged
	result     chan committed
}

type committed struct {
	seq events.Seq
	err error
}

// push stages the next rows, waits for the batch before to be stored and starts
// to commit these.
func (l *pipeline) push(ctx context.Context, b rows, c *care) error {
	if c.alone() || b.err != nil || b.missing {
		if err := l.settle(); err != nil {
			return err
		}
	}
	if b.err != nil {
		return b.err
	}
	if b.missing {
		return l.p.append(ctx, l.job, l.job.missing())
	}
	next, stageErr := l.p.stage(ctx, l.job, b, l.position, l.committing)
	if err := l.settle(); err != nil {
		return err
	}
	if stageErr != nil {
		return stageErr
	}
	return l.commit(ctx, next)
}

// commit starts to commit a batch.
func (l *pipeline) commit(ctx context.Context, s *staged) error {
	body, err := events.Encode(s.fact, time.Now())
	if err != nil {
		return err
	}
	l.position, l.committing = s.position, s
	result := make(chan committed, 1)
	l.result = result
	expect := l.job.lastSeq
	go func() {
		seq, err := s.batch.Commit(ctx, s.fact.Subject(), body, expect)
		result <- committed{seq, err}
	}()
	return nil
}

// settle waits for the batch that is being committed, if there is one.
func (l *pipeline) settle() error {
	s := l.committing
	if s == nil {
		return nil
	}
	l.committing = nil
	done := <-l.result
	if done.err != nil {
		return done.err
	}
	l.job.moved(s.fact, done.seq)
	tell(s.fact)
	l.p.config.Observer.Batch(s.seen())
	return nil
}
