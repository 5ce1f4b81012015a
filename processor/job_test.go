package processor

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// TestImpossibleLastFact: a job whose last fact is unknown, or cannot follow its seal, stops its
// processor. The job is not acknowledged: the next processor gets it again.
func TestImpossibleLastFact(t *testing.T) {
	t.Parallel()
	event := func(id, name, data string) string {
		return `{"specversion":"1.0","source":"licenseimport","id":"` + id + `","type":"` + name + `","data":` + data + `}`
	}
	for name, tt := range map[string]struct{ subject, body, err string }{
		"unknown": {"imports.1.paused",
			event("1/paused", "ImportPaused", `{"job_id":1}`), "ImportPaused"},
		"aborted after its seal": {"imports.1.aborted",
			event("1/aborted", "ImportAborted", `{"job_id":1}`), "ImportAborted"},
		"started after its seal": {"imports.1.started",
			event("1/started", "ImportStarted", `{"job_id":1}`), "ImportStarted"},
		"an outcome": {"imports.1.rejected",
			event("1/1", "RowRejected", `{"job_id":1,"row":1}`), "RowRejected"},
		"another job's": {"imports.1.finished",
			event("2/finished", "ImportFinished", `{"job_id":2}`), "ImportFinished"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(2, "K"), 2)
			last, _, err := h.log.LastFact(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			seq, err := h.log.AppendFact(t.Context(), 1, tt.subject, []byte(tt.body), last.Seq)
			if err != nil {
				t.Fatal(err)
			}
			if err := h.runUntilStuck(); !strings.Contains(err.Error(), tt.err) {
				t.Errorf("the processor is not ready: %v, want an error about %s", err, tt.err)
			}
			if last, _, err = h.log.LastFact(t.Context(), 1); err != nil || last.Seq != seq {
				t.Errorf("the last fact is %d, %v; want %d", last.Seq, err, seq)
			}
			if job := h.leasedJob(); job != 1 {
				t.Errorf("the next processor got job %d, want 1", job)
			}
		})
	}
}

// runUntilStuck lets a processor work until it is not ready, and returns why.
func (h *harness) runUntilStuck() error {
	h.Helper()
	ctx, cancel := context.WithCancel(h.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = h.p.Run(ctx) })
	defer running.Wait()
	defer cancel()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if err := h.p.Ready(); err != nil {
			return err
		}
		time.Sleep(2 * time.Millisecond) // between two looks, not for luck
	}
	h.Fatal("the processor is still ready")
	return nil
}

// leasedJob is the job that a processor is given next.
func (h *harness) leasedJob() (job events.JobID) {
	ctx, cancel := context.WithTimeout(h.Context(), 20*time.Second)
	defer cancel()
	_ = h.log.LeaseJobs(ctx, 1, nil, func(ctx context.Context, m eventlog.Message) error {
		job, _, _ = events.ParseWorkSubject(m.Subject)
		cancel()
		return ctx.Err()
	})
	return job
}
