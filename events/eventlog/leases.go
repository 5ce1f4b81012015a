package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"licenseimport/events"
	"licenseimport/internal/retry"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// How long a claim on a job holds, and how often it is renewed. A processor that
// dies gives its jobs free after the first.
const (
	leaseTTL     = 5 * time.Second
	leaseRenewal = time.Second
)

// handBackTime is how long a process that stops waits for jobs on their way to it.
const drainTimeout = time.Second

// jobRetry paces the deliveries of a job that fails.
var jobRetry = retry.Policy{First: 100 * time.Millisecond, Max: 30 * time.Second, Jitter: 0.5}

// processors is the durable consumer that all processors share.
const processorConsumer = "processor"

// LeaseJobs hands each sealed job's ImportSealed to work, up to concurrency of them at a
// time, and shares them with every other process that calls it. A job is handed out
// at least once: until work returns nil, again after an error (a little later each
// time), and to somebody else when this process died or was cut off; so two may for
// a moment work on one job, and the appends tell them. work's context ends with ctx.
//
// LeaseJobs returns when ctx ends, with its error, and when work returns an error that is
// [ErrStop], with that one; all work has returned by then. Any other error of work is
// logged here and the job is tried again.
func (l *Log) LeaseJobs(ctx context.Context, concurrency int, work func(context.Context, Message) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &leaser{work: work, stop: cancel, busy: make(chan struct{}, max(concurrency, 1))}
	if err := l.leaseLoop(ctx, c); err != nil {
		cancel(err)
	}
	c.workers.Wait()
	return context.Cause(ctx)
}

// claims is the work of one process. It asks for one job at a time, and only when a
// worker is free: what a process asked for and does not take, since it hangs, nobody
// else gets until the claim runs out.
type leaser struct {
	work    func(context.Context, Message) error
	stop    context.CancelCauseFunc
	busy    chan struct{} // holds one for each worker that is busy
	workers sync.WaitGroup
}

// claimJobs hands out jobs until ctx ends, over one consumer after the other.
func (l *Log) leaseLoop(ctx context.Context, c *leaser) error {
	backoff := serverRetry.Start()
	for {
		messages, err := l.openLeases(ctx)
		if err != nil {
			return fmt.Errorf("claim jobs: %w", err)
		}
		err = c.leaseFrom(ctx, messages)
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

func (l *Log) openLeases(ctx context.Context) (messages jetstream.MessagesContext, err error) {
	config := jetstream.ConsumerConfig{
		Durable:       processorConsumer,
		Description:   "the jobs that wait for a processor",
		FilterSubject: events.SealedFilter,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       leaseTTL,
		MaxDeliver:    -1,
		MaxAckPending: 1000,
	}
	err = l.retryUntilDone(ctx, l.timeout, func(ctx context.Context) error {
		consumer, err := l.js.CreateOrUpdateConsumer(ctx, events.LicensesStream, config)
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
	return messages, err
}

// RedeliverJobs lets every sealed job be handed out again, those included that are done
// with: for a stream that lost facts which processors had acted upon. It may be called
// while [Log.LeaseJobs] runs, here or elsewhere.
func (l *Log) RedeliverJobs(ctx context.Context) error {
	err := l.retryWithTimeout(ctx, func(ctx context.Context) error {
		err := l.js.DeleteConsumer(ctx, events.LicensesStream, processorConsumer)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("hand out all jobs again: %w", err)
	}
	return nil
}

func (c *leaser) leaseFrom(ctx context.Context, messages jetstream.MessagesContext) error {
	for {
		select {
		case c.busy <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		raw, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			<-c.busy
			return err
		}
		c.workers.Go(func() {
			defer func() { <-c.busy }()
			if err := process(ctx, raw, c.work); err != nil {
				c.stop(err)
			}
		})
	}
}

// handBack ends the asking for jobs. One that was on its way already goes to somebody
// else at once, and not only when its claim runs out.
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

// workOn keeps the claim alive while work runs. It returns only an error that is ErrStop.
func process(ctx context.Context, raw jetstream.Msg, work func(context.Context, Message) error) error {
	meta, err := raw.Metadata()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStop, err)
	}
	release := renewLease(raw)
	err = work(ctx, Message{
		Subject: raw.Subject(),
		Seq:     events.Seq(meta.Sequence.Stream),
		Time:    meta.Timestamp.UTC(),
		Data:    raw.Data(),
		Pending: meta.NumPending,
	})
	release()
	switch {
	case err == nil:
		_ = raw.Ack() // when it gets lost, the job is handed out again and found done
	case errors.Is(err, ErrLeaseLost):
		// The other's claim ends by itself, should that process die.
	case ctx.Err() != nil || errors.Is(err, ErrStop):
		_ = raw.Nak() // at once to another process
	default:
		delay := jobRetry.Delay(int(meta.NumDelivered))
		job, _ := events.ParseSealedSubject(raw.Subject()) // the filter lets no other pass
		slog.Warn("a job failed and will be tried again", "job_id", job, "in", delay, "error", err)
		_ = raw.NakWithDelay(delay)
	}
	if errors.Is(err, ErrStop) {
		return err
	}
	return nil
}

// keepClaim renews the claim until the function that it returns is called.
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
				_ = raw.InProgress() // a claim that cannot be renewed is lost; the appends are fenced
			}
		}
	})
	return func() {
		close(done)
		renewing.Wait()
	}
}
