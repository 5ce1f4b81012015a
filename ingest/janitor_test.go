package ingest

import (
	"context"
	"errors"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/importjob"
)

// begin stores what an upload leaves whose process is killed.
func (h *harness) begin(job events.JobID, rows events.Row, started bool) {
	h.Helper()
	var bodies [][]byte
	for i := range rows {
		body, err := events.Encode(&events.RowReceived{JobID: job, Row: i + 1, Line: uint64(i) + 2}, time.Now())
		if err != nil {
			h.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	if _, err := h.log.AppendRows(h.Context(), job, 0, bodies); err != nil {
		h.Fatal(err)
	}
	if started {
		h.append(&events.ImportStarted{JobID: job, Mode: events.Partial}, 0)
	}
}

func (h *harness) append(fact events.Event, expect events.Seq) events.Seq {
	h.Helper()
	body, err := events.Encode(fact, time.Now())
	if err != nil {
		h.Fatal(err)
	}
	seq, err := h.log.AppendFact(h.Context(), fact.Job(), fact.Subject(), body, expect)
	if err != nil {
		h.Fatal(err)
	}
	return seq
}

// jobsWithRows is the number of jobs that have rows.
func (h *harness) jobsWithRows() int {
	h.Helper()
	jobs, err := h.log.RowJobs(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	return len(jobs)
}

// sweepAt sweeps with the clock advanced.
func sweepAt(t *testing.T, j *janitor, later time.Duration) {
	t.Helper()
	if err := j.sweep(t.Context(), time.Now().Add(later)); err != nil {
		t.Fatal(err)
	}
}

func newJanitor(h *harness) *janitor {
	return &janitor{in: h.in, jobs: map[events.JobID]*observation{}}
}

func TestJanitorEndsAbandonedUploads(t *testing.T) {
	h := newHarness(t, Config{})
	h.begin(1, 3, true)
	h.begin(2, 2, false)
	h.begin(3, 1, true)
	sealedAt := h.append(&events.ImportSealed{JobID: 3, Rows: 1}, h.state(3).Last.Seq)
	j := newJanitor(h)
	sweepAt(t, j, 0)
	sweepAt(t, j, 2*time.Minute-time.Second)
	if h.state(1).Ended() || h.state(2).Ended() {
		t.Fatal("two minutes have not passed")
	}
	sweepAt(t, j, 2*time.Minute+time.Second)
	if aborted := h.aborted(1); aborted.Code != "upload_abandoned" || aborted.Rows != 3 {
		t.Errorf("%+v", aborted)
	}
	if aborted := h.aborted(2); aborted.Rows != 2 {
		t.Errorf("orphan: %+v", aborted)
	}
	if h.state(3).Last.Seq != sealedAt {
		t.Errorf("a sealed job was touched: %+v", h.state(3).Last.Event)
	}
	sweepAt(t, j, 2*time.Minute+2*time.Second)
	if len(h.rows(2)) != 0 || len(h.rows(1)) != 3 {
		t.Error("an orphan's rows go at once, those of a job that started stay")
	}
}

func TestJanitorSeesThatRowsCome(t *testing.T) {
	h := newHarness(t, Config{})
	h.begin(1, 3, true)
	j := newJanitor(h)
	sweepAt(t, j, 0)
	last, _, err := h.log.LastRow(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	body, err := events.Encode(&events.RowReceived{JobID: 1, Row: 4}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.log.AppendRows(t.Context(), 1, last.Seq, [][]byte{body}); err != nil {
		t.Fatal(err)
	}
	sweepAt(t, j, 3*time.Minute)
	if h.state(1).Ended() {
		t.Fatal("a live upload was ended")
	}
	sweepAt(t, j, 6*time.Minute)
	if aborted := h.aborted(1); aborted.Rows != 4 {
		t.Errorf("%+v", aborted)
	}
}

func TestJanitorPurges(t *testing.T) {
	h := newHarness(t, Config{})
	h.begin(1, 3, true)
	h.begin(2, 3, true)
	h.append(&events.ImportSealed{JobID: 1, Rows: 3}, h.state(1).Last.Seq)
	h.append(&events.ImportFinished{JobID: 1, Status: events.Success}, h.state(1).Last.Seq)
	j := newJanitor(h)
	sweepAt(t, j, 0)
	sweepAt(t, j, 7*24*time.Hour-time.Minute)
	if len(h.rows(1)) != 3 {
		t.Fatal("seven days have not passed")
	}
	sweepAt(t, j, 7*24*time.Hour+time.Minute)
	if len(h.rows(1)) != 0 {
		t.Error("the rows are still there")
	}
	sweepAt(t, j, 15*24*time.Hour)
	sweepAt(t, j, 15*24*time.Hour)
	if n := h.jobsWithRows(); n != 0 || len(j.jobs) != 0 {
		t.Errorf("%d jobs have rows; the janitor remembers %d", n, len(j.jobs))
	}
}

// TestUploadThatTheJanitorEnded: an upload that a janitor has aborted is interrupted and answered
// 409.
func TestUploadThatTheJanitorEnded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{WatchEvery: 5 * time.Millisecond})
	body := string(form("a.csv", csvOf(5)))
	u := h.dial(len(body), "")
	u.write(body[:len(body)-30])
	h.eventually("the job starts", func() bool { return h.state(1).Started != nil })
	j := newJanitor(h)
	sweepAt(t, j, 0)
	sweepAt(t, j, 3*time.Minute)
	if a := u.answer(); a.status != 409 || a.body.Code != "aborted" || a.body.JobID != 1 {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestRunJanitor(t *testing.T) {
	h := newHarness(t, Config{SweepEvery: time.Millisecond, Abandoned: 10 * time.Millisecond})
	h.begin(1, 1, true)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.in.RunJanitor(ctx) }()
	h.eventually("the upload is ended", func() bool { return h.state(1).Ended() })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestJanitorStopsAtAnUnknownEvent: an event that cannot be read is not skipped.
func TestJanitorStopsAtAnUnknownEvent(t *testing.T) {
	h := newHarness(t, Config{SweepEvery: time.Millisecond})
	h.begin(1, 1, true)
	body := []byte(`{"specversion":"1.0","id":"1/x","source":"licenseimport","type":"ImportPaused","data":{}}`)
	if _, err := h.log.AppendFact(t.Context(), 1, "imports.1.paused", body, h.state(1).Last.Seq); err != nil {
		t.Fatal(err)
	}
	if err := h.in.RunJanitor(t.Context()); err == nil {
		t.Error("no word of it")
	}
	if a := h.cancel(1, ""); a.status != 500 {
		t.Errorf("cancel: %d %s", a.status, a.text)
	}
}

// TestImpossibleHistory: an import that ended without a seal is neither changed nor cleaned up.
func TestImpossibleHistory(t *testing.T) {
	h := newHarness(t, Config{SweepEvery: time.Millisecond})
	h.begin(1, 1, true)
	h.append(&events.ImportFinished{JobID: 1, Status: events.Success}, h.state(1).Last.Seq)
	err := h.in.RunJanitor(t.Context())
	if impossible, ok := errors.AsType[*importjob.TransitionError](err); !ok || impossible.Job != 1 || impossible.Event != "ImportFinished" {
		t.Errorf("the janitor: %v", err)
	}
	if a := h.cancel(1, ""); a.status != 500 {
		t.Errorf("cancel: %d %s", a.status, a.text)
	}
	if len(h.rows(1)) != 1 {
		t.Error("its rows are gone")
	}
}
