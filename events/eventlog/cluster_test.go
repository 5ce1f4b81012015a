package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"

	"github.com/nats-io/nats.go/jetstream"
)

// The server's error codes for a failed sequence check.
const (
	wrongLast     = 10071 // the subject has another last sequence
	wrongLastRace = 10164 // an append to it is in flight on a replicated stream, or in the same batch
)

// TestThreeReplicas runs the races on a cluster of three, and changes its leaders.
func TestThreeReplicas(t *testing.T) {
	t.Parallel()
	c := eventlogtest.StartCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	log := openReplicas(ctx, t, c, 1)
	if _, err := log.AppendFact(ctx, 9999, events.StartedSubject(9999), nil, 0); err != nil {
		t.Fatal(err)
	}
	logs := [2]*eventlog.Log{openReplicas(ctx, t, c, 3), openReplicas(ctx, t, c, 0)} // more replicas than now
	c.WaitForReplicas()
	waitForVolatileReplicas(ctx, t, c)
	if state := stateOf(t, logs[0]); state.Replicas != 3 {
		t.Fatalf("%+v", state)
	}
	rejects := eventlogtest.WatchRejects(t, c.URL())
	above := events.JobID(0)
	for name, pair := range races {
		t.Run(name, func(t *testing.T) { raceRepeatedly(t, logs, raceCount, above, pair) })
		above += 1000
	}
	t.Run("one license, three writers", func(t *testing.T) { raceLicense(ctx, t, logs, raceCount) })
	t.Run("both codes are met", func(t *testing.T) { meetBothRejects(ctx, t, logs, rejects) })
	t.Run("a batch may be large", func(t *testing.T) { appendLargeBatch(ctx, t, logs[0]) })
	t.Run("leaders may go", func(t *testing.T) { outliveLeaders(ctx, t, c, logs[0]) })
}

func openReplicas(ctx context.Context, t *testing.T, c *eventlogtest.Cluster, replicas int) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(ctx, eventlog.Config{URL: c.URL(), Replicas: replicas})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

// jetStreamOf is JetStream of servers as another program sees it, until the test ends.
func jetStreamOf(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(eventlogtest.Connect(t, url))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// waitForVolatileReplicas opens logs with three replicas until the volatile buckets have them, too. The server
// may take longer for one than an Open waits.
func waitForVolatileReplicas(ctx context.Context, t *testing.T, c *eventlogtest.Cluster) {
	t.Helper()
	js := jetStreamOf(t, c.URL())
	for _, bucket := range []string{eventlog.Sessions, eventlog.LastUsed} {
		for {
			stream, err := js.Stream(ctx, "KV_"+bucket)
			if err == nil && stream.CachedInfo().Config.Replicas == 3 {
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("the bucket %s has not three replicas: %v", bucket, err)
			}
			openReplicas(ctx, t, c, 3).Close()
		}
	}
}

// appendLargeBatch stores a full batch of rows, 2 MiB in all, and a full batch of outcomes.
func appendLargeBatch(ctx context.Context, t *testing.T, log *eventlog.Log) {
	const job, wide = 300_000, 2 << 20 / eventlog.MaxBatch
	bodies := slices.Repeat([][]byte{bytes.Repeat([]byte{'x'}, wide)}, eventlog.MaxBatch)
	var last events.Seq
	var err error
	for range 3 {
		if last, err = log.AppendRows(ctx, job, last, bodies); err != nil {
			t.Fatal(err)
		}
	}
	if rows := len(readRows(t, log, job, 0)); rows != 3*eventlog.MaxBatch {
		t.Errorf("%d rows are stored", rows)
	}
	appendLicenses(ctx, t, log, job, "wide", bodies[1:])
}

// appendLicenses stores new licenses of a product and the seal of their job as one batch.
func appendLicenses(
	ctx context.Context, t *testing.T, log *eventlog.Log, job events.JobID, product string, bodies [][]byte,
) {
	t.Helper()
	for { // a refused batch is not stored, so it is sent again
		batch := log.NewBatch(job)
		for i, body := range bodies {
			subject := events.LicenseSubject(product, fmt.Sprint(i))
			if err := batch.AddAfter(subject, body, subject, 0); err != nil {
				t.Fatal(err)
			}
		}
		_, err := batch.Commit(ctx, events.SealedSubject(job), nil, 0)
		if err == nil {
			return
		}
		if !errors.Is(err, eventlog.ErrConflict) {
			t.Fatal(err)
		}
	}
}

// raceLicense imports one license by batches of several jobs.
func raceLicense(ctx context.Context, t *testing.T, logs [2]*eventlog.Log, times int) {
	for i := range times {
		var won atomic.Int32
		var writers sync.WaitGroup
		for w := range 3 {
			job := events.JobID(100_000 + 3*i + w)
			writers.Go(func() {
				batch := logs[w%2].NewBatch(job)
				subject := events.LicenseSubject("race", fmt.Sprint(i))
				_ = batch.AddAfter(subject, nil, subject, 0)
				_, err := batch.Commit(ctx, fmt.Sprintf("imports.%d.progressed", job), nil, 0)
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, eventlog.ErrConflict) {
					t.Error(err)
				}
			})
		}
		writers.Wait()
		if won.Load() > 1 {
			t.Fatalf("license %d was stored %d times", i, won.Load())
		}
	}
}

// meetBothRejects repeats the race until the server has sent both codes. The writers see only an
// [eventlog.ErrWrongSequence] of them.
func meetBothRejects(ctx context.Context, t *testing.T, logs [2]*eventlog.Log, rejects *eventlogtest.Rejects) {
	for i := 0; !rejects.Saw(wrongLast, wrongLastRace); i++ {
		if i == 2000 || ctx.Err() != nil {
			t.Fatalf("the server did not send both codes: %v", rejects)
		}
		race(t, logs, events.JobID(200_000+i), races["seal against abort"][0], races["seal against abort"][1])
	}
	t.Logf("rejects by code: %v", rejects)
}

// TestRejectsByCode provokes each code on one node. The server refuses the whole batch, and the
// error is ErrConflict.
func TestRejectsByCode(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	known := log.NewBatch(7)
	addLicenses(t, known, 0, 1)
	mustCommit(t, known, 0)
	for code, fill := range map[jetstream.ErrorCode]func(*eventlog.Batch){
		wrongLast:     func(b *eventlog.Batch) { addLicenses(t, b, 0, 1) },                          // it exists
		wrongLastRace: func(b *eventlog.Batch) { addLicenses(t, b, 5, 6); addLicenses(t, b, 5, 6) }, // twice in the batch
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			job := events.JobID(code)
			before := stateOf(t, log)
			batch := log.NewBatch(job)
			addLicenses(t, batch, 100, 110)
			fill(batch)
			_, err := batch.Commit(t.Context(), fmt.Sprintf("imports.%d.progressed", job), nil, 0)
			refusal, _ := errors.AsType[*jetstream.APIError](err)
			if !errors.Is(err, eventlog.ErrConflict) || refusal == nil || refusal.ErrorCode != code {
				t.Errorf("%v, want a conflict of code %d", err, code)
			}
			if after := stateOf(t, log); after.Last != before.Last {
				t.Errorf("%d messages of the refused batch are stored", after.Last-before.Last)
			}
		})
	}
}

// outliveLeaders appends and follows while the streams change leaders.
func outliveLeaders(ctx context.Context, t *testing.T, c *eventlogtest.Cluster, log *eventlog.Log) {
	begin := stateOf(t, log)
	const total = 40
	enough := errors.New("enough")
	var follower sync.WaitGroup
	next := begin.Last + 1
	follower.Go(func() {
		err := log.Follow(ctx, begin.Last, nil, func(m eventlog.Message) error {
			if m.Seq != next {
				t.Errorf("followed %d, want %d", m.Seq, next)
			}
			if next++; next > begin.Last+total {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Error(err)
		}
	})
	var fact, row events.Seq
	var err error
	for i := range total {
		if i%20 == 5 {
			c.WaitForReplicas() // a replica that lags cannot lead
			c.StepDown(events.LicensesStream)
			c.StepDown(events.RowsStream)
		}
		if fact, err = log.AppendFact(ctx, 9000, fmt.Sprintf("imports.9000.f%d", i), nil, fact); err != nil {
			t.Fatal(err)
		}
		if row, err = log.AppendRows(ctx, 9000, row, [][]byte{nil, nil, nil}); err != nil {
			t.Fatal(err)
		}
	}
	follower.Wait()
	if rows := len(readRows(t, log, 9000, 0)); rows != 3*total {
		t.Errorf("%d rows are stored, want %d", rows, 3*total)
	}
}

// TestNodesThatAreCutOff: such a node answers with what it held when it was cut off, as the leader at first, then as a
// replica without one. That is no loss, and no state of the stream.
func TestNodesThatAreCutOff(t *testing.T) {
	t.Parallel()
	c := eventlogtest.StartCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	openReplicas(ctx, t, c, 3)
	job := events.JobID(0)
	for _, test := range []struct {
		name string
		node func() int
	}{
		{"a follower", c.Follower},
		{"the leader", func() int { return c.Leader(events.LicensesStream) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.WaitForReplicas()
			node := test.node()
			log, err := eventlog.Open(ctx, eventlog.Config{URL: c.URLExcept(node)})
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			isolated, err := eventlog.Open(ctx, eventlog.Config{URL: c.NodeURL(node)})
			if err != nil {
				t.Fatal(err)
			}
			defer isolated.Close()
			c.Cut(node)
			cut := time.Now()
			c.LeaderExcept(node, events.LicensesStream)
			job++
			last, err := log.AppendFact(ctx, job, events.StartedSubject(job), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := log.AppendRows(ctx, job, 0, [][]byte{nil, nil}); err != nil {
				t.Fatal(err)
			}
			config := eventlog.Config{URL: c.NodeURL(node), Claims: []eventlog.Claim{{Source: "the views", Last: last}}}
			for time.Since(cut) < 12*time.Second { // from the tenth on, a replica without a leader answers, too
				within, end := context.WithTimeout(ctx, 2*time.Second)
				if _, err := eventlog.Open(within, config); within.Err() == nil {
					t.Errorf("after %v: %v", time.Since(cut).Round(time.Second), err)
				}
				if err := isolated.ConfirmMissing(within, job, 2); err == nil {
					t.Errorf("after %v rows are missing that are stored", time.Since(cut).Round(time.Second))
				}
				if _, err := isolated.Rows(within, job, 0); err == nil {
					t.Errorf("after %v rows are read from it", time.Since(cut).Round(time.Second))
				}
				end()
			}
			c.Heal(node)
			healed, err := eventlog.Open(ctx, config)
			if err != nil {
				t.Fatal(err)
			}
			defer healed.Close()
			if state := stateOf(t, healed); state.Last != last {
				t.Errorf("the stream ends at %d, want %d", state.Last, last)
			}
			c.WaitForReplicas() // ROWS may still elect a leader
			asked := time.Now()
			two, three := healed.ConfirmMissing(ctx, job, 2), healed.ConfirmMissing(ctx, job, 3)
			if took := time.Since(asked); took > 4500*time.Millisecond {
				t.Errorf("the leader was asked for %v whether rows are missing that it has", took)
			}
			if rows := len(readRows(t, healed, job, 0)); rows != 2 || two == nil || three != nil {
				t.Errorf("%d rows; of two is missing: %v; of three: %v", rows, two, three)
			}
		})
	}
}

// TestProcessesTakeTurns: of all processes on a cluster one at a time has the turn at a stream, also when one is killed that
// has it, and when the node is that knows who has it.
func TestProcessesTakeTurns(t *testing.T) {
	t.Parallel()
	c := eventlogtest.StartCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	one, two := openReplicas(ctx, t, c, 3), openReplicas(ctx, t, c, 3)
	if _, err := one.AppendRows(ctx, 1, 0, [][]byte{nil, nil}); err != nil {
		t.Errorf("the first rows: %v", err) // which come before the first event
	}
	if _, err := one.AppendFact(ctx, 1, events.StartedSubject(1), nil, 0); err != nil {
		t.Fatal(err)
	}
	take := func(log *eventlog.Log, stream string) func() {
		t.Helper()
		for {
			release, err := log.TakeTurn(ctx, stream)
			if err == nil {
				return release
			}
			if !errors.Is(err, eventlog.ErrNoTurn) { // after that a writer tries again, too
				t.Fatal(err)
			}
		}
	}
	release := take(one, events.RowsStream)
	take(two, events.LicensesStream)() // that of another stream
	within, end := context.WithTimeout(ctx, time.Second)
	defer end()
	if _, err := two.TakeTurn(within, events.RowsStream); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another process has it: %v", err)
	}
	release()

	var has, most atomic.Int32
	var users sync.WaitGroup
	for i := range 8 {
		users.Go(func() {
			for range 25 {
				release, err := []*eventlog.Log{one, two}[i%2].TakeTurn(ctx, events.RowsStream)
				if err != nil {
					t.Error(err)
					return
				}
				most.Store(max(most.Load(), has.Add(1)))
				time.Sleep(time.Millisecond)
				has.Add(-1)
				release()
			}
		})
	}
	users.Wait()
	if most.Load() != 1 {
		t.Errorf("%d have the turn at once", most.Load())
	}

	for node := range eventlogtest.Nodes { // one of them has it in its memory
		c.WaitForReplicas()
		c.Kill(node)
		began := time.Now()
		take(two, events.RowsStream)()
		t.Logf("taken %v after node %d was killed", time.Since(began).Round(time.Millisecond), node)
		c.Start(node)
	}
	c.WaitForReplicas()
	// A node that starts has its old consumer until it hears of the new one.
	c.WaitForConsumer("turn_" + events.RowsStream)

	gone := openReplicas(ctx, t, c, 3)
	take(gone, events.RowsStream)
	gone.Close() // and does not give it back
	began := time.Now()
	take(one, events.RowsStream)()
	t.Logf("free %v after its owner was gone", time.Since(began).Round(time.Millisecond))

	late := take(one, events.RowsStream)
	release = take(two, events.RowsStream) // when the lease of the other one has ended
	late()
	third := openReplicas(ctx, t, c, 3)
	within, end = context.WithTimeout(ctx, time.Second)
	defer end()
	if _, err := third.TakeTurn(within, events.RowsStream); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after somebody else's late release: %v", err)
	}
	release()
}
