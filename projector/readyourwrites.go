package projector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"licenseimport/events"
)

// A client that got an answer from the stream must find its effect in the views. The views follow
// the stream with a delay, so a read that could miss something waits until they hold it: at most
// [ReadTimeout], and then it fails with [ErrLagging]. A waiting read also has the open batch
// committed; one that waits for an import does so after foldTime.

// ReadTimeout bounds how long one read waits for the views, and then how long it searches them.
const ReadTimeout = 2 * time.Second

// undoTime bounds how long the stream may take to say whether there is an undo of an import.
const undoTime = 500 * time.Millisecond

// ErrLagging says that the views did not reach what a read needs in time. It wraps the cause, if
// there is another one than time.
var ErrLagging = errors.New("the views lag behind the stream")

// WaitFor waits until the views hold the stream up to seq. It returns ErrLagging when ctx ends
// before, and the error of Run when that has failed.
func (p *Projector) WaitFor(ctx context.Context, seq events.Seq) error {
	return p.waitForEither(ctx, seq, 0)
}

// WaitForStart waits until the views have held the whole stream once since they were opened. An
// earlier answer could show less than one that was given before the restart. After Run has failed
// it does not wait: the views stay as they are, and [Projector.Ready] says so.
func (p *Projector) WaitForStart(ctx context.Context) error {
	p.mu.Lock()
	settled := p.caughtUp || p.failure != nil
	p.mu.Unlock()
	if settled {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, ReadTimeout)
	defer cancel()
	state, err := p.log.State(ctx)
	if err == nil {
		err = p.WaitFor(ctx, state.Last)
	}
	return lagging(err)
}

// WaitForUploads waits until the views hold every import whose upload was answered: it was sealed
// or aborted. It waits for the undos that were asked for, too.
func (p *Projector) WaitForUploads(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ReadTimeout)
	defer cancel()
	for _, subject := range []string{events.SealedFilter, events.AbortedFilter, events.UndoFilter} {
		last, found, err := p.log.Fact(ctx, subject)
		if err == nil && found {
			err = p.WaitFor(ctx, last.Seq)
		}
		if err != nil {
			return lagging(err)
		}
	}
	return nil
}

// WaitForID waits until the views hold the license, customer or order with an id, if the stream
// has it. Ids are sequences: one that the views have passed, or the stream has not reached, cannot
// appear during the wait.
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

// WaitForJob waits until the file holds all rows that j counts. A running import counts rows of
// batches that are not committed yet; one that has ended does not.
func (p *Projector) WaitForJob(ctx context.Context, j *Job) error {
	ctx, cancel := context.WithTimeout(ctx, ReadTimeout)
	defer cancel()
	return lagging(p.WaitFor(ctx, j.At))
}

// FindJob is [Projector.Job] for a read: if the import is unknown it asks the stream, and waits for
// the import if the stream has it. For an import that has ended it does the same with an undo. The result
// is nil if there is no such import.
func (p *Projector) FindJob(ctx context.Context, id events.JobID) (*Job, error) {
	j, err := p.Job(id)
	if err == nil && j != nil && j.Ended() && j.Undo == nil {
		return p.findUndo(ctx, j)
	}
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
		err = p.waitForEither(ctx, last.Seq, id)
	}
	if err != nil {
		return nil, lagging(err)
	}
	return p.Job(id)
}

// findUndo waits until the views show the undo of an import, if the stream has one. A stream that does
// not answer tells nothing: then the import is shown as the views have it.
func (p *Projector) findUndo(ctx context.Context, j *Job) (*Job, error) {
	asking, cancel := context.WithTimeout(ctx, undoTime)
	defer cancel()
	last, found, err := p.log.Fact(asking, (&events.UndoStarted{JobID: j.ID}).Subject())
	if err != nil || !found {
		return j, nil
	}
	waiting, stop := context.WithTimeout(ctx, ReadTimeout)
	defer stop()
	if err := p.waitForEither(waiting, last.Seq, j.ID); err != nil {
		return nil, lagging(err)
	}
	return p.Job(j.ID)
}

// Job returns an import: a running one as it is in memory, up to its last whole batch, another as
// it is in the file; nil if the views do not know it. It does not wait.
func (p *Projector) Job(id events.JobID) (j *Job, err error) {
	p.mu.Lock()
	j = p.live[id]
	p.mu.Unlock()
	if j != nil {
		return j, nil
	}
	var found *Job
	if err := p.read(func(r *Reader) (err error) {
		found, err = r.Job(id)
		return err
	}); err != nil {
		return nil, err
	}
	return found, nil
}

// Changes returns a channel that is closed when the views or a running import change. It returns
// nil after Run has failed: nothing will change.
func (p *Projector) Changes() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return nil
	}
	return p.changed
}

// foldTime is how long a wait for an import asks for no commit: the import is shown as soon as its start is folded, and
// the commit that shows its end would wait for that one. Tests change it.
var foldTime = 100 * time.Millisecond

// waitForEither waits until the views hold the stream up to seq, or a running import is known.
func (p *Projector) waitForEither(ctx context.Context, seq events.Seq, job events.JobID) error {
	commit := job == 0
	patience := time.NewTimer(foldTime)
	defer patience.Stop()
	for {
		reached, changed, err := p.reached(seq, job, commit)
		if reached || err != nil {
			return err
		}
		if commit {
			select {
			case p.flushRequest <- struct{}{}:
			default: // a request is pending
			}
		}
		select {
		case <-changed:
		case <-patience.C:
			commit = true
		case <-ctx.Done():
			return ErrLagging
		}
	}
}

// reached reports whether seq is committed or the job is running. If not, it registers seq as
// wanted, if a commit is to be made for it, and returns the channel that is closed at the next change.
func (p *Projector) reached(seq events.Seq, job events.JobID, commit bool) (bool, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.committed >= seq || p.live[job] != nil {
		return true, nil, nil
	}
	if commit {
		p.wanted = max(p.wanted, seq)
	}
	return false, p.changed, p.failure
}

// lagging makes an ErrLagging of any error of a wait.
func lagging(err error) error {
	if err == nil || errors.Is(err, ErrLagging) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrLagging, err)
}
