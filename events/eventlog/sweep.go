package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// sweepTimes pace the sweeps for orphans: jobs without an end (sealed imports, and undos) that the
// processors' consumer does not deliver (again), and that nobody works on.
type sweepTimes struct {
	every        time.Duration // between two sweeps
	acknowledged time.Duration // without a fact, of a job that the consumer counts as done
	delivered    time.Duration // without a fact, of a job that was delivered: its lease is renewed, or expires
}

var defaultSweepTimes = sweepTimes{every: time.Minute, acknowledged: 10 * time.Second, delivered: time.Minute}

// A sweeper finds orphans. It lists all jobs once. Later sweeps read the facts that are new, and the
// state of the jobs that have not ended.
type sweeper struct {
	log   *Log
	waits func(job events.Seq) bool // the job waits for a place; nil: none does
	known events.Seq                // every fact up to here is known
	last  map[string]events.Seq     // by filter of [events.WorkFilters]: the last one that is known
	open  map[events.Seq]Message    // the facts of jobs without a known end; nil: nothing is listed
}

// orphans returns the facts of the orphans, and when the next sweep is due.
func (s *sweeper) orphans(ctx context.Context) (orphans []Message, next time.Duration, err error) {
	next = s.log.sweep.every
	if err := s.update(ctx); err != nil || len(s.open) == 0 {
		return nil, next, err
	}
	consumer, now, err := s.log.consumerPosition(ctx)
	if err != nil || consumer == nil {
		return nil, next, err
	}
	for seq, job := range s.open {
		patience := s.log.sweep.delivered
		switch {
		case uint64(seq) <= consumer.AckFloor.Stream:
			patience = s.log.sweep.acknowledged
		case uint64(seq) > consumer.Delivered.Stream:
			continue // it will be delivered
		case s.waits != nil && s.waits(seq):
			continue // it was delivered, and found no place: it will be delivered again
		}
		idle, ended, err := s.idle(ctx, job, now)
		switch {
		case err != nil:
			return nil, next, err
		case ended:
			delete(s.open, seq)
		case idle >= patience:
			orphans = append(orphans, job)
		default:
			next = min(next, patience-idle)
		}
	}
	return orphans, next, nil
}

// update adds the jobs that are new. Facts of jobs are few among the stream's messages, so it looks for them
// only after the end that the stream had at the last update.
func (s *sweeper) update(ctx context.Context) error {
	state, err := s.log.State(ctx) // first: what is stored from now on is looked for by the next update
	if err != nil {
		return err
	}
	last := map[string]events.Seq{}
	shortened := state.Last < s.known // the stream has lost its end
	for _, filter := range events.WorkFilters {
		m, _, err := s.log.get(ctx, events.LicensesStream, getRequest{LastSubject: filter})
		if err != nil {
			return err
		}
		last[filter] = m.Seq
		shortened = shortened || m.Seq < s.last[filter] || m.Seq > s.last[filter] && m.Seq <= s.known
	}
	if s.open == nil || shortened {
		if err := s.listAll(ctx); err != nil {
			return err
		}
	} else {
		for filter, seq := range last {
			after := max(s.known, s.last[filter])
			err := s.log.eachAt(ctx, filter, after, seq+1, func(m Message) error { s.add(m); return nil })
			if err != nil {
				return err
			}
		}
	}
	s.known, s.last = state.Last, last
	return nil
}

// add takes a fact that can be read. The consumer's readers report one that cannot.
func (s *sweeper) add(m Message) {
	if _, err := m.Decode(); err == nil {
		s.open[m.Seq] = m
	}
}

// listAll finds the jobs without an end by the subjects of their facts and ends, which the server has in
// memory.
func (s *sweeper) listAll(ctx context.Context) error {
	var open []Message
	s.open = nil
	begun, ended := map[string]uint64{}, map[string]uint64{}
	for filter, into := range map[string]map[string]uint64{
		events.SealedFilter: begun, events.UndoFilter: begun, events.FinishedFilter: ended, events.UndoneFilter: ended,
	} {
		subjects, err := s.log.subjects(ctx, events.LicensesStream, filter)
		if err != nil {
			return err
		}
		maps.Copy(into, subjects)
	}
	for subject := range begun {
		_, end, err := events.ParseWorkSubject(subject)
		if err != nil || ended[end] > 0 {
			continue
		}
		m, found, err := s.log.Fact(ctx, subject)
		if err != nil {
			return err
		}
		if found {
			open = append(open, m)
		}
	}
	s.open = map[events.Seq]Message{}
	for _, m := range open {
		s.add(m)
	}
	return nil
}

// OpenUndos lists the imports whose undo has begun and not ended, in no order.
func (l *Log) OpenUndos(ctx context.Context) (jobs []events.JobID, err error) {
	begun, err := l.subjects(ctx, events.LicensesStream, events.UndoFilter)
	if err != nil {
		return nil, fmt.Errorf("list the undos: %w", err)
	}
	ended, err := l.subjects(ctx, events.LicensesStream, events.UndoneFilter) // second: one of these may end meanwhile
	if err != nil {
		return nil, fmt.Errorf("list the undos that have ended: %w", err)
	}
	for subject := range begun {
		if job, end, err := events.ParseWorkSubject(subject); err == nil && ended[end] == 0 {
			jobs = append(jobs, job)
		}
	}
	return jobs, nil
}

// idle is how long no fact of a job's import was stored, or whether the job has ended.
func (s *sweeper) idle(ctx context.Context, job Message, now time.Time) (time.Duration, bool, error) {
	id, end, err := events.ParseWorkSubject(job.Subject)
	if err != nil {
		return 0, true, nil // it can only be a message that add has taken by mistake
	}
	if _, ended, err := s.log.Fact(ctx, end); ended || err != nil {
		return 0, ended, err
	}
	last, _, err := s.log.LastFact(ctx, id)
	return now.Sub(last.Time), false, err
}

// consumerPosition is the state of the processors' consumer, and the server's time; nil without a
// consumer: the next one delivers every job.
func (l *Log) consumerPosition(ctx context.Context) (info *jetstream.ConsumerInfo, now time.Time, err error) {
	err = l.retryWithTimeout(ctx, func(ctx context.Context) error {
		consumer, err := l.js.Consumer(ctx, events.LicensesStream, processorConsumer)
		if err == nil {
			info = consumer.CachedInfo()
			now = info.TimeStamp
		}
		return err
	})
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, now, nil
	}
	if err != nil {
		return nil, now, fmt.Errorf("ask the consumer of the processors: %w", err)
	}
	return info, now, nil
}

// sweepLoop works on orphans until ctx ends. An orphan has no lease: two processes may take the same
// one, and the sequence check of their appends lets one continue.
func (l *Log) sweepLoop(ctx context.Context, w *leaser) {
	s := &sweeper{log: l, waits: w.waits}
	for {
		orphans, next, err := s.orphans(ctx)
		if err != nil && ctx.Err() == nil {
			slog.Warn("imports that nobody works on could not be looked for; the next sweep does", "error", err)
		}
		for _, job := range orphans {
			owner := w.ownerOf(ctx, job)
			if w.take(ctx, owner) != nil {
				return
			}
			w.workers.Go(func() {
				defer w.places.Release(owner)
				l.adopt(ctx, w, job)
			})
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// adopt works on an orphan. If that fails, a later sweep finds it again.
func (l *Log) adopt(ctx context.Context, w *leaser, job Message) {
	id, _, err := events.ParseWorkSubject(job.Subject)
	if err != nil || !w.begin(job.Seq) {
		return
	}
	defer w.end(job.Seq)
	slog.Warn("an import that nobody works on is taken up", "job_id", id, "by", job.Subject)
	err = w.work(ctx, job)
	switch {
	case err == nil || errors.Is(err, ErrLeaseLost) || ctx.Err() != nil:
	case errors.Is(err, ErrStop):
		w.stop(err)
	default:
		slog.Warn("a job failed; the next sweep takes it up again", "job_id", id, "error", err)
	}
}
