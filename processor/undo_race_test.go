package processor

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"

	"golang.org/x/sync/errgroup"
)

// undoRaceCount is how many races of each kind are run: as many as given, or 400 by `make races-changes`, which sets
// LICENSEIMPORT_LONG.
func undoRaceCount(short int) int {
	if os.Getenv("LICENSEIMPORT_LONG") != "" {
		return 400
	}
	return short
}

// raced is one race: jobs whose ids follow first, with licenses that no other race has.
type raced struct {
	*harness
	first events.JobID
	rows  []row
	odd   bool // the second writer begins
}

// undoRaces are the kinds of races. Each returns when its jobs have ended.
var undoRaces = map[string]func(r raced){
	"undo against update": func(r raced) {
		r.imported(1)
		r.race(func() { r.askUndo(r.first + 1) }, r.prepare(updating(r.first+2), with(r.rows, "2", 2)))
		r.awaitUndo(r.first + 1)
		r.awaitEnd(r.first + 2)
	},
	"undo of an update against update": func(r raced) {
		r.imported(1)
		r.prepare(updating(r.first+2), with(r.rows, "2", 1))()
		r.awaitEnd(r.first + 2)
		r.race(func() { r.askUndo(r.first + 2) }, r.prepare(updating(r.first+3), append(with(r.rows, "3", 2), r.rows...)))
		r.awaitUndo(r.first + 2)
		r.awaitEnd(r.first + 3)
	},
	"undo against re-import": func(r raced) {
		r.imported(1)
		r.race(func() { r.askUndo(r.first + 1) },
			r.prepare(events.ImportStarted{JobID: r.first + 2, Mode: events.Partial}, r.rows))
		r.awaitUndo(r.first + 1)
		r.awaitEnd(r.first + 2)
	},
	"two undos": func(r raced) {
		r.imported(1)
		r.prepare(updating(r.first+2), with(r.rows, "2", 2))()
		r.awaitEnd(r.first + 2)
		r.race(func() { r.askUndo(r.first + 1) }, func() { r.askUndo(r.first + 2) })
		r.awaitUndo(r.first + 1)
		r.awaitUndo(r.first + 2)
	},
	"undo against cancel": func(r raced) {
		rows := keys(2500, fmt.Sprint("C", r.first, "-"))
		r.prepare(events.ImportStarted{JobID: r.first + 1, Mode: events.Partial}, rows)()
		r.cancel(r.first + 1)
		r.awaitEnd(r.first + 1)
		r.race(func() { r.askUndo(r.first + 1) },
			r.prepare(events.ImportStarted{JobID: r.first + 2, Mode: events.Partial}, rows[:600]))
		r.awaitUndo(r.first + 1)
		r.awaitEnd(r.first + 2)
	},
}

// imported imports the race's rows as its nth job.
func (r raced) imported(n events.JobID) {
	r.Helper()
	r.prepare(events.ImportStarted{JobID: r.first + n, Mode: events.Partial}, r.rows)()
	r.awaitEnd(r.first + n)
}

// prepare stores the rows of an import and returns what seals it.
func (r raced) prepare(start events.ImportStarted, rows []row) (seal func()) {
	r.Helper()
	var last events.Seq
	for from := 0; from < len(rows); from += eventlog.MaxBatch {
		var bodies [][]byte
		for i, row := range rows[from:min(from+eventlog.MaxBatch, len(rows))] {
			bodies = append(bodies, r.encode(row.event(start.JobID, from+i+1)))
		}
		var err error
		if last, err = r.log.AppendRows(r.Context(), start.JobID, last, bodies); err != nil {
			r.Fatal(err)
		}
	}
	started := r.append(&start, 0)
	return func() {
		r.Helper()
		r.append(&events.ImportSealed{JobID: start.JobID, Rows: events.Row(len(rows))}, started)
	}
}

// cancel cancels an import that has decided some rows, unless it ends before.
func (r raced) cancel(job events.JobID) {
	r.Helper()
	cancel := &events.ImportCancelled{JobID: job, Manager: "ada"}
	r.eventually("cancelled", func() (bool, error) {
		last, _, err := r.log.LastFact(r.Context(), job)
		if err != nil {
			return false, err
		}
		envelope, err := last.Decode()
		if _, ended := envelope.Event.(*events.ImportFinished); err != nil || ended {
			return ended, err
		}
		if at, ok := envelope.Event.(*events.ImportProgressed); !ok || at.Row == 0 {
			return false, nil
		}
		_, err = r.log.AppendFact(r.Context(), job, cancel.Subject(), r.encode(cancel), last.Seq)
		return err == nil, nil
	})
}

// awaitEnd and awaitUndo wait for an event at the subject where it must come.
func (r raced) awaitEnd(job events.JobID)  { r.await((&events.ImportFinished{JobID: job}).Subject()) }
func (r raced) awaitUndo(job events.JobID) { r.await((&events.UndoFinished{JobID: job}).Subject()) }

func (r raced) await(subject string) {
	r.Helper()
	r.eventually(subject, func() (bool, error) {
		_, found, err := r.log.Fact(r.Context(), subject)
		return found, err
	})
}

// eventually waits for a condition, on a machine that may be busy with other tests: errors count as no.
func (r raced) eventually(what string, condition func() (bool, error)) {
	r.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; {
		holds, err := condition()
		if holds {
			return
		}
		if time.Now().After(deadline) {
			r.Fatalf("timed out: %s, %v", what, err)
		}
		time.Sleep(20 * time.Millisecond) // the poll interval
	}
}

// race runs two writers at once.
func (r raced) race(a, b func()) {
	if r.odd {
		a, b = b, a
	}
	var writing sync.WaitGroup
	writing.Go(a)
	writing.Go(b)
	writing.Wait()
}

// TestUndoRaces runs undos against updates, imports, cancels and each other, of the same licenses and by two
// processors. Each license's story is one that one process could have written, and each undo has decided every
// license as it was then.
func TestUndoRaces(t *testing.T) {
	t.Parallel()
	for name, run := range undoRaces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := eventlogtest.StartServer(t)
			logs := [2]*eventlog.Log{eventlogtest.Open(t, server), eventlogtest.Open(t, server)}
			raceUndos(t, logs, 0, undoRaceCount(8), run)
		})
	}
}

// TestUndoRacesOnThreeNodes is TestUndoRaces on three replicas, whose look-ups may be answered by one that lags.
func TestUndoRacesOnThreeNodes(t *testing.T) {
	t.Parallel()
	c := eventlogtest.StartCluster(t)
	open := func() *eventlog.Log {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		log, err := eventlog.Open(ctx, eventlog.Config{URL: c.URL(), Replicas: eventlogtest.Nodes})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(log.Close)
		return log
	}
	logs := [2]*eventlog.Log{open(), open()}
	c.WaitForReplicas()
	first := events.JobID(0)
	for name, run := range undoRaces {
		t.Run(name, func(t *testing.T) { raceUndos(t, logs, first, undoRaceCount(3), run) })
		first += 10_000
	}
}

// raceUndos runs a number of races of one kind, some at once, with jobs above an id, and checks what they left.
func raceUndos(t *testing.T, logs [2]*eventlog.Log, above events.JobID, times int, run func(raced)) {
	t.Helper()
	h := &harness{TB: t, log: logs[0]}
	for _, log := range logs {
		stop := h.start(New(log, Config{Concurrency: 2}))
		defer stop()
	}
	var races errgroup.Group
	races.SetLimit(4)
	for i := range times {
		first := above + events.JobID(10*(i+1))
		r := raced{harness: h, first: first, rows: keys(40, fmt.Sprint("R", first, "-")), odd: i%2 == 1}
		races.Go(func() error { run(r); return nil })
	}
	_ = races.Wait()
	h.checkStories()
	var counts events.UndoCounts
	for _, e := range h.history() {
		if outcome, ok := e.(events.Outcome); ok {
			countUndo(&counts, outcome)
		}
	}
	t.Logf("%+v", counts)
}
