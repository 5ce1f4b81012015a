package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats.go/jetstream"
)

// processorConsumerConfig is the consumer that all processors share. Its settings are restored
// whenever a processor starts.
var processorConsumerConfig = jetstream.ConsumerConfig{
	Durable:        processorConsumer,
	Description:    "the jobs that wait for a processor",
	FilterSubjects: events.WorkFilters,
	AckPolicy:      jetstream.AckExplicitPolicy,
	AckWait:        leaseTTL,
	MaxDeliver:     -1,
	MaxAckPending:  1000,
}

// A ConsumerProblemError says why sealed jobs, or undos, do not reach a processor, or too slowly.
type ConsumerProblemError struct{ Reasons []string }

func (e *ConsumerProblemError) Error() string {
	return "the processors' consumer " + strings.Join(e.Reasons, ", and ") +
		": imports may wait for ever; a processor that starts restores it"
}

// consumerProblem is what is wrong with the processors' consumer, or nil. last is the end of its
// stream, as it is after info was asked for.
func consumerProblem(info *jetstream.ConsumerInfo, last events.Seq) error {
	var reasons []string
	if info.Paused {
		reasons = append(reasons, fmt.Sprintf("is paused for another %s", info.PauseRemaining.Round(time.Second)))
	}
	if delivered := events.Seq(info.Delivered.Stream); delivered > last {
		reasons = append(reasons, fmt.Sprintf("is at sequence %d, ahead of its stream, which ends at %d", delivered, last))
	}
	have, want := info.Config, processorConsumerConfig
	for _, setting := range []struct {
		name       string
		have, want any
	}{
		{"max_ack_pending", have.MaxAckPending, want.MaxAckPending},
		{"ack_wait", have.AckWait, want.AckWait},
		{"max_deliver", have.MaxDeliver, want.MaxDeliver},
		{"filter_subjects", filters(have), filters(want)},
		{"backoff", len(have.BackOff), len(want.BackOff)},
		{"headers_only", have.HeadersOnly, want.HeadersOnly},
		{"max_batch", have.MaxRequestBatch, want.MaxRequestBatch},
		{"max_expires", have.MaxRequestExpires, want.MaxRequestExpires},
		{"max_bytes", have.MaxRequestMaxBytes, want.MaxRequestMaxBytes},
	} {
		if setting.have != setting.want {
			reasons = append(reasons, fmt.Sprintf("has %s %v, not %v", setting.name, setting.have, setting.want))
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	return &ConsumerProblemError{Reasons: slices.Clip(reasons)}
}

// filters are a consumer's filters of subjects, as one text.
func filters(c jetstream.ConsumerConfig) string {
	all := slices.Clone(c.FilterSubjects)
	if c.FilterSubject != "" {
		all = append(all, c.FilterSubject)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// ProcessorsReady returns an error, a *[ConsumerProblemError], if the consumer that all processors
// share is paused, ahead of its stream, or has other settings than this program gives it. A missing
// consumer is none: the next processor creates it.
func (l *Log) ProcessorsReady(ctx context.Context) error {
	report, err := l.processorHealth(ctx)
	if err != nil || report == nil {
		return err
	}
	return report.Problem
}

// restoreConsumer creates the processors' consumer, or restores it. It says in the log what was
// wrong with it. One that is ahead of its stream is deleted first: the next one delivers every job,
// and those that are done are found done.
func (l *Log) restoreConsumer(ctx context.Context) (jetstream.Consumer, error) {
	report, err := l.processorHealth(ctx)
	if err != nil {
		return nil, err
	}
	if report != nil && report.Problem != nil {
		slog.Warn("the processors' consumer is restored", "reason", report.Problem)
	}
	if report != nil && report.Ahead {
		err := l.js.DeleteConsumer(ctx, events.LicensesStream, processorConsumer)
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil, err
		}
	}
	consumer, err := l.js.CreateOrUpdateConsumer(ctx, events.LicensesStream, processorConsumerConfig)
	if errors.Is(err, jetstream.ErrConsumerMultipleFilterSubjectsNotSupported) {
		// After an update of a recovered consumer the server may show the settings that it had before.
		consumer, err = l.js.CreateOrUpdateConsumer(ctx, events.LicensesStream, processorConsumerConfig)
	}
	if err == nil && consumer.CachedInfo().Paused { // which an update leaves as it is
		_, err = l.js.ResumeConsumer(ctx, events.LicensesStream, processorConsumer)
	}
	if err == nil {
		l.skipUnmatched()
	}
	return consumer, err
}

// skipUnmatched spares a recovered consumer of the embedded server the search for the next job in all messages
// since the last one: it does not answer meanwhile, and the processors are not ready.
func (l *Log) skipUnmatched() {
	if l.server == nil || l.server.config.NoTuning {
		return
	}
	srv := l.server.running()
	if srv == nil {
		return
	}
	if err := natstuning.SkipUnmatched(srv, events.LicensesStream, processorConsumer); err != nil {
		slog.Warn("the server looks for the next job in all events since the last one", "reason", err)
	}
}
