package projector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"licenseimport/events"
)

// ReadTimeout bounds how long a read waits for the views.
const ReadTimeout = 2 * time.Second

// ErrLagging says that the views did not get in time to where a read needs them.
var ErrLagging = errors.New("the views are behind the stream")

// WaitFor waits until the views hold the stream up to seq. When ctx ends before, it returns an
// ErrLagging.
func (p *Projector) WaitFor(ctx context.Context, seq events.Seq) error { return p.awaitOr(ctx, seq, 0) }

// awaitOr waits likewise, or until an import is known that goes on.
func (p *Projector) awaitOr(ctx context.Context, seq events.Seq, job events.JobID) error {
	for {
		reached, changed, err := p.reached(seq, job)
		if reached || err != nil {
			return err
		}
		select {
		case p.flushRequest <- struct{}{}:
		default: // the folder is about to look anyway
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ErrLagging
		}
	}
}

// reached tells whether seq is committed or the job is known to go on; if not, that seq is wanted,
// and what to wait for.
func (p *Projector) reached(seq events.Seq, job events.JobID) (bool, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.committed >= seq || p.live[job] != nil {
		return true, nil, nil
	}
	p.wanted = max(p.wanted, seq)
	return false, p.changed, p.failure
}

// awaitEnd waits until the views hold all that the stream held when it was called.
func (p *Projector) awaitEnd(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ReadTimeout)
	defer cancel()
	state, err := p.log.State(ctx)
	if err == nil {
		err = p.WaitFor(ctx, state.Last)
	}
	return lagging(err)
}

// WaitForStart waits until the views have held all of the stream once since the
// start: before, they would tell of an earlier moment than they did already.
func (p *Projector) WaitForStart(ctx context.Context) error {
	p.mu.Lock()
	settled := p.caughtUp || p.failure != nil // after a failure they stay what they are; /readyz says so
	p.mu.Unlock()
	if settled {
		return nil
	}
	return p.awaitEnd(ctx)
}

// WaitForUploads waits until the views hold every import whose upload was answered, be it that it
// was sealed or that it broke off.
func (p *Projector) WaitForUploads(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ReadTimeout)
	defer cancel()
	for _, answered := range []string{events.SealedFilter, events.AbortedFilter} {
		last, found, err := p.log.Fact(ctx, answered)
		if err == nil && found {
			err = p.WaitFor(ctx, last.Seq)
		}
		if err != nil {
			return lagging(err)
		}
	}
	return nil
}

// lagging makes an ErrLagging of whatever kept the views from being relied on.
func lagging(err error) error {
	if err == nil || errors.Is(err, ErrLagging) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrLagging, err)
}

// WaitForJob waits until the file holds what a job shows of an import that goes on. One
// that has ended is shown as ended only when the file holds it all.
func (p *Projector) WaitForJob(ctx context.Context, j *Job) error {
	ctx, cancel := context.WithTimeout(ctx, ReadTimeout)
	defer cancel()
	return lagging(p.WaitFor(ctx, j.At))
}

// FindJob is the import of an id: as it is in memory while it goes on, else as
// in the file; nil if there is none. Before it says that, it asks the stream. One that goes on
// need not be in the file yet.
func (p *Projector) FindJob(ctx context.Context, id events.JobID) (*Job, error) {
	j, err := p.Job(id)
	if j != nil || err != nil {
		return j, err
	}
	ctx, cancel := context.WithTimeout(ctx, ReadTimeout)
	defer cancel()
	last, found, err := p.log.LastFact(ctx, id)
	if err == nil && !found {
		return nil, nil
	}
	if err == nil {
		err = p.awaitOr(ctx, last.Seq, id)
	}
	if err != nil {
		return nil, lagging(err)
	}
	return p.Job(id)
}

// Job is the import of an id: as it is in memory while it goes on, else as in the file; nil if there
// is none. It waits for nothing.
func (p *Projector) Job(id events.JobID) (j *Job, err error) {
	p.mu.Lock()
	j = p.live[id]
	p.mu.Unlock()
	if j != nil {
		return j, nil
	}
	err = p.Read(func(r *Reader) error {
		j, err = r.Job(id)
		return err
	})
	return j, err
}

// WaitForID waits until a license, customer or order of that id is in the views if the stream
// has it: ids are sequences, so most cannot be anything that is still to come.
func (p *Projector) WaitForID(ctx context.Context, id events.Seq) error {
	if id <= p.Position() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, ReadTimeout)
	defer cancel()
	state, err := p.log.State(ctx)
	if err == nil && id <= state.Last {
		err = p.WaitFor(ctx, id)
	}
	return lagging(err)
}

// Changes returns a channel that is closed when the views or a running import have moved; nil when
// nothing will move any more, since Run has failed.
func (p *Projector) Changes() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return nil
	}
	return p.changed
}
