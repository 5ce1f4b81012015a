package eventlog

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// TestTheProcessorsConsumerIsRestored: what hinders it is named while it lasts, and undone and
// logged when a processor starts. It uses the default log, so it does not run in parallel.
func TestTheProcessorsConsumerIsRestored(t *testing.T) {
	s := strays{t, openHere(t)}
	if err := s.ProcessorsReady(t.Context()); err != nil {
		t.Errorf("without a consumer: %v", err)
	}
	s.sealed(1)
	s.open().Stop()
	var logged bytes.Buffer
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	for want, hinder := range map[string]func() error{
		"is paused for another 1h0m0s": func() error {
			_, err := s.js.PauseConsumer(t.Context(), events.LicensesStream, processorConsumer, time.Now().Add(time.Hour))
			return err
		},
		"has max_ack_pending 1, not 1000": func() error {
			config := processorConsumerConfig
			config.MaxAckPending = 1
			_, err := s.js.UpdateConsumer(t.Context(), events.LicensesStream, config)
			return err
		},
		"has ack_wait 1h0m0s, not 5s": func() error {
			config := processorConsumerConfig
			config.AckWait = time.Hour
			_, err := s.js.UpdateConsumer(t.Context(), events.LicensesStream, config)
			return err
		},
		"has max_deliver 1, not -1": func() error {
			config := processorConsumerConfig
			config.MaxDeliver = 1
			_, err := s.js.UpdateConsumer(t.Context(), events.LicensesStream, config)
			return err
		},
	} {
		if err := s.ProcessorsReady(t.Context()); err != nil {
			t.Errorf("before: %v", err)
		}
		if err := hinder(); err != nil {
			t.Fatal(err)
		}
		err := s.ProcessorsReady(t.Context())
		if _, ok := errors.AsType[*ConsumerProblemError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		logged.Reset()
		s.open().Stop()
		if !strings.Contains(logged.String(), "the processors' consumer is restored") || !strings.Contains(logged.String(), want) {
			t.Errorf("logged %q, want %q", &logged, want)
		}
	}
	if err := s.ProcessorsReady(t.Context()); err != nil {
		t.Errorf("restored: %v", err)
	}
	if m := s.next(s.open()); m.Subject() != events.SealedSubject(1) {
		t.Errorf("%s is delivered, not the job", m.Subject())
	}
}

// TestAnOlderConsumerGetsUndos: a consumer that an earlier version made for imports alone delivers undos, also
// one that was asked for before a processor of this version started.
func TestAnOlderConsumerGetsUndos(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	older := processorConsumerConfig
	older.FilterSubjects, older.FilterSubject = nil, events.SealedFilter
	consumer, err := s.js.CreateConsumer(t.Context(), events.LicensesStream, older)
	if err != nil {
		t.Fatal(err)
	}
	s.sweep = sweepTimes{every: 20 * time.Millisecond, acknowledged: time.Millisecond, delivered: time.Hour}
	s.sealed(1, &events.ImportFinished{JobID: 1})
	s.undo(1)
	s.sealed(2, &events.ImportFinished{JobID: 2})
	for range 2 {
		m, err := consumer.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := m.DoubleAck(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	err = s.ProcessorsReady(t.Context())
	if err == nil || !strings.Contains(err.Error(), "has filter_subjects imports.*.sealed, not imports.*.sealed imports.*.undo_started") {
		t.Errorf("an older consumer: %v", err)
	}
	s.undo(2)
	if taken := s.leaseUntil(1, 2); !slices.Equal(taken, []events.JobID{1, 2}) {
		t.Errorf("taken: %v", taken)
	}
	if err := s.ProcessorsReady(t.Context()); err != nil {
		t.Errorf("restored: %v", err)
	}
}

// TestAConsumerAheadOfItsStreamIsNamed: it would deliver nothing that is sealed now.
func TestAConsumerAheadOfItsStreamIsNamed(t *testing.T) {
	t.Parallel()
	info := &jetstream.ConsumerInfo{Config: processorConsumerConfig, Delivered: jetstream.SequenceInfo{Stream: 12}}
	if err := consumerProblem(info, 12); err != nil {
		t.Errorf("at the end: %v", err)
	}
	if err := consumerProblem(info, 11); err == nil || !strings.Contains(err.Error(), "is at sequence 12, ahead of its stream, which ends at 11") {
		t.Errorf("ahead: %v", err)
	}
}

func TestCheckVersion(t *testing.T) {
	t.Parallel()
	for version, unsafe := range map[string]bool{
		"2.14.0": true, "2.14.3": true, "2.14.3-RC.1": true, "2.14.4": false, "2.14.10": false, "2.15.2": false, "2.12.1": false, "3.14.1": false, "": false,
	} {
		if err := CheckVersion(version); (err != nil) != unsafe {
			t.Errorf("%q: %v", version, err)
		}
	}
}
