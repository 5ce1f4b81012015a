package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"licenseimport/events"
	"licenseimport/internal/fairshare"
	"licenseimport/internal/retry"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	leaseTTL     = 5 * time.Second // after which a dead processor's job is delivered to another one
	leaseRenewal = time.Second     // between two renewals
	drainTimeout = time.Second     // how long a process that stops waits for jobs in flight to it
)

// jobRetry paces the redelivery of a job whose work fails.
var jobRetry = retry.Policy{First: 100 * time.Millisecond, Max: 30 * time.Second, Jitter: 0.5}

// processorConsumer is the durable consumer that all processors share.
const processorConsumer = "processor"

// LeaseJobs calls work with each fact that gives a processor work, an ImportSealed or an UndoStarted, up to concurrency
// of them at a time, and shares these jobs with every other process that calls it. owner names whose job it is (nil:
// all jobs have one owner). What an owner has in work beyond half of the concurrency does not count against the jobs of
// others, so half as many again may be in work: see package fairshare.
//
// Delivery is at least once. A job whose work returns nil is done. After an error it is delivered
// again, with a back-off. When this process dies or is cut off it is delivered to another one. So two
// processes can work on one job for a moment; the sequence check of their appends stops one. work's
// context ends with ctx.
//
// At the start and every minute it looks for jobs without an end that the consumer does not
// deliver any more, whatever the cause: somebody else has acknowledged them, or the consumer is
// ahead of a stream that lost its end. It works on these, too.
//
// LeaseJobs returns when ctx ends, with its error, or when work returns an [ErrStop], with that
// error; all work has returned by then. It logs any other error of work.
func (l *Log) LeaseJobs(
	ctx context.Context, concurrency int, owner func(context.Context, Message) string,
	work func(context.Context, Message) error,
) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &leaser{
		work: work, owner: owner, stop: cancel, places: fairshare.New(concurrency),
		jobs: map[events.Seq]bool{}, failures: map[events.Seq]int{}, passed: map[events.Seq]time.Time{},
	}
	var sweeps sync.WaitGroup
	sweeps.Go(func() { l.sweepLoop(ctx, w) })
	if err := l.leaseLoop(ctx, w); err != nil {
		cancel(err)
	}
	sweeps.Wait()
	w.workers.Wait()
	return context.Cause(ctx)
}

// A leaser is the work of one process. It requests one job at a time, and only when a place is free.
// A job that is delivered to a process that hangs reaches no other one before its lease expires.
type leaser struct {
	work    func(context.Context, Message) error
	owner   func(context.Context, Message) string
	stop    context.CancelCauseFunc
	places  *fairshare.Places // by owner
	workers sync.WaitGroup

	// By the sequence of the job's fact. An import and its undo are two jobs.
	mu       sync.Mutex
	jobs     map[events.Seq]bool      // in work in this process
	failures map[events.Seq]int       // of a job's work in this process since it last succeeded
	passed   map[events.Seq]time.Time // jobs that found no place here, and when; they wait
}

// begin reports whether a job is in work in this process only by its caller, who then has to call
// end.
func (w *leaser) begin(job events.Seq) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.jobs[job] {
		return false
	}
	w.jobs[job] = true
	delete(w.passed, job)
	return true
}

func (w *leaser) end(job events.Seq) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.jobs, job)
}

// workOn is work, unless this process has the job in work: then the lease is lost to itself.
func (w *leaser) workOn(ctx context.Context, m Message) error {
	if !w.begin(m.Seq) {
		return ErrLeaseLost
	}
	defer w.end(m.Seq)
	return w.work(ctx, m)
}

// leaseLoop leases jobs until ctx ends. It opens the consumer again after a failure.
func (l *Log) leaseLoop(ctx context.Context, w *leaser) error {
	backoff := serverRetry.Start()
	for {
		consumer, messages, err := l.openLeases(ctx)
		if err != nil {
			return fmt.Errorf("lease jobs: %w", err)
		}
		err = w.leaseFrom(ctx, consumer, messages)
		drain(messages)
		if ctx.Err() != nil {
			return err
		}
		if l.conn.IsClosed() {
			return nats.ErrConnectionClosed
		}
		if err := backoff.Wait(ctx, nil); err != nil {
			return err
		}
	}
}

func (l *Log) openLeases(
	ctx context.Context,
) (consumer jetstream.Consumer, messages jetstream.MessagesContext, err error) {
	err = l.retryUntilDone(ctx, l.timeout, func(ctx context.Context) error {
		consumer, err = l.restoreConsumer(ctx)
		if err != nil {
			return err
		}
		messages, err = consumer.Messages(
			jetstream.PullMaxMessages(1),
			jetstream.PullExpiry(pullExpiry),
			jetstream.PullHeartbeat(heartbeat),
		)
		return err
	})
	return consumer, messages, err
}

// RedeliverJobs has every job delivered again, also those that are done. It is for a stream
// that has lost facts which processors had acted upon. It may be called while [Log.LeaseJobs] runs,
// in any process.
func (l *Log) RedeliverJobs(ctx context.Context) error {
	err := l.retryWithTimeout(ctx, func(ctx context.Context) error {
		err := l.js.DeleteConsumer(ctx, events.LicensesStream, processorConsumer)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("deliver all jobs again: %w", err)
	}
	return nil
}

// leaseFrom leases jobs from one consumer until that fails or ctx ends.
func (w *leaser) leaseFrom(ctx context.Context, consumer jetstream.Consumer, messages jetstream.MessagesContext) error {
	for {
		status := w.places.Status()
		if !status.Free {
			if err := w.waitForPlace(ctx, consumer, status); err != nil {
				return err
			}
			continue
		}
		raw, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		if !w.start(ctx, raw) { // a sweep has taken the place
			_ = raw.Nak()
		}
	}
}

// drain ends the requests for jobs. It gives a job in flight back at once, so that another process
// need not wait until the lease expires.
func drain(messages jetstream.MessagesContext) {
	messages.Drain()
	for {
		raw, err := messages.Next(jetstream.NextMaxWait(drainTimeout))
		if err != nil {
			return
		}
		_ = raw.Nak()
	}
}

// process renews the lease while work runs, and ends it by work's result. Its only error is an
// ErrStop.
func (w *leaser) process(ctx context.Context, raw jetstream.Msg, m Message) error {
	release := renewLease(raw)
	err := w.workOn(ctx, m)
	release()
	switch {
	case err == nil:
		w.failed(m.Seq, false)
		_ = raw.Ack() // if the ack is lost, the job is delivered again and found done
	case errors.Is(err, ErrLeaseLost):
		// The other process's lease expires if that process dies.
		w.failed(m.Seq, false)
	case ctx.Err() != nil || errors.Is(err, ErrStop):
		_ = raw.Nak() // deliver at once to another process
	default:
		delay := jobRetry.Delay(w.failed(m.Seq, true))
		job, _, _ := events.ParseWorkSubject(raw.Subject()) // the filter admits no other subject
		slog.Warn("a job failed and will be retried", "job_id", job, "in", delay, "error", err)
		_ = raw.NakWithDelay(delay)
	}
	if errors.Is(err, ErrStop) {
		return err
	}
	return nil
}

// failed counts a failure of a job's work, or forgets them, and returns their number. (The server's
// count of deliveries also has those that found no place.)
func (w *leaser) failed(job events.Seq, again bool) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !again {
		delete(w.failures, job)
		return 0
	}
	w.failures[job]++
	return w.failures[job]
}

// leaseMessage is a delivery as work gets it.
func leaseMessage(raw jetstream.Msg) (Message, error) {
	meta, err := raw.Metadata()
	if err != nil {
		return Message{}, fmt.Errorf("%w: %w", ErrStop, err)
	}
	return Message{
		Subject: raw.Subject(),
		Seq:     events.Seq(meta.Sequence.Stream),
		Time:    meta.Timestamp.UTC(),
		Data:    raw.Data(),
		Pending: meta.NumPending,
	}, nil
}

// renewLease renews the lease until release is called.
func renewLease(raw jetstream.Msg) (release func()) {
	done := make(chan struct{})
	var renewing sync.WaitGroup
	renewing.Go(func() {
		tick := time.NewTicker(leaseRenewal)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				_ = raw.InProgress() // a lease that cannot be renewed expires; the sequence check protects the job
			}
		}
	})
	return func() {
		close(done)
		renewing.Wait()
	}
}
