package eventlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// eachMode runs a test where ROWS takes fast batches and streams are read directly, and where ROWS takes
// atomic batches and streams are read through the protocol.
func eachMode(t *testing.T, test func(t *testing.T, log *eventlog.Log)) {
	for mode, start := range map[string]func(testing.TB) *eventlog.Log{
		"embedded server": eventlogtest.Start, "external server": eventlogtest.StartExternal,
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func TestRowsComeBackInOrder(t *testing.T) { eachMode(t, testRowsComeBackInOrder) }

func testRowsComeBackInOrder(t *testing.T, log *eventlog.Log) {
	middle := appendRows(t, log, 7, 0, 0, 1000)
	appendRows(t, log, 8, 0, 0, 10)
	last := appendRows(t, log, 7, middle, 1000, 1500)

	if got, want := readRows(t, log, 7, 0), rowBodies(0, 1500); !equal(got, want) {
		t.Errorf("read %d rows, want %d", len(got), len(want))
	}
	if got, want := readRows(t, log, 7, middle), rowBodies(1000, 1500); !equal(got, want) {
		t.Errorf("read %d rows after %d, want %d", len(got), middle, len(want))
	}
	for name, after := range map[string]events.Seq{"at the end": last, "past the end": last + 10} {
		if got := readRows(t, log, 7, after); len(got) != 0 {
			t.Errorf("%s: read %d rows", name, len(got))
		}
	}
	if got := readRows(t, log, 99, 0); len(got) != 0 {
		t.Errorf("a job without rows: read %d", len(got))
	}
	row, found, err := log.LastRow(t.Context(), 7)
	if err != nil || !found || row.Seq != last || !bytes.Contains(row.Data, []byte("7/1500/")) {
		t.Errorf("last row: %+v, %v, %v", row, found, err)
	}
}

// TestPurgedRowsEndAnUpload: an upload whose rows another process has purged gets no further row in.
func TestPurgedRowsEndAnUpload(t *testing.T) { eachMode(t, testPurgedRowsEndAnUpload) }

func testPurgedRowsEndAnUpload(t *testing.T, log *eventlog.Log) {
	last := appendRows(t, log, 7, 0, 0, 10)
	if err := log.PurgeRows(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if _, err := log.AppendRows(t.Context(), 7, last, rowBodies(10, 20)); !errors.Is(err, eventlog.ErrWrongSequence) {
		t.Errorf("got %v", err)
	}
	if got := readRows(t, log, 7, 0); len(got) != 0 {
		t.Errorf("%d rows are stored", len(got))
	}
}

// TestAppendRowsIsFenced: of two writers of one job's atomic batches one gets an error. (Of fast batches the second
// one's rows would be repetitions.)
func TestAppendRowsIsFenced(t *testing.T) {
	t.Parallel()
	log := eventlogtest.StartExternal(t)
	last := appendRows(t, log, 7, 0, 0, 10)
	for name, stale := range map[string]events.Seq{"from the beginning": 0, "one too early": last - 1, "too late": last + 1} {
		if _, err := log.AppendRows(t.Context(), 7, stale, rowBodies(10, 20)); !errors.Is(err, eventlog.ErrWrongSequence) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := readRows(t, log, 7, 0); len(got) != 10 {
		t.Errorf("%d rows are stored, want 10", len(got))
	}
	for name, bodies := range map[string][][]byte{"none": nil, "too many": rowBodies(0, eventlog.MaxBatch+1)} {
		if _, err := log.AppendRows(t.Context(), 7, last, bodies); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestAppendRowsWithContention: three uploads append in turns.
func TestAppendRowsWithContention(t *testing.T) { eachMode(t, testAppendRowsWithContention) }

func testAppendRowsWithContention(t *testing.T, log *eventlog.Log) {
	last := map[events.JobID]events.Seq{}
	for from := 0; from < 200; from += 2 {
		for _, job := range []events.JobID{7, 8, 9} {
			last[job] = appendRows(t, log, job, last[job], from, from+2)
		}
	}
	for job := range last {
		if got, want := readRows(t, log, job, 0), rowBodies(0, 200); !equal(got, want) {
			t.Errorf("job %d: read %d rows, want %d", job, len(got), len(want))
		}
	}
}

// TestRejectedRows: the outcomes of one job, of one kind, in order, over several batches and those of
// other jobs, without a message that is set aside.
func TestRejectedRows(t *testing.T) { eachMode(t, testRejectedRows) }

func testRejectedRows(t *testing.T, log *eventlog.Log) {
	ctx := t.Context()
	last := map[events.JobID]events.Seq{}
	var stray events.Seq
	for from := 0; from < 3000; from += 500 {
		for _, job := range []events.JobID{7, 70} {
			batch := log.NewBatch(job)
			for i := range 500 {
				body := fmt.Appendf(nil, "%d rejected %d", job, from+i)
				if err := errors.Join(batch.Add(events.RejectedSubject(job), body), batch.Add("outcomes.7.other", body)); err != nil {
					t.Fatal(err)
				}
				if batch.Len() == eventlog.MaxBatch-2 {
					break
				}
			}
			seq, err := batch.Commit(ctx, "imports."+job.String()+".progressed", []byte("x"), last[job])
			if err != nil {
				t.Fatal(err)
			}
			if last[job] = seq; job == 7 && from == 1000 {
				stray = seq - 2
			}
		}
	}
	read := func() (bodies []string) {
		reader, err := log.RejectedRows(ctx, 7, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Stop()
		for {
			m, err := reader.Next(ctx)
			if err == io.EOF {
				return bodies
			}
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, string(m.Data))
		}
	}
	all := read()
	if len(all) != 6*499 || all[0] != "7 rejected 0" || all[len(all)-1] != "7 rejected 2998" {
		t.Fatalf("%d outcomes, from %s to %s", len(all), all[0], all[len(all)-1])
	}
	if _, err := log.SetAside(ctx, stray, "ada", "not ours", nil); err != nil {
		t.Fatal(err)
	}
	if left := read(); len(left) != len(all)-1 || slices.Contains(left, "7 rejected 1498") {
		t.Errorf("%d of %d outcomes after one was set aside", len(left), len(all))
	}
}

func TestPurgeRows(t *testing.T) { eachMode(t, testPurgeRows) }

func testPurgeRows(t *testing.T, log *eventlog.Log) {
	for _, job := range []events.JobID{12, 7, 8} {
		appendRows(t, log, job, 0, 0, 10)
	}
	if jobs, err := log.RowJobs(t.Context()); err != nil || !slices.Equal(jobs, []events.JobID{7, 8, 12}) {
		t.Fatalf("jobs with rows: %v, %v", jobs, err)
	}
	if err := log.PurgeRows(t.Context(), 8); err != nil {
		t.Fatal(err)
	}
	if jobs, err := log.RowJobs(t.Context()); err != nil || !slices.Equal(jobs, []events.JobID{7, 12}) {
		t.Errorf("jobs with rows after the purge: %v, %v", jobs, err)
	}
	if got := readRows(t, log, 12, 0); len(got) != 10 {
		t.Errorf("%d rows of another job are left, want 10", len(got))
	}
}

func rowBodies(from, to int) [][]byte {
	var bodies [][]byte
	for i := from; i < to; i++ {
		bodies = append(bodies, fmt.Appendf(nil, `{"specversion":"1.0","id":"7/%d/received"}`, i+1))
	}
	return bodies
}

func appendRows(t testing.TB, log *eventlog.Log, job events.JobID, last events.Seq, from, to int) events.Seq {
	t.Helper()
	seq, err := log.AppendRows(t.Context(), job, last, rowBodies(from, to))
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func readRows(t testing.TB, log *eventlog.Log, job events.JobID, after events.Seq) (bodies [][]byte) {
	t.Helper()
	reader, err := log.Rows(t.Context(), job, after)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Stop()
	for {
		m, err := reader.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return bodies
		}
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, bytes.Clone(m.Data))
	}
}

func equal(a, b [][]byte) bool {
	return slices.EqualFunc(a, b, func(x, y []byte) bool { return string(x) == string(y) })
}
