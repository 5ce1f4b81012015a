package processor

import (
	"context"
	"os"
	"sync"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// raceCount is how many races there are: 400 by `make races-changes`, which sets LICENSEIMPORT_LONG.
var raceCount = map[bool]int{true: 400, false: 12}[os.Getenv("LICENSEIMPORT_LONG") != ""]

// TestUpdateRaces: two processors decide imports that update the same licenses, and make them, at the same
// time. Each row has one outcome, and each license's events are a story.
func TestUpdateRaces(t *testing.T) {
	t.Parallel()
	server := eventlogtest.StartServer(t)
	raceUpdates(t, eventlogtest.Open(t, server), eventlogtest.Open(t, server))
}

// TestUpdateRacesOnThreeNodes is TestUpdateRaces with a stream of three replicas.
func TestUpdateRacesOnThreeNodes(t *testing.T) {
	t.Parallel()
	c := eventlogtest.StartCluster(t)
	var logs [2]*eventlog.Log
	for i := range logs {
		log, err := eventlog.Open(t.Context(), eventlog.Config{URL: c.URL(), Replicas: 3})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(log.Close)
		logs[i] = log
	}
	raceUpdates(t, logs[0], logs[1])
}

func raceUpdates(t *testing.T, first, second *eventlog.Log) {
	t.Helper()
	h := &harness{TB: t, log: first, p: New(first, Config{})}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, p := range []*Processor{h.p, New(second, Config{})} {
		running.Go(func() { _ = p.Run(ctx) })
	}
	defer running.Wait()
	defer cancel()
	rows := 0
	for i := range raceCount {
		one, other := events.JobID(2*i+1), events.JobID(2*i+2)
		fresh := row{"new in race " + one.String(), "1"}
		of := func(job events.JobID) []row {
			return []row{{"A", job.String()}, {"B", job.String()}, fresh, {"A", (job + 1000).String()}, {fresh.key, job.String()}}
		}
		h.upload(updating(one), of(one), 5)
		h.upload(updating(other), of(other), 5)
		for _, job := range []events.JobID{one, other} {
			end := h.awaitEnd(job)
			if c := end.Counts; end.Status != events.Success || c.Imported+c.Updated+c.Existed != 5 {
				t.Errorf("job %d ended as %+v", job, end)
			}
		}
		rows += 10
	}
	h.checkAll(rows)
}

// checkAll fails unless all jobs together have so many outcomes, one a row, and each license's events are a
// story.
func (h *harness) checkAll(rows int) {
	h.Helper()
	outcomes, licenses := map[string]bool{}, Aggregates{}
	for i, e := range h.history() {
		h.checkStory(licenses, e, events.Seq(i+1))
		switch e.(type) {
		case *events.LicenseImported, *events.LicenseUpdated, *events.LicenseExisted, *events.RowRejected:
			if outcomes[e.ID()] {
				h.Errorf("%s is decided twice", e.ID())
			}
			outcomes[e.ID()] = true
		}
	}
	if len(outcomes) != rows {
		h.Errorf("%d outcomes of %d rows", len(outcomes), rows)
	}
}
