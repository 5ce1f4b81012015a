package processor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// harness is a processor on a real log.
type harness struct {
	testing.TB
	log *eventlog.Log
	p   *Processor
}

func newHarness(t testing.TB) *harness {
	log := eventlogtest.Start(t)
	return &harness{TB: t, log: log, p: New(log, Config{})}
}

// row is the part of a row that tests vary. The product is always psc.
type row struct{ key, activations string }

func good(key string) row { return row{key, "1"} }

func (r row) event(job events.JobID, n int) *events.RowReceived {
	e := &events.RowReceived{JobID: job, Row: events.Row(n), Line: uint64(n + 1)}
	e.Values[events.ColumnKey] = r.key
	e.Values[events.ColumnProduct] = "psc"
	column, _ := events.ColumnIndex("license__max_activations")
	e.Values[column] = r.activations
	return e
}

func keys(n int, prefix string) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = good(fmt.Sprintf("%s%05d", prefix, i))
	}
	return rows
}

func (h *harness) encode(e events.Event) []byte {
	h.Helper()
	body, err := events.Encode(e, time.Now())
	if err != nil {
		h.Fatal(err)
	}
	return body
}

func (h *harness) append(e events.Event, expect events.Seq) events.Seq {
	h.Helper()
	seq, err := h.log.AppendFact(h.Context(), e.Job(), e.Subject(), h.encode(e), expect)
	if err != nil {
		h.Fatal(err)
	}
	return seq
}

// upload stores rows and seals the job with the count sealedRows.
func (h *harness) upload(start events.ImportStarted, rows []row, sealedRows int) {
	h.Helper()
	var last events.Seq
	for from := 0; from < len(rows); from += 1000 {
		var bodies [][]byte
		for i := from; i < min(from+1000, len(rows)); i++ {
			bodies = append(bodies, h.encode(rows[i].event(start.JobID, i+1)))
		}
		seq, err := h.log.AppendRows(h.Context(), start.JobID, last, bodies)
		if err != nil {
			h.Fatal(err)
		}
		last = seq
	}
	started := h.append(&start, 0)
	h.append(&events.ImportSealed{JobID: start.JobID, Rows: events.Row(sealedRows)}, started)
}

// run runs the processor until all jobs have ended, and returns their ends.
func (h *harness) run(jobs ...events.JobID) []*events.ImportFinished {
	h.Helper()
	ctx, cancel := context.WithCancel(h.Context())
	var running sync.WaitGroup
	running.Go(func() { h.p.Run(ctx) })
	defer running.Wait()
	defer cancel()
	ends := make([]*events.ImportFinished, len(jobs))
	for i, job := range jobs {
		ends[i] = h.awaitEnd(job)
	}
	return ends
}

func (h *harness) awaitEnd(job events.JobID) *events.ImportFinished {
	h.Helper()
	subject := (&events.ImportFinished{JobID: job}).Subject()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		fact, err := readFact(h.Context(), h.log, subject)
		if err != nil {
			h.Fatal(err)
		}
		if end, ok := fact.Event.(*events.ImportFinished); ok {
			return end
		}
		time.Sleep(2 * time.Millisecond) // the poll interval
	}
	h.Fatalf("job %d did not end", job)
	return nil
}

// history is all events in LICENSES.
func (h *harness) history() (all []events.Event) {
	h.Helper()
	h.eachFact(func(_ eventlog.Message, e events.Event) { all = append(all, e) })
	return all
}

// eachFact calls fn with each message of LICENSES and its event.
func (h *harness) eachFact(fn func(eventlog.Message, events.Event)) {
	h.Helper()
	state, err := h.log.State(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	stop := errors.New("read all")
	err = h.log.Follow(h.Context(), 0, nil, func(m eventlog.Message) error {
		envelope, err := events.Decode(m.Data)
		if err != nil {
			return err
		}
		fn(m, envelope.Event)
		if m.Seq == state.Last {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) {
		h.Fatal(err)
	}
}

// checkOutcomes fails unless so many rows of the job have an outcome, each exactly one, and each
// license's events are a story.
func (h *harness) checkOutcomes(job events.JobID, rows int) (imported, existed, rejected int) {
	h.Helper()
	outcomes := map[events.Row]string{}
	licenses := Aggregates{}
	for i, e := range h.history() {
		h.checkStory(licenses, e, events.Seq(i+1))
		var row events.Row
		switch e := e.(type) {
		case *events.LicenseImported:
			row = e.Row
		case *events.LicenseUpdated:
			row = e.Row
		case *events.LicenseExisted:
			row = e.Row
		case *events.RowRejected:
			row = e.Row
		default:
			continue
		}
		if e.Job() != job {
			continue
		}
		if other, twice := outcomes[row]; twice {
			h.Errorf("row %d is %s and %s", row, other, e.Type())
		}
		outcomes[row] = e.Type()
	}
	for _, name := range outcomes {
		switch name {
		case "LicenseImported":
			imported++
		case "LicenseExisted":
			existed++
		case "RowRejected":
			rejected++
		}
	}
	if len(outcomes) != rows {
		h.Errorf("job %d: %d of %d rows have an outcome", job, len(outcomes), rows)
	}
	return imported, existed, rejected
}

// checkStory fails if an event of a license does not follow the one before, and adds it. The sequences
// are those of a log in which nothing was deleted.
func (h *harness) checkStory(licenses Aggregates, e events.Event, seq events.Seq) {
	h.Helper()
	before := licenses[e.Subject()]
	now, exists := events.StateAfter(before.Last)
	switch e := e.(type) {
	case *events.LicenseImported:
		if exists {
			h.Errorf("%s was imported by %s and by %s", e.Subject(), before.Last.ID(), e.ID())
		}
	case *events.LicenseUpdated:
		if !exists || before.Seq != e.Previous {
			h.Errorf("%s updates %s after %d, and %d was its last event", e.ID(), e.Subject(), e.Previous, before.Seq)
			return
		}
		after, _ := events.StateAfter(e)
		applied, err := now.Apply(e.Changed)
		if err != nil || len(e.Changed) == 0 || events.Changes(applied, after) != nil || e.By != now.By {
			h.Errorf("%s changes %+v of %+v and leaves %+v: %v", e.ID(), e.Changed, now, after, err)
		}
	case *events.LicenseRevoked:
		if !exists {
			h.Errorf("%s revokes no license", e.ID())
		}
	default:
		return
	}
	licenses[e.Subject()] = Aggregate{Last: e, Seq: seq}
}
