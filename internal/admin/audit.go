package admin

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// A Recorder is a bucket whose changes are events: see [eventlog.RecordedBucket].
type Recorder interface {
	// Record appends the events that are missing, and returns how many.
	Record(ctx context.Context) (recorded int, err error)
}

// Audit lists what operators and admins did. Its methods may be called concurrently.
type Audit struct {
	log     *eventlog.Log
	buckets []Recorder

	mu   sync.Mutex
	seqs []events.Seq // of the operations, in the stream's order
}

// NewAudit returns the audit log of a log and of the buckets whose changes it has. It makes no request.
func NewAudit(log *eventlog.Log, buckets ...Recorder) *Audit {
	return &Audit{log: log, buckets: buckets}
}

// An Entry is one line of the audit log.
type Entry struct {
	ID       string       `json:"id"`       // the event's
	Type     string       `json:"type"`     // the event's
	Time     Time         `json:"time"`     // of the change, UTC
	Manager  *string      `json:"manager"`  // who made it; nil: not known
	Sequence events.Seq   `json:"sequence"` // in the stream LICENSES
	Data     events.Event `json:"data"`     // the event's
}

// Time is a time as the API writes all: RFC 3339, UTC, with microseconds.
type Time time.Time

// MarshalText writes the time.
func (t Time) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000000Z07:00"), nil
}

// recordEvery is the time between two searches for changes without an event.
const recordEvery = time.Minute

// Run appends the events of changes that have none, at once and then every minute, until ctx ends. After a
// failure, the next minute tries again.
func (a *Audit) Run(ctx context.Context) error {
	tick := time.NewTicker(recordEvery)
	defer tick.Stop()
	for {
		if err := a.record(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("changes of keys, products or mappings are not in the audit log yet; the next minute tries again",
				"error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (a *Audit) record(ctx context.Context) error {
	for _, bucket := range a.buckets {
		n, err := bucket.Record(ctx)
		if err != nil {
			return err
		}
		if n > 0 {
			slog.Info("the audit log has changes that had no event", "changes", n)
		}
	}
	return nil
}

// List returns a part of the entries, the newest first, and the number of all. It appends the events of
// changes that have none first.
func (a *Audit) List(ctx context.Context, offset, limit int) (entries []Entry, count int, err error) {
	if err := a.record(ctx); err != nil {
		return nil, 0, err
	}
	seqs, err := a.refresh(ctx)
	if err != nil {
		return nil, 0, err
	}
	newest := slices.Clone(seqs)
	slices.Reverse(newest)
	from := min(offset, len(newest))
	for _, seq := range newest[from:min(from+limit, len(newest))] {
		m, found, err := a.log.MessageAt(ctx, seq)
		if err != nil {
			return nil, 0, err
		}
		if !found {
			return nil, 0, fmt.Errorf("the stream %s has lost sequence %d", events.LicensesStream, seq)
		}
		entry, err := entryOf(&m)
		if err != nil {
			return nil, 0, err
		}
		entries = append(entries, entry)
	}
	return entries, len(newest), nil
}

// refresh reads the sequences of the operations since the last call.
func (a *Audit) refresh(ctx context.Context) ([]events.Seq, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := events.Seq(0)
	if n := len(a.seqs); n > 0 {
		last = a.seqs[n-1]
	}
	err := a.log.FactsAfter(ctx, events.OperationsFilter, last, func(m eventlog.Message) error {
		if _, err := entryOf(&m); err != nil {
			return err
		}
		a.seqs = append(a.seqs, m.Seq)
		return nil
	})
	return a.seqs, err
}

func entryOf(m *eventlog.Message) (Entry, error) {
	event, err := eventlog.DecodeAs[events.Event](m)
	if err != nil {
		return Entry{}, err
	}
	entry := Entry{ID: event.ID(), Type: event.Type(), Time: Time(m.Time), Sequence: m.Seq, Data: event}
	manager := ""
	switch e := event.(type) {
	case *events.EventSetAside:
		manager = e.Manager
	case events.Operation:
		manager = e.Change().Manager
		if at, err := time.Parse(time.RFC3339Nano, e.Change().At); err == nil {
			entry.Time = Time(at)
		}
	}
	if manager != "" {
		entry.Manager = &manager
	}
	return entry, nil
}
