package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/retry"
)

// takeBack passes what the import appended, after the undo's position, and commits what becomes of it. It
// decides and stages one batch while the server commits the one before. If a commit is refused it returns
// that error, and otherwise the reason why it stopped early.
func (p *Processor) takeBack(ctx context.Context, j *job, pace *undoPace) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u := &undo{p: p, job: j, start: *j, pace: pace, progress: j.UndoProgress, commits: newCommitQueue()}
	u.progress.JobID = j.Job
	err := u.run(ctx)
	if refused := u.commits.close(); refused != nil {
		return refused
	}
	return err
}

// undo is one pass over the facts of an import that is undone.
type undo struct {
	p        *Processor
	job      *job // belongs to the commit queue until that is drained
	start    job  // as the pass found it
	pace     *undoPace
	progress events.UndoProgressed // after the last batch staged
	commits  *commitQueue
}

func (u *undo) run(ctx context.Context) error {
	var err error
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
func (u *undo) decideAhead(ctx context.Context, in <-chan undoBatch) <-chan undoBatch {
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
func (u *undo) push(ctx context.Context, b undoBatch) error {
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
func (u *undo) yieldToSmall(ctx context.Context) {
	if !small(u.start.Sealed.Rows) {
		u.p.priority.yield(ctx)
	}
}

// decide decides what becomes of a batch's facts. It looks up what that depends on.
func (u *undo) decide(ctx context.Context, b undoBatch) ([]undoOutcome, error) {
	s := u.story(b.facts)
	if b.first || u.pace.lookUpAll() {
		if err := u.lookUp(ctx, s); err != nil {
			return nil, err
		}
	}
	if b.first {
		if err := u.findStored(ctx, s); err != nil {
			return nil, err
		}
	}
	for {
		outcomes, missing, err := s.takeBackAll(b.facts)
		if err != nil || len(missing) == 0 {
			return outcomes, err
		}
		err = u.p.log.MessagesAt(ctx, missing, func(m eventlog.Message) error {
			license, err := decodeLicense(&m)
			s.events[m.Seq] = license.Last
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, seq := range missing {
			if s.events[seq] == nil {
				return nil, fmt.Errorf("undo of import %d: the stream lacks sequence %d, which another event names", u.start.Job, seq)
			}
		}
	}
}

// story is what the facts themselves tell: as far as they know, each is its license's last event. Where it is
// not, the stream refuses the batch, unless the licenses are looked up.
func (u *undo) story(facts []License) *story {
	s := &story{
		job: u.start.Job, manager: u.start.UndoStarted.Manager, stored: map[events.Row]events.Event{},
		last: make(map[string]License, len(facts)), events: make(map[events.Seq]events.Event, len(facts)),
	}
	for _, f := range facts {
		s.events[f.Seq], s.last[f.Last.Subject()] = f.Last, f
	}
	return s
}

// lookUp reads the last events of the facts' licenses.
func (u *undo) lookUp(ctx context.Context, s *story) error {
	changed := false
	err := u.p.log.Lookup(ctx, slices.Collect(maps.Keys(s.last)), func(m eventlog.Message) (err error) {
		switch last := s.last[m.Subject]; {
		case m.Seq == last.Seq:
		case m.Seq < last.Seq:
			err = fmt.Errorf("%w: a replica has %d as the last event of a license, not %d", eventlog.ErrConflict, m.Seq, last.Seq)
		default:
			changed = true
			last, err = decodeLicense(&m)
			s.events[m.Seq], s.last[m.Subject] = last.Last, last
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
func (u *undo) findStored(ctx context.Context, s *story) error {
	for row, e := range u.start.torn {
		s.stored[row] = e
	}
	for subject, last := range s.last {
		if last.Seq <= u.start.Last.Seq {
			continue
		}
		err := u.p.log.FactsAfter(ctx, subject, u.start.Last.Seq, func(m eventlog.Message) error {
			license, err := decodeLicense(&m)
			switch e := license.Last.(type) {
			case *events.LicenseRevoked:
				if e.JobID == s.job {
					s.stored[e.Row] = e
				}
			case *events.LicenseRestored:
				if e.JobID == s.job {
					s.stored[e.Row] = e
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// stagedUndo is a batch of an undo whose outcomes are at the server. Its fact commits it.
type stagedUndo struct {
	batch *eventlog.Batch
	fact  events.Event
	stats UndoStats
	began time.Time // when its first event was read
}

// stage sends outcomes to the server. It returns nil where there is nothing to commit.
func (u *undo) stage(b undoBatch) (*stagedUndo, error) {
	s := &stagedUndo{batch: u.p.log.NewBatch(u.start.Job), began: b.began}
	var body []byte // reused: AddAfter copies it
	now := time.Now()
	for _, o := range b.outcomes {
		countUndo(&s.stats.Counts, o.event)
		if o.event == nil || o.stored {
			continue
		}
		var err error
		if body, err = events.Append(body[:0], o.event, now); err != nil {
			return nil, err
		}
		if err = s.batch.AddAfter(o.event.Subject(), body, o.license, o.last); err != nil {
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
func (u *undo) commit(ctx context.Context, s *stagedUndo) error {
	body, err := events.Encode(s.fact, time.Now())
	if err != nil {
		return err
	}
	seq, err := s.batch.Commit(ctx, s.fact.Subject(), body, u.job.Last.Seq)
	if err != nil {
		return err
	}
	logFact(s.fact)
	s.stats.Took = time.Since(s.began)
	u.p.config.Observer.TakenBack(s.stats)
	return u.job.advance(s.fact, seq)
}

// undoBatch holds events of an import that is undone, in the order of the stream.
type undoBatch struct {
	facts    []License
	position events.Seq // the events up to here are passed
	began    time.Time  // when reading began
	first    bool       // some are of the first maxRows of the pass
	serial   bool       // decide them only when the batches before are stored
	due      bool       // the position is to be stored, even if nothing else is
	err      error      // why the events cannot be read any further

	outcomes []undoOutcome // of the facts, once they are decided
}

// undoScan is how long an undo reads events of other imports before it stores its position: a processor that
// shows no progress is taken for dead.
const undoScan = 15 * time.Second

// errUndoRead ends the reading at the import's end.
var errUndoRead = errors.New("the import's end")

// readUndo reads the import's events that are still to be taken back, batch by batch. The returned channel
// is closed after the import's end, after a batch that has an error, and when ctx ends.
func (p *Processor) readUndo(ctx context.Context, j job, pace *undoPace) <-chan undoBatch {
	out := make(chan undoBatch, 1)
	r := &undoReader{job: j, pace: pace, out: out}
	go func() {
		defer close(out)
		r.begin()
		after, _ := j.UndoRange()
		// All messages, because the import's end tells that there is no more. With two filters the server would
		// look through all subjects of a block for each message.
		err := p.log.Follow(ctx, after, nil, func(m eventlog.Message) error { return r.add(ctx, &m) })
		if !errors.Is(err, errUndoRead) && ctx.Err() == nil {
			r.batch.err = err
			_ = r.emit(ctx)
		}
	}()
	return out
}

// licensesPrefix begins the subjects of licenses.
var licensesPrefix = strings.TrimSuffix(events.LicensesFilter, ">")

type undoReader struct {
	job   job
	pace  *undoPace
	out   chan<- undoBatch
	batch undoBatch
	read  int // events in all batches
	limit int // of events in the batch
	bytes int // of their bodies
}

func (r *undoReader) begin() {
	r.batch = undoBatch{began: time.Now(), first: r.read < maxRows}
	r.limit, r.batch.serial = r.pace.next()
	r.bytes = 0
}

func (r *undoReader) emit(ctx context.Context) error {
	select {
	case r.out <- r.batch:
		r.begin()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// add takes the next message of the stream. It decodes only those of the import.
func (r *undoReader) add(ctx context.Context, m *eventlog.Message) error {
	_, end := r.job.UndoRange()
	if m.Seq >= end {
		r.batch.position = end
		if err := r.emit(ctx); err != nil {
			return err
		}
		return errUndoRead
	}
	r.batch.position = m.Seq
	if job, known := events.JobOf(m.Data); strings.HasPrefix(m.Subject, licensesPrefix) && (!known || job == r.job.Job) {
		license, err := decodeLicense(m)
		if err != nil {
			return err
		}
		switch license.Last.(type) {
		case *events.LicenseImported, *events.LicenseUpdated:
			if license.Last.Job() == r.job.Job {
				r.batch.facts = append(r.batch.facts, license)
				r.read++
				r.bytes += len(m.Data)
			}
		}
	}
	r.batch.due = time.Since(r.batch.began) > undoScan
	if len(r.batch.facts) >= r.limit || r.bytes >= maxBytes || r.batch.due {
		return r.emit(ctx)
	}
	return nil
}

// undoPace says how many events an undo decides at once, and whether it looks their licenses up. It holds
// what this processor has learned while working on the undo, and decides no outcome.
type undoPace struct {
	// Used by the goroutine that reads:
	shrink int // of the limit, in powers of two
	left   int // batches that are still to be decided serially

	// Used where the work is repeated:
	conflictAt events.Seq // the job's last fact at the last conflict
	backoff    retry.Backoff

	fullLookups atomic.Int64 // batches still to be looked up
}

// next is the limit of the next batch, and whether it is decided only when the ones before are stored. It
// counts the batch.
func (u *undoPace) next() (limit int, serial bool) {
	if u.left == 0 {
		return maxRows, false
	}
	u.left--
	return max(1, maxRows>>u.shrink), true
}

// lookUpAll reports whether to look up the licenses of the next batch, because others that were changed since
// were found a moment ago: they come in groups. It counts the batch.
func (u *undoPace) lookUpAll() bool { return u.fullLookups.Add(-1) >= 0 }

// observeChange notes that a look-up found a license that has changed since.
func (u *undoPace) observeChange() { u.fullLookups.Store(fullLookupBatches) }

// onConflict notes that a batch was refused which followed the job's fact at: another import has changed one
// of its licenses. The first decision there is repeated at once. If the job does not advance after that,
// onConflict halves the batches, so that some will pass among writers that are as busy, and waits longer each
// time. It returns the context's error if ctx ends.
func (u *undoPace) onConflict(ctx context.Context, at events.Seq) error {
	u.left = serialBatches
	u.fullLookups.Store(serialBatches)
	if u.conflictAt != at {
		u.conflictAt, u.shrink, u.backoff = at, 0, conflictRetry.Start()
		return ctx.Err()
	}
	u.shrink++
	return u.backoff.Wait(ctx, nil)
}
