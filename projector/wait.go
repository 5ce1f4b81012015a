package projector

import (
	"context"
	"errors"
	"time"

	"licenseimport/events"
	"licenseimport/internal/httpx"
)

// patience is how long an answer waits for the views.
const patience = 2 * time.Second

var errBehind = errors.New("the views did not get there in time")

// await waits until the views hold the stream up to seq.
func (p *Projector) await(ctx context.Context, seq events.Seq) error { return p.awaitOr(ctx, seq, 0) }

// awaitOr waits likewise, or until an import is known that goes on.
func (p *Projector) awaitOr(ctx context.Context, seq events.Seq, job events.JobID) error {
	for {
		reached, changed, err := p.reached(seq, job)
		if reached || err != nil {
			return err
		}
		select {
		case p.nudge <- struct{}{}:
		default: // the folder is about to look anyway
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errBehind
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
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	state, err := p.log.State(ctx)
	if err == nil {
		err = p.await(ctx, state.Last)
	}
	return behind(err)
}

// awaitStart waits until the views have held all of the stream once since the
// start: before, they would tell of an earlier moment than they did already.
func (p *Projector) awaitStart(ctx context.Context) error {
	p.mu.Lock()
	settled := p.caughtUp || p.failure != nil // after a failure they stay what they are; /readyz says so
	p.mu.Unlock()
	if settled {
		return nil
	}
	return p.awaitEnd(ctx)
}

// awaitUploads waits until the views hold every import whose upload was answered, be it that it
// was sealed or that it broke off.
func (p *Projector) awaitUploads(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, answered := range []string{events.SealedFilter, events.AbortedFilter} {
		last, found, err := p.log.Fact(ctx, answered)
		if err == nil && found {
			err = p.await(ctx, last.Seq)
		}
		if err != nil {
			return behind(err)
		}
	}
	return nil
}

// behind is the answer while the views cannot be relied on.
func behind(err error) error {
	if err == nil {
		return nil
	}
	return httpx.Unavailable(time.Second, "views_behind", "The views are behind what was stored. Try again shortly.").Because(err)
}

// findJob is the import of an id: as it is in memory while it goes on, else as
// in the file; nil if there is none. Before it says that, it asks the stream. One that goes on
// need not be in the file yet.
func (p *Projector) findJob(ctx context.Context, id events.JobID) (*job, error) {
	j, err := p.knownJob(id)
	if j != nil || err != nil {
		return j, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last, found, err := p.log.LastFact(ctx, id)
	if err == nil && !found {
		return nil, nil
	}
	if err == nil {
		err = p.awaitOr(ctx, last.Seq, id)
	}
	if err != nil {
		return nil, behind(err)
	}
	return p.knownJob(id)
}

func (p *Projector) knownJob(id events.JobID) (j *job, err error) {
	p.mu.Lock()
	j = p.live[id]
	p.mu.Unlock()
	if j != nil {
		return j, nil
	}
	err = p.read(func(r reader) error {
		j, err = r.job(id)
		return err
	})
	return j, err
}

// awaitID waits until a license, customer or order of that id is in the views if the stream
// has it: ids are sequences, so most cannot be anything that is still to come.
func (p *Projector) awaitID(ctx context.Context, id events.Seq) error {
	if id <= p.Position() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	state, err := p.log.State(ctx)
	if err == nil && id <= state.Last {
		err = p.await(ctx, id)
	}
	return behind(err)
}
