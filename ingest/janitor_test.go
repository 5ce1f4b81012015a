package ingest

import (
	"context"
	"errors"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/importjob"
)

// begin stores what an upload had stored when its process was killed.
func (r *harness) begin(job events.JobID, rows events.Row, started bool) {
	r.Helper()
	var bodies [][]byte
	for i := range rows {
		body, err := events.Encode(&events.RowReceived{JobID: job, Row: i + 1, Line: uint64(i) + 2}, time.Now())
		if err != nil {
			r.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	if _, err := r.log.AppendRows(r.Context(), job, 0, bodies); err != nil {
		r.Fatal(err)
	}
	if started {
		r.append(&events.ImportStarted{JobID: job, Mode: events.Partial}, 0)
	}
}

func (r *harness) append(fact events.Event, expect events.Seq) events.Seq {
	r.Helper()
	body, err := events.Encode(fact, time.Now())
	if err != nil {
		r.Fatal(err)
	}
	seq, err := r.log.AppendFact(r.Context(), fact.Job(), fact.Subject(), body, expect)
	if err != nil {
		r.Fatal(err)
	}
	return seq
}

// jobsWithRows is how many jobs have rows.
func (r *harness) jobsWithRows() int {
	r.Helper()
	jobs, err := r.log.RowJobs(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return len(jobs)
}

// sweepAt sweeps as if it were later.
func sweepAt(t *testing.T, j *janitor, later time.Duration) {
	t.Helper()
	if err := j.sweep(t.Context(), time.Now().Add(later)); err != nil {
		t.Fatal(err)
	}
}

func newJanitor(r *harness) *janitor {
	return &janitor{in: r.in, jobs: map[events.JobID]*observation{}}
}

func TestJanitorEndsAbandonedUploads(t *testing.T) {
	r := newHarness(t, Config{})
	r.begin(1, 3, true)
	r.begin(2, 2, false)
	r.begin(3, 1, true)
	sealedAt := r.append(&events.ImportSealed{JobID: 3, Rows: 1}, r.state(3).Last.Seq)
	j := newJanitor(r)
	sweepAt(t, j, 0)
	sweepAt(t, j, 2*time.Minute-time.Second)
	if r.state(1).Ended() || r.state(2).Ended() {
		t.Fatal("two minutes have not passed")
	}
	sweepAt(t, j, 2*time.Minute+time.Second)
	if aborted := r.aborted(1); aborted.Code != "upload_abandoned" || aborted.Rows != 3 {
		t.Errorf("%+v", aborted)
	}
	if aborted := r.aborted(2); aborted.Rows != 2 {
		t.Errorf("orphan: %+v", aborted)
	}
	if r.state(3).Last.Seq != sealedAt {
		t.Errorf("a sealed job was touched: %+v", r.state(3).Last.Event)
	}
	sweepAt(t, j, 2*time.Minute+2*time.Second)
	if len(r.rows(2)) != 0 || len(r.rows(1)) != 3 {
		t.Error("an orphan's rows go at once, those of a job that started stay")
	}
}

func TestJanitorSeesThatRowsCome(t *testing.T) {
	r := newHarness(t, Config{})
	r.begin(1, 3, true)
	j := newJanitor(r)
	sweepAt(t, j, 0)
	last, _, err := r.log.LastRow(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	body, err := events.Encode(&events.RowReceived{JobID: 1, Row: 4}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.log.AppendRows(t.Context(), 1, last.Seq, [][]byte{body}); err != nil {
		t.Fatal(err)
	}
	sweepAt(t, j, 3*time.Minute)
	if r.state(1).Ended() {
		t.Fatal("a live upload was ended")
	}
	sweepAt(t, j, 6*time.Minute)
	if aborted := r.aborted(1); aborted.Rows != 4 {
		t.Errorf("%+v", aborted)
	}
}

func TestJanitorPurges(t *testing.T) {
	r := newHarness(t, Config{})
	r.begin(1, 3, true)
	r.begin(2, 3, true)
	r.append(&events.ImportSealed{JobID: 1, Rows: 3}, r.state(1).Last.Seq)
	r.append(&events.ImportFinished{JobID: 1, Status: events.Success}, r.state(1).Last.Seq)
	j := newJanitor(r)
	sweepAt(t, j, 0)
	sweepAt(t, j, 7*24*time.Hour-time.Minute)
	if len(r.rows(1)) != 3 {
		t.Fatal("seven days have not passed")
	}
	sweepAt(t, j, 7*24*time.Hour+time.Minute)
	if len(r.rows(1)) != 0 {
		t.Error("the rows are still there")
	}
	sweepAt(t, j, 15*24*time.Hour)
	sweepAt(t, j, 15*24*time.Hour)
	if n := r.jobsWithRows(); n != 0 || len(j.jobs) != 0 {
		t.Errorf("%d jobs have rows; the janitor remembers %d", n, len(j.jobs))
	}
}

// TestUploadThatTheJanitorEnded: a process that was away for long learns that its upload is over.
func TestUploadThatTheJanitorEnded(t *testing.T) {
	t.Parallel()
	r := newHarness(t, Config{WatchEvery: 5 * time.Millisecond})
	body := string(form("a.csv", csvOf(5)))
	u := r.dial(len(body), "")
	u.write(body[:len(body)-30])
	r.eventually("the job starts", func() bool { return r.state(1).Started != nil })
	j := newJanitor(r)
	sweepAt(t, j, 0)
	sweepAt(t, j, 3*time.Minute)
	if a := u.answer(); a.status != 409 || a.body.Code != "aborted" || a.body.JobID != 1 {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestRunJanitor(t *testing.T) {
	r := newHarness(t, Config{SweepEvery: time.Millisecond, Abandoned: 10 * time.Millisecond})
	r.begin(1, 1, true)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.in.RunJanitor(ctx) }()
	r.eventually("the upload is ended", func() bool { return r.state(1).Ended() })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestJanitorStopsAtAnUnknownEvent: what cannot be read is never skipped.
func TestJanitorStopsAtAnUnknownEvent(t *testing.T) {
	r := newHarness(t, Config{SweepEvery: time.Millisecond})
	r.begin(1, 1, true)
	body := []byte(`{"specversion":"1.0","id":"1/x","source":"licenseimport","type":"ImportPaused","data":{}}`)
	if _, err := r.log.AppendFact(t.Context(), 1, "imports.1.paused", body, r.state(1).Last.Seq); err != nil {
		t.Fatal(err)
	}
	if err := r.in.RunJanitor(t.Context()); err == nil {
		t.Error("no word of it")
	}
	if a := r.cancel(1, ""); a.status != 500 {
		t.Errorf("cancel: %d %s", a.status, a.text)
	}
}

// TestImpossibleHistory: an import that ended without a seal is neither changed nor cleaned up.
func TestImpossibleHistory(t *testing.T) {
	r := newHarness(t, Config{SweepEvery: time.Millisecond})
	r.begin(1, 1, true)
	r.append(&events.ImportFinished{JobID: 1, Status: events.Success}, r.state(1).Last.Seq)
	err := r.in.RunJanitor(t.Context())
	if impossible, ok := errors.AsType[*importjob.TransitionError](err); !ok || impossible.Job != 1 || impossible.Event != "ImportFinished" {
		t.Errorf("the janitor: %v", err)
	}
	if a := r.cancel(1, ""); a.status != 500 {
		t.Errorf("cancel: %d %s", a.status, a.text)
	}
	if len(r.rows(1)) != 1 {
		t.Error("its rows are gone")
	}
}
