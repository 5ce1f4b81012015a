package ingest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/internal/access"
)

func withKey(key string) request {
	return request{header: map[string]string{"Idempotency-Key": key}}
}

func TestIdempotencyKey(t *testing.T) {
	h := newHarness(t, Config{})
	first := h.send(csvOf(3), withKey("monday"))
	if first.status != 200 {
		t.Fatal(first.text)
	}
	same := withKey("monday")
	same.name = "renamed.csv" // the name does not count
	other := withKey("monday")
	other.query = "?dry_run=true"
	spelled := withKey("monday")
	spelled.query = "?dry_run=false&mode=partial&encoding=UTF-8" // the defaults
	zipped := withKey("monday")
	zipped.body = form("a.csv.gz", gzipped(csvOf(3)))
	anothers := withKey("monday")
	anothers.key = h.key("bob", access.Importer)
	cut := withKey("monday")
	cut.body = form("a.csv", csvOf(3))[:180]
	for _, tt := range []struct {
		name   string
		file   string
		q      request
		status int
		code   string
		job    events.JobID
	}{
		{"the same again", csvOf(3), same, 200, "", 1},
		{"defaults spelled out", csvOf(3), spelled, 200, "", 1},
		{"the same, packed", "", zipped, 200, "", 1},
		{"other parameters", csvOf(3), other, 422, "idempotency_key_reused", 1},
		{"another file", csvOf(4), same, 422, "idempotency_key_reused", 1},
		{"the same, cut off", "", cut, 400, "upload_incomplete", 0},
		{"another manager", csvOf(3), anothers, 200, "", 2},
		{"another key", csvOf(3), withKey("tuesday"), 200, "", 3},
		{"no key", csvOf(3), request{}, 200, "", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := h.send(tt.file, tt.q)
			if a.status != tt.status || a.body.Code != tt.code || a.body.JobID != tt.job {
				t.Errorf("%d %s", a.status, a.text)
			}
			if location := licensesPath + tt.job.String() + "/"; a.status == 200 && a.header.Get("Location") != location {
				t.Errorf("Location %q", a.header.Get("Location"))
			}
		})
	}
	if n := len(h.rows(1)); n != 3 {
		t.Errorf("the first job has %d rows by now", n)
	}
}

// TestKeyIsFreed: the key of an upload that imported nothing can be used again.
func TestKeyIsFreed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{WatchEvery: 5 * time.Millisecond})
	body := string(form("a.csv", csvOf(5)))

	u := h.dial(len(body), "Idempotency-Key: cut\r\n")
	u.write(body[:len(body)-50])
	h.eventually("the upload has begun", func() bool { return h.state(1).Started != nil })
	if a := h.send(csvOf(5), withKey("cut")); a.status != 409 || a.body.Code != "upload_in_progress" || a.body.JobID != 1 || a.header.Get("Retry-After") == "" {
		t.Errorf("while it is uploading: %d %s", a.status, a.text)
	}
	if a := u.hangUp(); a.body.Code != "upload_incomplete" || a.body.JobID != 1 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if a := h.send(csvOf(5), withKey("cut")); a.status != 200 || a.body.JobID != 2 {
		t.Errorf("after it was cut off: %d %s", a.status, a.text)
	}

	u = h.dial(len(body), "Idempotency-Key: cancelled\r\n")
	u.write(body[:len(body)-50])
	h.eventually("the upload has begun", func() bool { return h.state(3).Started != nil })
	if a := h.cancel(3, ""); a.status != 202 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if a := u.answer(); a.status != 409 || a.body.Code != "cancelled" || a.body.JobID != 3 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if a := h.send(csvOf(5), withKey("cancelled")); a.status != 200 || a.body.JobID != 4 {
		t.Errorf("after it was cancelled: %d %s", a.status, a.text)
	}
}

// TestOrphanedKey: a process was killed between drawing the job id and storing its first batch.
func TestOrphanedKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{Abandoned: 3 * time.Second, SlowWindow: 2 * time.Second})
	if _, err := h.in.jobs.Create(t.Context(), bucketKey("admin", "lost"), nil); err != nil {
		t.Fatal(err)
	}
	if a := h.send(csvOf(1), withKey("lost")); a.status != 409 || a.body.Code != "upload_in_progress" {
		t.Errorf("%d %s", a.status, a.text)
	}
	h.eventually("the key is free", func() bool { return h.send(csvOf(1), withKey("lost")).status == 200 })
	if f := h.state(1); f.Started != nil || !f.Ended() {
		t.Errorf("%+v", f)
	}
}

// TestKeyOfAKilledUpload: a process was killed in the middle of an upload. Its key is free when the upload has been silent for
// too long, whether or not a janitor has run so long.
func TestKeyOfAKilledUpload(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{Abandoned: 2 * time.Second, SlowWindow: time.Second})
	if _, err := h.in.jobs.Create(t.Context(), bucketKey("admin", "killed"), nil); err != nil {
		t.Fatal(err)
	}
	encode := func(e events.Event) []byte {
		body, err := events.Encode(e, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	if _, err := h.log.AppendFact(t.Context(), 1, events.StartedSubject(1), encode(&events.ImportStarted{JobID: 1}), 0); err != nil {
		t.Fatal(err)
	}
	row := func(n events.Row) []byte { return encode(&events.RowReceived{JobID: 1, Row: n, Line: uint64(n) + 1}) }
	last, err := h.log.AppendRows(t.Context(), 1, 0, [][]byte{row(1), row(2)})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := h.log.AnswerAlive(1)
	if err != nil {
		t.Fatal(err)
	}
	stored := time.Now()
	progress := func(want bool, what string) {
		t.Helper()
		if a := h.send(csvOf(5), withKey("killed")); (a.status == 409 && a.body.Code == "upload_in_progress" && a.body.JobID == 1) != want {
			t.Errorf("%s: %d %s", what, a.status, a.text)
		}
	}
	progress(true, "at once")
	time.Sleep(time.Until(stored.Add(2200 * time.Millisecond))) // silence is what the test is about
	progress(true, "while a process responds for it")
	if _, err = h.log.AppendRows(t.Context(), 1, last, [][]byte{row(3)}); err != nil {
		t.Fatal(err)
	}
	stop()
	if time.Since(stored) < 4*time.Second {
		progress(true, "after another row")
	}
	h.eventually("the key is free", func() bool { return h.send(csvOf(5), withKey("killed")).status == 200 })
	if end, ok := h.state(1).End.Event.(*events.ImportAborted); !ok || end.Rows != 3 {
		t.Errorf("the upload that was killed: %+v", h.state(1).End)
	}
}

// TestSameKeyAtOnce: of several concurrent uploads with one key one imports.
func TestSameKeyAtOnce(t *testing.T) {
	h := newHarness(t, Config{})
	const clients = 8
	answers := make([]answer, clients)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			var err error
			if answers[i], err = h.trySend(csvOf(2000), withKey("once")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	sealedJobs := map[events.JobID]bool{}
	for _, a := range answers {
		switch {
		case a.status == 200:
			sealedJobs[a.body.JobID] = true
		case a.status != 409 || a.body.Code != "upload_in_progress":
			t.Errorf("%d %s", a.status, a.text)
		}
	}
	if len(sealedJobs) != 1 {
		t.Errorf("sealed: %v", sealedJobs)
	}
	if a := h.send(csvOf(2000), withKey("once")); a.status != 200 || !sealedJobs[a.body.JobID] {
		t.Errorf("afterwards: %d %s", a.status, a.text)
	}
}

// TestRestoredBucket: job ids that the streams hold already are not used again.
func TestRestoredBucket(t *testing.T) {
	log := eventlogtest.Start(t)
	ctx := t.Context()
	for job := events.JobID(1); job <= 2; job++ {
		row, err := events.Encode(&events.RowReceived{JobID: job, Row: 1}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.AppendRows(ctx, job, 0, [][]byte{row}); err != nil {
			t.Fatal(err)
		}
	}
	fact := &events.ImportAborted{JobID: 3}
	body, err := events.Encode(fact, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.AppendFact(ctx, 3, fact.Subject(), body, 0); err != nil {
		t.Fatal(err)
	}
	h := newHarnessOn(t, log, Config{})
	if a := h.send(csvOf(1), withKey("k")); a.status != 200 || a.body.JobID != 4 {
		t.Errorf("%d %s", a.status, a.text)
	}
	if a := h.send(csvOf(1), withKey("k")); a.status != 200 || a.body.JobID != 4 {
		t.Errorf("repeated: %d %s", a.status, a.text)
	}
}

// TestCancelAgainstSeal: of a concurrent cancel and seal one wins, and the other answers
// accordingly.
func TestCancelAgainstSeal(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{WatchEvery: time.Hour, FlushAfter: time.Millisecond})
	body := string(form("a.csv", csvOf(2)))
	wins := map[string]int{}
	const races = 60
	for job := events.JobID(1); job <= races; job++ {
		u := h.dial(len(body), "Connection: close\r\n")
		u.write(body[:len(body)-3])
		h.eventually("the upload has begun", func() bool { return h.state(job).Started != nil })
		cancelled := make(chan answer)
		go func() { cancelled <- h.cancel(job, "") }()
		time.Sleep(time.Duration(job%10) * 100 * time.Microsecond) // spreads who is first
		u.write(body[len(body)-3:])
		checkRace(t, h, job, u.answer(), <-cancelled, wins)
	}
	t.Log(wins)
	if wins["seal first"]+wins["cancel only"] != races {
		t.Errorf("%v", wins)
	}
}

func checkRace(t *testing.T, h *harness, job events.JobID, upload, cancel answer, wins map[string]int) {
	t.Helper()
	f := h.state(job)
	_, isCancelled := f.Last.Event.(*events.ImportCancelled)
	switch got := fmt.Sprint(upload.status, cancel.status); {
	case got == "200 202" && f.Sealed != nil && isCancelled: // sealed, then cancelled before it was imported
		wins["seal first"]++
	case got == "409 202" && f.Sealed == nil && isCancelled && upload.body.Code == "cancelled":
		wins["cancel only"]++
	default:
		t.Errorf("job %d: upload %d %s, cancel %d %s, %+v", job, upload.status, upload.text, cancel.status, cancel.text, f)
	}
}

func TestCancel(t *testing.T) {
	h := newHarness(t, Config{})
	ada, bob, vera := h.key("ada", access.Importer), h.key("bob", access.Importer), h.key("vera", access.Viewer)
	for range 2 {
		if a := h.send(csvOf(1), request{key: ada}); a.status != 200 {
			t.Fatal(a.text)
		}
	}
	for _, tt := range []struct {
		name   string
		job    events.JobID
		key    string
		status int
		code   string
	}{
		{"another's", 1, bob, 404, "not_found"},
		{"a viewer", 1, vera, 403, "permission_denied"},
		{"no key that works", 1, "x", 401, "invalid_key"},
		{"unknown", 99, ada, 404, "not_found"},
		{"not an id", 0, ada, 404, "not_found"},
		{"own", 1, ada, 202, ""},
		{"again", 1, ada, 409, "already_ended"},
		{"an admin", 2, "", 202, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if a := h.cancel(tt.job, tt.key); a.status != tt.status || a.body.Code != tt.code {
				t.Errorf("%d %s", a.status, a.text)
			}
		})
	}
	if last, ok := h.state(2).Last.Event.(*events.ImportCancelled); !ok || last.Manager != "admin" {
		t.Errorf("%+v", h.state(2).Last.Event)
	}
}

// TestCancelAgainstProgress: a job that a processor advances all the time can be cancelled.
func TestCancelAgainstProgress(t *testing.T) {
	h := newHarness(t, Config{})
	a := h.send(csvOf(1), request{})
	seq := h.state(a.body.JobID).Last.Seq
	moved := make(chan error)
	go func() {
		for row := events.Row(0); ; row++ {
			time.Sleep(5 * time.Millisecond) // a batch takes longer
			fact := &events.ImportProgressed{JobID: 1, Phase: events.Import, Row: row}
			body, err := events.Encode(fact, time.Now())
			if err == nil {
				seq, err = h.log.AppendFact(t.Context(), 1, fact.Subject(), body, seq)
			}
			if err != nil {
				moved <- err
				return
			}
		}
	}()
	if a := h.cancel(1, ""); a.status != 202 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if err := <-moved; !strings.Contains(err.Error(), eventlog.ErrWrongSequence.Error()) {
		t.Error(err)
	}
}
