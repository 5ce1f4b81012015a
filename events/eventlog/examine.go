package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// A Condition is what servers and streams tell of themselves, for an operator.
type Condition struct {
	Version    string          // of the NATS server, such as 2.15.2
	Embedded   bool            // it is one of this program's own, which syncs every batch
	Cluster    string          // its name; empty: a single server
	Ahead      time.Duration   // how far the server's clock is before this machine's
	Streams    []StreamReport  // ROWS, LICENSES and those of the buckets
	Processors *ConsumerReport // nil: no processor has ever run
}

// A StreamReport is about one stream.
type StreamReport struct {
	Name     string
	Problem  error // why it cannot be used: it is missing, or has unusable settings
	State    State
	Replicas []string // those that are offline or behind
}

// A ConsumerReport is about the consumer that all processors share.
type ConsumerReport struct {
	Waiting int // sealed jobs that nobody has taken
	Working int // jobs that were handed out and are not done
	Asking  int // requests for another job: 0 and no job in work means that no processor runs
}

// Examine looks at everything and changes nothing.
func (l *Log) Examine(ctx context.Context) (Condition, error) {
	c := Condition{
		Version:  l.conn.ConnectedServerVersion(),
		Embedded: l.conn.ConnectedServerName() == serverName,
		Cluster:  l.conn.ConnectedClusterName(),
	}
	for _, want := range streams {
		report, err := l.examineStream(ctx, want.Name, func(have jetstream.StreamConfig) error { return usable(have, want) }, &c.Ahead)
		if err != nil {
			return Condition{}, err
		}
		c.Streams = append(c.Streams, report)
	}
	for _, want := range buckets {
		report, err := l.examineStream(ctx, BucketStream(want.Bucket), func(have jetstream.StreamConfig) error { return usableBucket(have, want) }, &c.Ahead)
		if err != nil {
			return Condition{}, err
		}
		c.Streams = append(c.Streams, report)
	}
	var err error
	c.Processors, err = l.examineProcessors(ctx)
	return c, err
}

func (l *Log) examineStream(ctx context.Context, name string, usable func(jetstream.StreamConfig) error, ahead *time.Duration) (StreamReport, error) {
	report := StreamReport{Name: name}
	var info *jetstream.StreamInfo
	err := l.retryWithTimeout(ctx, func(ctx context.Context) error {
		asked := time.Now()
		stream, err := l.js.Stream(ctx, name)
		if err != nil {
			return err
		}
		info = stream.CachedInfo()
		middle := asked.Add(time.Since(asked) / 2)
		*ahead = info.TimeStamp.Sub(middle)
		return nil
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		report.Problem = errors.New("it does not exist")
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
			report.Replicas = append(report.Replicas, peer.Name)
		}
	}
	return report, nil
}

func (l *Log) examineProcessors(ctx context.Context) (report *ConsumerReport, err error) {
	err = l.retryWithTimeout(ctx, func(ctx context.Context) error {
		consumer, err := l.js.Consumer(ctx, events.LicensesStream, processors)
		if err != nil {
			return err
		}
		info := consumer.CachedInfo()
		report = &ConsumerReport{Waiting: int(info.NumPending), Working: info.NumAckPending, Asking: info.NumWaiting}
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
