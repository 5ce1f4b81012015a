package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/internal/freeport"
)

func TestFollow(t *testing.T) { eachMode(t, testFollow) }

func testFollow(t *testing.T, log *eventlog.Log) {
	started := appendFact(t, log, 7, events.StartedSubject(7), 0)
	batch := log.NewBatch(7)
	addLicenses(t, batch, 0, 3)
	progressed := mustCommit(t, batch, started)
	next := log.NewBatch(7)
	addLicenses(t, next, 3, 4)
	for _, test := range []struct {
		name   string
		after  events.Seq
		filter []string
		want   []events.Seq
	}{
		{"all", 0, nil, []events.Seq{1, 2, 3, 4, 5, 6, 7}},
		{"after a position", 3, nil, []events.Seq{4, 5, 6, 7}},
		{"licenses only", 0, []string{events.LicensesFilter}, []events.Seq{2, 3, 4, 6}},
		{"two filters", 2, []string{"imports.*.*", license(2)}, []events.Seq{4, 5, 7}},
		{"at the end", 5, nil, []events.Seq{6, 7}},
		{"past the end", 6, nil, []events.Seq{7}},
	} {
		t.Run(test.name, func(t *testing.T) {
			commit := sync.OnceFunc(func() { mustCommit(t, next, progressed) })
			if test.name != "all" {
				commit = func() {}
			}
			got := follow(t, log, test.after, test.filter, func(m eventlog.Message) bool {
				if m.Pending == 0 {
					commit() // the last two messages arrive while Follow waits
				}
				return m.Seq == test.want[len(test.want)-1]
			})
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestFollowSurvivesRestarts(t *testing.T) {
	t.Parallel()
	config := eventlog.ServerConfig{Dir: t.TempDir(), Port: freeport.Port()}
	server := eventlogtest.StartServerOn(t, config)
	log, err := eventlog.Open(t.Context(), eventlog.Config{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	const total = 60
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var follower sync.WaitGroup
	var seen []events.Seq
	follower.Go(func() {
		err := log.Follow(ctx, 0, nil, func(m eventlog.Message) error {
			seen = append(seen, m.Seq)
			if m.Seq == total {
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			t.Error(err)
		}
	})
	last := events.Seq(0)
	for i := range total {
		if i == 20 || i == 40 {
			server.Shutdown()
			server = eventlogtest.StartServerOn(t, config)
		}
		if last, err = log.AppendFact(ctx, 7, fmt.Sprintf("imports.7.fact%d", i), nil, last); err != nil {
			t.Fatal(err)
		}
	}
	follower.Wait()
	if len(seen) != total || !slices.IsSorted(seen) || seen[0] != 1 {
		t.Errorf("seen %v", seen)
	}
}

func TestFollowLeaksNothing(t *testing.T) { // not parallel: it counts goroutines
	log := eventlogtest.Start(t)
	appendFact(t, log, 7, events.StartedSubject(7), 0)
	before := runtime.NumGoroutine()
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		err := log.Follow(ctx, 0, nil, func(eventlog.Message) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	waitFor(t, "the readers' goroutines to end", func() bool { return runtime.NumGoroutine() <= before+2 })
}

func TestLeaseIsRedeliveredAfterAnError(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	appendFact(t, log, 7, events.StartedSubject(7), 0)
	appendFact(t, log, 7, events.SealedSubject(7), 1)
	calls := 0
	err := log.LeaseJobs(t.Context(), 1, nil, func(_ context.Context, m eventlog.Message) error {
		if m.Seq != 2 || m.Subject != "imports.7.sealed" || string(m.Data) != m.Subject {
			t.Errorf("leased %+v", m)
		}
		if calls++; calls == 3 {
			return fmt.Errorf("%w: enough", eventlog.ErrStop)
		}
		return errors.New("the first two fail")
	})
	if !errors.Is(err, eventlog.ErrStop) || calls != 3 {
		t.Fatalf("%d calls, %v", calls, err)
	}
}

func TestLeasesAreShared(t *testing.T) {
	t.Parallel()
	server := eventlogtest.StartServer(t)
	log := eventlogtest.Open(t, server)
	const jobs = 40
	for job := range events.JobID(jobs) {
		appendFact(t, log, job+1, events.SealedSubject(job+1), 0)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var mu sync.Mutex
	done := map[string]int{}
	busy := map[int]bool{}
	both := make(chan struct{}) // closed once each processor has a job
	meet := sync.OnceFunc(func() { close(both) })
	var processors sync.WaitGroup
	for id := range 2 {
		processors.Go(func() {
			err := eventlogtest.Open(t, server).LeaseJobs(ctx, 2, nil, func(_ context.Context, m eventlog.Message) error {
				mu.Lock()
				if busy[id] = true; len(busy) == 2 {
					meet()
				}
				mu.Unlock()
				// A busy processor leaves the jobs beyond its concurrency to the other one.
				select {
				case <-both:
				case <-ctx.Done():
					return ctx.Err()
				}
				mu.Lock()
				defer mu.Unlock()
				done[m.Subject]++
				if len(done) == jobs {
					cancel()
				}
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	processors.Wait()
	if len(done) != jobs {
		t.Errorf("%d of %d jobs done, by %d processors", len(done), jobs, len(busy))
	}
}

func TestLeasesAreReleasedAtTheEnd(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	appendFact(t, log, 7, events.SealedSubject(7), 0)
	ctx, cancel := context.WithCancel(t.Context())
	err := log.LeaseJobs(ctx, 1, nil, func(ctx context.Context, _ eventlog.Message) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	begin := time.Now()
	err = log.LeaseJobs(t.Context(), 1, nil, func(context.Context, eventlog.Message) error { return eventlog.ErrStop })
	if !errors.Is(err, eventlog.ErrStop) || time.Since(begin) > 2*time.Second {
		t.Fatalf("redelivered after %v: %v", time.Since(begin), err)
	}
}

var errEnough = errors.New("enough")

// follow collects the sequences up to the message for which last is true.
func follow(t *testing.T, log *eventlog.Log, after events.Seq, filter []string, last func(eventlog.Message) bool) (seqs []events.Seq) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err := log.Follow(ctx, after, filter, func(m eventlog.Message) error {
		seqs = append(seqs, m.Seq)
		if last(m) {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Fatalf("followed %v, then %v", seqs, err)
	}
	return seqs
}

func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for " + what)
		}
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
}

// leaseHarness runs LeaseJobs whose work blocks until the test releases the job. The owner of job
// n00 to n99 is n.
type leaseHarness struct {
	*testing.T
	mu      sync.Mutex
	busy    map[events.JobID]chan struct{}
	started []events.JobID
}

func (h *leaseHarness) work(ctx context.Context, m eventlog.Message) error {
	job, _, err := events.ParseWorkSubject(m.Subject)
	if err != nil {
		return err
	}
	release := make(chan struct{})
	h.mu.Lock()
	h.busy[job] = release
	h.started = append(h.started, job)
	h.mu.Unlock()
	select {
	case <-release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func ownerOf(_ context.Context, m eventlog.Message) string {
	job, _, _ := events.ParseWorkSubject(m.Subject)
	return (job / 100).String()
}

// release ends the work on a job.
func (h *leaseHarness) release(job events.JobID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.busy[job])
	delete(h.busy, job)
}

// inWork waits until just these jobs are in work.
func (h *leaseHarness) inWork(want ...events.JobID) {
	h.Helper()
	waitFor(h.T, fmt.Sprint("work on ", want), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return slices.Equal(slices.Sorted(maps.Keys(h.busy)), want)
	})
}

// TestOneOwnerLeavesPlacesForOthers: the job of another owner begins although one owner's jobs have
// all places and many more of them wait. It takes no place that the others have, and no job fails or
// is lost by being passed over.
func TestOneOwnerLeavesPlacesForOthers(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	for job := events.JobID(100); job < 190; job++ {
		appendFact(t, log, job, events.SealedSubject(job), 0)
	}
	appendFact(t, log, 200, events.SealedSubject(200), 0)
	h := &leaseHarness{T: t, busy: map[events.JobID]chan struct{}{}}
	ctx, cancel := context.WithCancel(t.Context())
	var leasing sync.WaitGroup
	leasing.Go(func() { _ = log.LeaseJobs(ctx, 2, ownerOf, h.work) })
	defer leasing.Wait()
	defer cancel()
	h.inWork(100, 101, 200)
	appendFact(t, log, 201, events.SealedSubject(201), 0) // both owners have their half
	appendFact(t, log, 300, events.SealedSubject(300), 0)
	h.release(200)
	h.inWork(100, 101, 201)
	h.release(201)
	h.inWork(100, 101, 300)
	h.release(300)
	for job := events.JobID(100); job < 189; job++ { // the first owner's jobs go on, in their order
		h.release(job)
		if job < 188 {
			h.inWork(job+1, job+2)
		}
	}
	h.inWork(189)
	h.release(189)
	if len(h.started) != 93 {
		t.Errorf("%d jobs were in work: %v", len(h.started), h.started)
	}
}

// TestFreeProcessTakesWhatAFullOnePasses: a process whose places are taken leaves the jobs of the
// same owner to a process with a free place.
func TestFreeProcessTakesWhatAFullOnePasses(t *testing.T) {
	t.Parallel()
	server := eventlogtest.StartServer(t)
	full, free := eventlogtest.Open(t, server), eventlogtest.Open(t, server)
	for job := events.JobID(100); job < 106; job++ {
		appendFact(t, full, job, events.SealedSubject(job), 0)
	}
	h := &leaseHarness{T: t, busy: map[events.JobID]chan struct{}{}}
	ctx, cancel := context.WithCancel(t.Context())
	var leasing sync.WaitGroup
	defer leasing.Wait()
	defer cancel()
	leasing.Go(func() { _ = full.LeaseJobs(ctx, 2, ownerOf, h.work) })
	h.inWork(100, 101)
	leasing.Go(func() { _ = free.LeaseJobs(ctx, 4, ownerOf, h.work) })
	h.inWork(100, 101, 102, 103, 104, 105)
}
