package ingest

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/events/importjob"
)

// begin stores what an upload leaves whose process is killed.
func (h *harness) begin(job events.JobID, rows events.Row, started bool) {
	h.Helper()
	h.storeRows(job, 0, rows)
	if started {
		h.append(&events.ImportStarted{JobID: job, Mode: events.Partial}, 0)
	}
}

// storeRows stores rows of a job, the last of which so far has the sequence last.
func (h *harness) storeRows(job events.JobID, last events.Seq, rows events.Row) {
	h.Helper()
	var bodies [][]byte
	for i := range rows {
		body, err := events.Encode(&events.RowReceived{JobID: job, Row: i + 1, Line: uint64(i) + 2}, time.Now())
		if err != nil {
			h.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	if _, err := h.log.AppendRows(h.Context(), job, last, bodies); err != nil {
		h.Fatal(err)
	}
}

// lastJob is the last job id that was drawn.
func (h *harness) lastJob() events.Seq {
	h.Helper()
	state, err := h.log.StreamState(h.Context(), eventlog.BucketStream(eventlog.Jobs))
	if err != nil {
		h.Fatal(err)
	}
	return state.Last
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
	return &janitor{in: h.in}
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
	if len(h.rows(1)) != 0 || len(h.rows(2)) != 0 || len(h.rows(3)) != 1 {
		t.Error("the rows of what was not sealed go at once, those of a sealed job stay")
	}
}

// TestOneMissingResponseIsNoAbandon: sweeps that follow each other late do not end an upload that was silent once.
func TestOneMissingResponseIsNoAbandon(t *testing.T) {
	h := newHarness(t, Config{})
	h.begin(1, 3, true)
	j := newJanitor(h)
	sweepAt(t, j, 0)
	sweepAt(t, j, 10*time.Minute)
	if h.state(1).Ended() {
		t.Error("aborted after one visit without a response")
	}
	sweepAt(t, j, 11*time.Minute)
	if aborted := h.aborted(1); aborted.Code != "upload_abandoned" {
		t.Errorf("%+v", aborted)
	}
}

// TestRowsOfUnsealedUploadsArePurged: at once, by the upload that fails or is cancelled. If its
// process died before the purge, the next sweep purges. Each later sweep purges what a batch in
// flight has stored after the purge.
func TestRowsOfUnsealedUploadsArePurged(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{WatchEvery: 5 * time.Millisecond})
	body := string(form("a.csv", csvOf(5)))
	begin := func() (*rawUpload, events.JobID) {
		u, next := h.dial(len(body), ""), events.JobID(h.lastJob()+1)
		u.write(body[:len(body)-30])
		h.eventually("the job starts", func() bool { return h.state(next).Started != nil })
		return u, next
	}
	u, broken := begin()
	if a := u.hangUp(); a.status != 400 || len(h.rows(broken)) != 0 {
		t.Errorf("cut off: %d %s; %d rows are stored", a.status, a.text, len(h.rows(broken)))
	}
	u, cancelled := begin()
	if a := h.cancel(cancelled, ""); a.status != 202 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if a := u.answer(); a.status != 409 || a.body.Code != "cancelled" || len(h.rows(cancelled)) != 0 {
		t.Errorf("cancelled: %d %s; %d rows are stored", a.status, a.text, len(h.rows(cancelled)))
	}
	h.begin(101, 3, true) // the process dies between the abort and the purge
	h.append(&events.ImportAborted{JobID: 101, Code: "timeout"}, h.state(101).Last.Seq)
	h.begin(102, 3, true)
	h.append(&events.ImportCancelled{JobID: 102, Manager: "ada"}, h.state(102).Last.Seq)
	h.begin(103, 3, true)
	h.append(&events.ImportSealed{JobID: 103, Rows: 3}, h.state(103).Last.Seq)
	h.append(&events.ImportCancelled{JobID: 103, Manager: "ada"}, h.state(103).Last.Seq)
	j := newJanitor(h)
	for sweep := range 3 {
		sweepAt(t, j, time.Duration(sweep)*time.Second)
		if len(h.rows(101)) != 0 || len(h.rows(102)) != 0 || len(h.rows(103)) != 3 {
			t.Fatalf("sweep %d: %d, %d and %d rows are stored", sweep, len(h.rows(101)), len(h.rows(102)), len(h.rows(103)))
		}
		h.storeRows(101, 0, 1) // a batch that was in flight
	}
}

// TestUploadWhoseRowsArePurgedIsAnsweredWhy: the purge may come before the upload notices that it
// was cancelled. The stream then refuses its next batch.
func TestUploadWhoseRowsArePurgedIsAnsweredWhy(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{WatchEvery: time.Hour, FlushAfter: time.Millisecond})
	body := string(form("a.csv", csvOf(5)))
	u, half := h.dial(len(body), ""), strings.Index(body, "key-4")
	u.write(body[:half])
	h.eventually("the job starts", func() bool { return h.state(1).Started != nil })
	h.begin(7, 1, true) // the next batch cannot be stored by the sequence of the whole stream
	if a := h.cancel(1, ""); a.status != 202 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	sweepAt(t, newJanitor(h), 0)
	u.write(body[half:])
	if a := u.answer(); a.status != 409 || a.body.Code != "cancelled" || a.body.JobID != 1 {
		t.Errorf("%d %s", a.status, a.text)
	}
	if n := len(h.rows(1)); n != 0 {
		t.Errorf("%d rows are stored", n)
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
	sweepAt(t, j, 4*time.Minute)
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

// TestJanitorReadsNoOldFacts: to read a fact of an old import the server reads the block of the stream that has it, and
// holds that in memory. With many small imports beside a large one these would be all blocks. So the janitor reads no
// facts of the imports that finish while it runs, and when it starts, those of a few at each sweep.
func TestJanitorReadsNoOldFacts(t *testing.T) {
	const jobs = 2*maxFinished + 5
	url := eventlogtest.StartExternalServer(t)
	h := newHarnessOn(t, eventlogtest.OpenURL(t, url), Config{})
	finish := func(job events.JobID) {
		h.append(&events.ImportSealed{JobID: job, Rows: 1}, h.state(job).Last.Seq)
		h.append(&events.ImportFinished{JobID: job, Status: events.Success}, h.state(job).Last.Seq)
	}
	watching := newJanitor(h)
	sweepAt(t, watching, 0)
	for job := range events.JobID(jobs) {
		h.begin(job+1, 1, true)
		if job%2 == 0 { // the others are open for one sweep
			finish(job + 1)
		}
	}
	sweepAt(t, watching, 0)
	for job := range events.JobID(jobs) {
		if job%2 == 1 {
			finish(job + 1)
		}
	}
	reads := eventlogtest.WatchRequests(t, url, "$JS.API.STREAM.MSG.GET.LICENSES")
	sweep := func(j *janitor, later time.Duration, imports int) {
		t.Helper()
		sweepAt(t, j, later)
		h.state(999)
		if n := reads.Until("imports.999."); n != 3*imports { // the start, the seal and the end of each
			t.Errorf("%d facts are read, not those of %d imports", n, imports)
		}
	}
	sweep(watching, time.Minute, 0)
	started := newJanitor(h)
	for _, imports := range []int{maxFinished, maxFinished, 5, 0} {
		sweep(started, time.Minute, imports)
	}
	for _, j := range []*janitor{watching, started} {
		sweep(j, 7*24*time.Hour-time.Minute, 0)
	}
	if n := h.jobsWithRows(); n != jobs {
		t.Fatalf("%d imports have rows: seven days have not passed", n)
	}
	for _, imports := range []int{maxFinished, maxFinished, 5, 0} {
		sweep(watching, 7*24*time.Hour+time.Minute, imports)
	}
	if n := h.jobsWithRows(); n != 0 {
		t.Errorf("%d imports still have rows", n)
	}
}

// TestJanitorReadsWhatHasEnded: a message at the subject of an ImportFinished that is set aside ends no import. Its rows
// are not purged, and if its upload is abandoned it is aborted in the usual time.
func TestJanitorReadsWhatHasEnded(t *testing.T) {
	h := newHarness(t, Config{})
	watching := newJanitor(h)
	sweepAt(t, watching, 0)
	h.begin(1, 3, true)
	h.append(&events.ImportSealed{JobID: 1, Rows: 3}, h.state(1).Last.Seq)
	h.begin(2, 3, true)
	for _, job := range []events.JobID{1, 2} {
		last, err := h.log.AppendFact(t.Context(), job, events.FinishedSubject(job), []byte("hello"), h.state(job).Last.Seq)
		if err != nil {
			t.Fatal(err)
		}
		sweepAt(t, watching, 0)
		if _, err := h.log.SetAside(t.Context(), last, "ada", "not ours", nil); err != nil {
			t.Fatal(err)
		}
	}
	started := newJanitor(h)
	for _, later := range []time.Duration{0, time.Minute, 110 * time.Second} {
		sweepAt(t, started, later)
		if h.state(2).Ended() {
			t.Fatalf("the upload is ended after %s", later)
		}
	}
	sweepAt(t, started, 3*time.Minute)
	if aborted := h.aborted(2); aborted.Rows != 3 {
		t.Errorf("%+v", aborted)
	}
	for day := range time.Duration(9) {
		sweepAt(t, watching, day*24*time.Hour)
	}
	if len(h.rows(1)) != 3 || len(h.rows(2)) != 0 {
		t.Errorf("%d rows are stored of the import that is to be processed, and %d of the abandoned upload",
			len(h.rows(1)), len(h.rows(2)))
	}
}

// TestJanitorLeavesLiveUploads: an upload that sends blank rows, or one long row, at the permitted
// pace stores no row. The janitor of another process does not end it, also not one that has just
// started.
func TestJanitorLeavesLiveUploads(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{WatchEvery: 5 * time.Millisecond, FlushAfter: time.Millisecond})
	for name, rest := range map[string]string{
		"blank rows":   strings.Repeat("\n", 5000),
		"one long row": "key-6,psc" + strings.Repeat(" ", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			begin := string(form("a.csv", csvOf(5)))
			begin, end, _ := strings.Cut(begin, "\r\n--"+testBoundary+"--")
			rest, end := rest, "\r\n--"+testBoundary+"--"+end
			u, job := h.dial(len(begin)+len(rest)+len(end), ""), events.JobID(h.lastJob()+1)
			u.write(begin)
			h.eventually("the job starts", func() bool { return h.state(job).Started != nil })
			other := &harness{TB: h, log: h.log, in: New(h.log, Config{Log: slog.New(slog.DiscardHandler)})}
			j := newJanitor(other)
			for minute := range 10 {
				if minute == 5 {
					j = newJanitor(other) // its process starts again
				}
				u.write(rest[:len(rest)/10])
				sweepAt(t, j, time.Duration(minute)*time.Minute)
				if h.state(job).Ended() {
					t.Fatalf("a live upload was ended after %d minutes", minute)
				}
			}
			u.write(rest[len(rest)/10*10:] + end)
			if a := u.answer(); a.status != 200 {
				t.Errorf("%d %s", a.status, a.text)
			}
		})
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
	if err := newJanitor(h).abort(t.Context(), 1, eventlog.Message{}); err != nil {
		t.Fatal(err)
	}
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

// TestJanitorOutlivesStrayRows: a message in ROWS that is no row neither stops the janitor nor keeps
// its import open.
func TestJanitorOutlivesStrayRows(t *testing.T) {
	h := newHarness(t, Config{})
	if _, err := h.log.AppendRows(t.Context(), 77, 0, [][]byte{[]byte("hello")}); err != nil {
		t.Fatal(err)
	}
	h.begin(1, 1, true)
	j := newJanitor(h)
	sweepAt(t, j, 0)
	sweepAt(t, j, time.Minute)
	sweepAt(t, j, 3*time.Minute)
	for _, job := range []events.JobID{1, 77} {
		if s := h.state(job); s.Phase != importjob.Aborted {
			t.Errorf("import %d is in the phase %s", job, s.Phase)
		}
	}
}
