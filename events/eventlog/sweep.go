package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// sweepTimes pace the sweeps for orphans: sealed jobs without an end that the processors' consumer
// does not deliver (again), and that nobody works on.
type sweepTimes struct {
	every        time.Duration // between two sweeps
	acknowledged time.Duration // without a fact, of a job that the consumer counts as done
	delivered    time.Duration // without a fact, of a job that was delivered: its lease is renewed, or expires
}

var defaultSweepTimes = sweepTimes{every: time.Minute, acknowledged: 10 * time.Second, delivered: time.Minute}

// A sweeper finds orphans. It lists all jobs once. Later sweeps read the seals that are new, and the
// state of the jobs that have not ended.
type sweeper struct {
	log      *Log
	waits    func(events.JobID) bool  // the job waits for a place; nil: none does
	lastSeal events.Seq               // every seal up to here is known
	open     map[events.JobID]Message // the seals of jobs without a known end; nil: nothing is listed
}

// orphans returns the seals of the orphans, and when the next sweep is due.
func (s *sweeper) orphans(ctx context.Context) (orphans []Message, next time.Duration, err error) {
	next = s.log.sweep.every
	if err := s.update(ctx); err != nil || len(s.open) == 0 {
		return nil, next, err
	}
	consumer, now, err := s.log.consumerPosition(ctx)
	if err != nil || consumer == nil {
		return nil, next, err
	}
	for job, seal := range s.open {
		patience := s.log.sweep.delivered
		switch {
		case uint64(seal.Seq) <= consumer.AckFloor.Stream:
			patience = s.log.sweep.acknowledged
		case uint64(seal.Seq) > consumer.Delivered.Stream:
			continue // it will be delivered
		case s.waits != nil && s.waits(job):
			continue // it was delivered, and found no place: it will be delivered again
		}
		idle, ended, err := s.idle(ctx, job, now)
		switch {
		case err != nil:
			return nil, next, err
		case ended:
			delete(s.open, job)
		case idle >= patience:
			orphans = append(orphans, seal)
		default:
			next = min(next, patience-idle)
		}
	}
	return orphans, next, nil
}

// update adds the seals that are new.
func (s *sweeper) update(ctx context.Context) error {
	last, found, err := s.log.get(ctx, events.LicensesStream, getRequest{LastSubject: events.SealedFilter})
	if err != nil || !found {
		return err
	}
	if s.open == nil || last.Seq < s.lastSeal { // or the stream has lost its end
		err = s.listAll(ctx)
	} else {
		err = s.log.eachAt(ctx, events.SealedFilter, s.lastSeal, last.Seq+1, func(m Message) error { s.add(m); return nil })
	}
	if err == nil {
		s.lastSeal = last.Seq
	}
	return err
}

// add takes a seal that can be read. The consumer's readers report one that cannot.
func (s *sweeper) add(m Message) {
	if seal, err := DecodeAs[*events.ImportSealed](&m); err == nil {
		s.open[seal.JobID] = m
	}
}

// listAll finds the jobs without an end by the subjects of seals and ends, which the server has in
// memory.
func (s *sweeper) listAll(ctx context.Context) error {
	seals, err := s.log.subjects(ctx, events.LicensesStream, events.SealedFilter)
	if err != nil {
		return err
	}
	ends, err := s.log.subjects(ctx, events.LicensesStream, events.FinishedFilter)
	if err != nil {
		return err
	}
	open := map[events.JobID]Message{}
	s.open = open
	for subject := range seals {
		job, err := events.ParseSealedSubject(subject)
		if err != nil || ends[finishedSubject(job)] > 0 {
			continue
		}
		m, found, err := s.log.Fact(ctx, subject)
		if err != nil {
			s.open = nil
			return err
		}
		if found {
			s.add(m)
		}
	}
	return nil
}

func finishedSubject(job events.JobID) string {
	return (&events.ImportFinished{JobID: job}).Subject()
}

// idle is how long no fact of a job was stored, or whether it has ended.
func (s *sweeper) idle(ctx context.Context, job events.JobID, now time.Time) (time.Duration, bool, error) {
	if _, ended, err := s.log.Fact(ctx, finishedSubject(job)); ended || err != nil {
		return 0, ended, err
	}
	last, _, err := s.log.LastFact(ctx, job)
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
			slog.Warn("sealed imports that nobody works on could not be looked for; the next sweep does", "error", err)
		}
		for _, seal := range orphans {
			owner := w.ownerOf(ctx, seal)
			if w.take(ctx, owner) != nil {
				return
			}
			w.workers.Go(func() {
				defer w.places.Release(owner)
				l.adopt(ctx, w, seal)
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
func (l *Log) adopt(ctx context.Context, w *leaser, seal Message) {
	job, err := events.ParseSealedSubject(seal.Subject)
	if err != nil || !w.begin(job) {
		return
	}
	defer w.end(job)
	slog.Warn("a sealed import that nobody works on is taken up", "job_id", job)
	err = w.work(ctx, seal)
	switch {
	case err == nil || errors.Is(err, ErrLeaseLost) || ctx.Err() != nil:
	case errors.Is(err, ErrStop):
		w.stop(err)
	default:
		slog.Warn("a job failed; the next sweep takes it up again", "job_id", job, "error", err)
	}
}
