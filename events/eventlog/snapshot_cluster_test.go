//go:build cluster

package eventlog_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// TestSnapshotOfACluster restores streams of three replicas on another cluster, with one and with
// three.
func TestSnapshotOfACluster(t *testing.T) {
	t.Parallel()
	from, to := eventlogtest.StartCluster(t), eventlogtest.StartCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	log := openReplicas(ctx, t, from, 3)
	if _, err := log.AppendRows(ctx, 1, 0, [][]byte{{1}, {2}, {3}}); err != nil {
		t.Fatal(err)
	}
	if _, err := log.AppendFact(ctx, 1, events.SealedSubject(1), []byte("{}"), 0); err != nil {
		t.Fatal(err)
	}
	leasing, stop := context.WithCancel(ctx)
	_ = log.LeaseJobs(leasing, 1, nil, func(context.Context, eventlog.Message) error { stop(); return nil })
	for _, replicas := range []int{1, 0} {
		restorer := openRestorer(ctx, t, to, replicas)
		for _, name := range []string{
			events.LicensesStream, events.RowsStream,
			eventlog.BucketStream(eventlog.Jobs), eventlog.BucketStream(eventlog.Managers), eventlog.BucketStream(eventlog.Products), eventlog.BucketStream(eventlog.Mappings),
		} {
			var file bytes.Buffer
			s, err := log.Snapshot(ctx, name, &file)
			if err != nil {
				t.Fatal(err)
			}
			if err := restorer.Stream(ctx, s, &file); err != nil {
				t.Fatal(err)
			}
		}
		restored := openReplicas(ctx, t, to, 0)
		row, found, err := restored.LastRow(ctx, 1)
		if !found || err != nil || row.Seq != 3 || row.Data[0] != 3 {
			t.Errorf("last row: %+v, %v, %v", row, found, err)
		}
		state, err := restored.State(ctx)
		if want := max(replicas, 3*(1-replicas)); err != nil || state.Last != 1 || state.Replicas != want {
			t.Errorf("%+v, %v; want %d replicas", state, err, want)
		}
		leasing, stop := context.WithCancel(ctx)
		again := 0
		_ = restored.LeaseJobs(leasing, 1, nil, func(context.Context, eventlog.Message) error { again++; stop(); return nil })
		if again != 1 {
			t.Errorf("the sealed job was delivered %d times", again)
		}
		if err := restorer.Rollback(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func openRestorer(ctx context.Context, t *testing.T, c *eventlogtest.Cluster, replicas int) *eventlog.Restorer {
	t.Helper()
	for {
		r, err := eventlog.OpenRestorer(ctx, eventlog.Config{URL: c.URL(), Replicas: replicas})
		if err == nil {
			t.Cleanup(r.Close)
			return r
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}
