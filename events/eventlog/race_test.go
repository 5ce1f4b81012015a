package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// A writer appends a number of messages to a job at a known sequence.
type writer struct {
	messages uint64
	write    func(ctx context.Context, log *eventlog.Log, job events.JobID, at events.Seq) error
}

func fact(kind string) writer {
	return writer{1, func(ctx context.Context, log *eventlog.Log, job events.JobID, at events.Seq) error {
		_, err := log.AppendFact(ctx, job, fmt.Sprintf("imports.%d.%s", job, kind), []byte(kind), at)
		return err
	}}
}

func batchOf(outcomes int, kind string) writer {
	return writer{uint64(outcomes) + 1, func(ctx context.Context, log *eventlog.Log, job events.JobID, at events.Seq) error {
		batch := log.NewBatch(job)
		for range outcomes {
			if err := batch.Add(fmt.Sprintf("outcomes.%d.rejected", job), []byte("{}")); err != nil {
				return err
			}
		}
		_, err := batch.Commit(ctx, fmt.Sprintf("imports.%d.%s", job, kind), []byte(kind), at)
		return err
	}}
}

// races are pairs of concurrent writers.
var races = map[string][2]writer{
	"seal against abort":        {fact("sealed"), fact("aborted")},
	"cancel against last batch": {fact("cancelled"), batchOf(20, "finished")},
	"two processors":            {batchOf(20, "progressed"), batchOf(7, "progressed")},
}

// raceCount is how many races of each pair are run: 400 by `make races`, which sets
// LICENSEIMPORT_LONG.
var raceCount = map[bool]int{true: 400, false: 40}[os.Getenv("LICENSEIMPORT_LONG") != ""]

// TestRaces runs two writers of one job concurrently, over two connections, many times. Each time
// one append succeeds; the other one fails and stores nothing. TestThreeReplicas does it on three
// nodes.
func TestRaces(t *testing.T) {
	t.Parallel()
	for name, pair := range races {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := eventlogtest.StartServer(t)
			logs := [2]*eventlog.Log{eventlogtest.Open(t, server), eventlogtest.Open(t, server)}
			raceRepeatedly(t, logs, raceCount, 0, pair)
		})
	}
}

// raceRepeatedly runs a number of races, with jobs above an id.
func raceRepeatedly(t *testing.T, logs [2]*eventlog.Log, times int, above events.JobID, pair [2]writer) {
	t.Helper()
	won := [2]int{}
	for i := range times {
		first, second := i%2, 1-i%2 // alternate the first writer
		winner := race(t, logs, above+events.JobID(i+1), pair[first], pair[second])
		won[[2]int{first, second}[winner]]++
	}
	t.Logf("%d to %d", won[0], won[1])
}

// race returns the index of the writer whose append succeeded.
func race(t *testing.T, logs [2]*eventlog.Log, job events.JobID, writers ...writer) (winner int) {
	t.Helper()
	started := appendFact(t, logs[0], job, events.StartedSubject(job), 0)
	before := stateOf(t, logs[0]).Messages
	errs, stored := [2]error{}, [2]int{}
	var group sync.WaitGroup
	start := make(chan struct{})
	for i, w := range writers {
		group.Go(func() {
			<-start
			errs[i] = w.write(t.Context(), logs[i], job, started)
		})
	}
	close(start)
	group.Wait()
	for i, err := range errs {
		if err != nil && !errors.Is(err, eventlog.ErrWrongSequence) && !errors.Is(err, eventlog.ErrConflict) {
			t.Fatalf("job %d: %v", job, err)
		}
		if err == nil {
			winner = i
			stored[i] = 1
		}
	}
	if stored[0]+stored[1] != 1 {
		t.Fatalf("job %d: %v succeeded: %v", job, stored, errs)
	}
	if added := stateOf(t, logs[0]).Messages - before; added != writers[winner].messages {
		t.Fatalf("job %d: %d messages were added, not the %d of the winner", job, added, writers[winner].messages)
	}
	return winner
}
