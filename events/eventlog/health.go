package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// Health is the state of servers and streams, for an operator.
type Health struct {
	Version    string          // of the NATS server, such as 2.15.2
	Embedded   bool            // the server is this program's own, which syncs every batch
	Cluster    string          // the cluster's name; empty: a single server
	ClockSkew  time.Duration   // the server's clock minus this machine's
	Streams    []StreamHealth  // ROWS, LICENSES and those of the buckets
	Processors *ConsumerHealth // nil: no processor has run yet
}

// StreamHealth is the state of one stream.
type StreamHealth struct {
	Name            string
	Problem         error // why it cannot be used: missing, or with unusable settings
	State           State
	LaggingReplicas []string // the servers whose replica is offline or lags
}

// ConsumerHealth is the state of the consumer that all processors share.
type ConsumerHealth struct {
	Pending      int   // sealed jobs that no processor has leased
	InProgress   int   // leased jobs that are not done
	PullRequests int   // outstanding requests for a job; 0 and no job in progress: no processor runs
	Ahead        bool  // of its stream: it would deliver nothing until the stream has grown past it
	Problem      error // a *[ConsumerProblemError]: see [Log.ProcessorsReady]; nil: none
}

// Health reads the state of everything and changes nothing.
func (l *Log) Health(ctx context.Context) (Health, error) {
	h := Health{
		Version:  l.conn.ConnectedServerVersion(),
		Embedded: l.conn.ConnectedServerName() == serverName,
		Cluster:  l.conn.ConnectedClusterName(),
	}
	for _, want := range streams {
		report, err := l.streamHealth(ctx, want.Name, func(have jetstream.StreamConfig) error { return usable(have, want) }, &h.ClockSkew)
		if err != nil {
			return Health{}, err
		}
		h.Streams = append(h.Streams, report)
	}
	for _, want := range buckets {
		report, err := l.streamHealth(ctx, BucketStream(want.Bucket), func(have jetstream.StreamConfig) error { return usableBucket(have, want) }, &h.ClockSkew)
		if err != nil {
			return Health{}, err
		}
		h.Streams = append(h.Streams, report)
	}
	var err error
	h.Processors, err = l.processorHealth(ctx)
	return h, err
}

func (l *Log) streamHealth(ctx context.Context, name string, usable func(jetstream.StreamConfig) error, skew *time.Duration) (StreamHealth, error) {
	report := StreamHealth{Name: name}
	var info *jetstream.StreamInfo
	err := l.retryWithTimeout(ctx, func(ctx context.Context) error {
		sent := time.Now()
		var err error
		if info, err = l.info(ctx, name); err != nil {
			return err
		}
		middle := sent.Add(time.Since(sent) / 2)
		*skew = info.TimeStamp.Sub(middle)
		return nil
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		report.Problem = ErrStreamMissing
		return report, nil
	}
	if err != nil {
		return report, fmt.Errorf("ask stream %s: %w", name, err)
	}
	report.Problem, report.State = usable(info.Config), stateOf(info)
	if info.Cluster == nil {
		return report, nil
	}
	for _, peer := range info.Cluster.Replicas {
		if peer.Offline || !peer.Current {
			report.LaggingReplicas = append(report.LaggingReplicas, peer.Name)
		}
	}
	return report, nil
}

func (l *Log) processorHealth(ctx context.Context) (report *ConsumerHealth, err error) {
	err = l.retryWithTimeout(ctx, func(ctx context.Context) error {
		consumer, err := l.js.Consumer(ctx, events.LicensesStream, processorConsumer)
		if err != nil {
			return err
		}
		info := consumer.CachedInfo()
		stream, err := l.info(ctx, events.LicensesStream) // second: it may have grown, the consumer is not ahead then
		if err != nil {
			return err
		}
		last := stream.State.LastSeq
		report = &ConsumerHealth{
			Pending: int(info.NumPending), InProgress: info.NumAckPending, PullRequests: info.NumWaiting,
			Ahead: info.Delivered.Stream > last, Problem: consumerProblem(info, events.Seq(last)),
		}
		return nil
	})
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask the consumer of the processors: %w", err)
	}
	return report, nil
}
