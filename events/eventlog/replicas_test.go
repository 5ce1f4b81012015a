package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// TestReplicaThatLacksEvents has a node lose a part of a batch. Readers read from another one, also those that began at
// one that has all, and a comparison names it. What doctor advises brings all back.
func TestReplicaThatLacksEvents(t *testing.T) {
	t.Parallel()
	c := eventlogtest.StartCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	log := openReplicas(ctx, t, c, 3)
	c.WaitForReplicas()
	job := events.JobID(0)
	add := func() {
		t.Helper()
		job++
		appendLicenses(ctx, t, log, job, fmt.Sprint("p", job), make([][]byte, 19)) // and the seal
	}
	add()
	c.WaitForCurrent(-1)
	wantReplicas(t, compare(ctx, t, log), nil)

	node := c.Follower()
	c.LoseNext(node, events.LicensesStream, 7)
	add()
	add()
	lacking := []string{fmt.Sprint("node-", node)}
	wantReplicas(t, compare(ctx, t, log), lacking)

	want := subjectsAt(ctx, t, log)
	for range 8 { // each on any replica
		for _, after := range []int{0, 45} { // the second in a batch behind the loss
			if got := followFrom(ctx, t, log, after, len(want)); !slices.Equal(got, want[after:]) {
				t.Fatalf("read:\n%q\nwant:\n%q", got, want[after:])
			}
		}
	}
	followOnAnyReplica(ctx, t, c, log, len(want), add)

	for c.Leader(events.LicensesStream) != node {
		c.StepDown(events.LicensesStream)
	}
	add()
	wantReplicas(t, compare(ctx, t, log), lacking)

	for c.Leader(events.LicensesStream) == node { // as doctor advises
		c.StepDown(events.LicensesStream)
	}
	c.Kill(node)
	c.Wipe(node)
	c.Start(node)
	add()
	c.WaitForCurrent(-1)
	wantReplicas(t, compare(ctx, t, log), nil)
}

// TestRowsPurgedDuringAComparison: no replica lacks the rows that are purged meanwhile.
func TestRowsPurgedDuringAComparison(t *testing.T) {
	t.Parallel()
	c := eventlogtest.StartCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	log := openReplicas(ctx, t, c, 3)
	c.WaitForReplicas()
	within, stop := context.WithCancel(ctx)
	var purges sync.WaitGroup
	defer purges.Wait()
	defer stop()
	purges.Go(func() {
		for job := events.JobID(1); within.Err() == nil; job++ {
			_, err := log.AppendRows(within, job, 0, [][]byte{nil, nil})
			if err == nil {
				err = log.PurgeRows(within, job)
			}
			if err != nil && within.Err() == nil {
				t.Error(err)
			}
		}
	})
	for range 20 {
		all, err := log.CompareReplicas(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			if len(r.Lacking) > 0 {
				t.Fatalf("%+v", r)
			}
		}
	}
}

func compare(ctx context.Context, t *testing.T, log *eventlog.Log) []eventlog.ReplicaComparison {
	t.Helper()
	for {
		all, err := log.CompareReplicas(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(all, func(r eventlog.ReplicaComparison) bool { return len(r.Unknown) > 0 }) {
			return all
		}
	}
}

// wantReplicas wants all replicas of LICENSES to be whole, but for those that lack something.
func wantReplicas(t *testing.T, all []eventlog.ReplicaComparison, lacking []string) {
	t.Helper()
	if len(all) != 1 { // ROWS has no rows
		t.Fatalf("%+v", all)
	}
	r := all[0]
	if r.Stream != events.LicensesStream || !slices.Equal(r.Lacking, lacking) ||
		len(r.Whole) != eventlogtest.Nodes-len(lacking) || len(r.Unknown) > 0 {
		t.Fatalf("%+v, want lacking %q", r, lacking)
	}
}

// subjectsAt has the subject of each message that the leader has.
func subjectsAt(ctx context.Context, t *testing.T, log *eventlog.Log) (subjects []string) {
	t.Helper()
	for seq := range stateOf(t, log).Last {
		m, found, err := log.MessageAt(ctx, seq+1)
		if err != nil || !found {
			t.Fatal(seq+1, found, err)
		}
		subjects = append(subjects, m.Subject)
	}
	return subjects
}

func followFrom(ctx context.Context, t *testing.T, log *eventlog.Log, after, end int) (subjects []string) {
	t.Helper()
	err := log.Follow(ctx, events.Seq(after), nil, func(m eventlog.Message) error {
		if subjects = append(subjects, m.Subject); len(subjects) == end-after {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	return subjects
}

// followOnAnyReplica follows the stream while its consumer is deleted again and again, so that NATS makes it on another
// replica. All that arrives is what the leader has.
func followOnAnyReplica(
	ctx context.Context, t *testing.T, c *eventlogtest.Cluster, log *eventlog.Log, have int, add func(),
) {
	t.Helper()
	const times = 8
	arrived := make(chan string, 10000)
	within, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- log.Follow(within, 0, nil, func(m eventlog.Message) error {
			arrived <- m.Subject
			return nil
		})
	}()
	var got []string
	for i := range times + 1 {
		if i > 0 {
			deleteConsumers(ctx, t, c)
			add()
		}
		for len(got) < have+20*i {
			select {
			case subject := <-arrived:
				got = append(got, subject)
			case err := <-ended:
				t.Fatal(err)
			}
		}
	}
	stop()
	<-ended
	if want := subjectsAt(ctx, t, log); !slices.Equal(got, want) {
		t.Fatalf("read:\n%q\nwant:\n%q", got, want)
	}
}

// deleteConsumers deletes the consumers of LICENSES that have no name of ours.
func deleteConsumers(ctx context.Context, t *testing.T, c *eventlogtest.Cluster) {
	t.Helper()
	stream, err := jetStreamOf(t, c.URL()).Stream(ctx, events.LicensesStream)
	if err != nil {
		t.Fatal(err)
	}
	all := stream.ListConsumers(ctx)
	for info := range all.Info() {
		if info.Config.Durable == "" {
			_ = stream.DeleteConsumer(ctx, info.Name) // its owner may have
		}
	}
	if err := all.Err(); err != nil {
		t.Fatal(err)
	}
}
