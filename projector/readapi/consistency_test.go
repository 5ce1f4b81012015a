package readapi

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"licenseimport/events"
	"licenseimport/projector"
)

// TestReadYourWrites: an event that the stream has just acknowledged is there, in single answers,
// in the list of imports and after a restart.
func TestReadYourWrites(t *testing.T) {
	log := newStream(t)
	dir := t.TempDir()
	r := newHarness(t, dir, log)
	for id := events.JobID(1); id <= 10; id++ {
		log.Add(started(id, "anna"))
		got := into[shownResult](r, importsPath+id.String()+"/")
		if got.ID != id || got.Status != projector.StatusPending {
			t.Fatalf("import %d: %+v", id, got)
		}
		log.Add(&events.ImportSealed{JobID: id, Rows: 2}, progressed(id, 0, 0, 0, 0),
			imported(id, 1, "psc", fmt.Sprintf("K-%d", id), "ada@example.com", ""),
			rejected(id, 2, events.Required), finished(id, 2, 1, 0, 1))
		if page := into[listed](r, importsPath); page.Count != int(id) {
			t.Fatalf("after import %d: %d imports", id, page.Count)
		}
		r.catchUp()
		if page := into[listed](r, "/api/v1/licenses/"); page.Count != int(id) {
			t.Fatalf("after import %d: %d licenses", id, page.Count)
		}
		got = into[shownResult](r, importsPath+id.String()+"/")
		if got.Status != projector.StatusSuccess || len(got.Result.InvalidRows) != 1 {
			t.Fatalf("import %d: %+v", id, got)
		}
	}
	check(t, r.Ready(t.Context()))
	if n, behind := r.Lag(); n != 0 || behind != 0 {
		t.Errorf("lag %d, %s", n, behind)
	}
	digest, err := r.Digest()
	check(t, err)
	r.stop()
	again := newHarness(t, dir, log)
	again.catchUp()
	if got, err := again.Digest(); err != nil || got != digest {
		t.Errorf("after a restart: %s %v, want %s", got, err, digest)
	}
	again.stop()
	result, err := projector.Rebuild(t.Context(), log, dir, nil)
	if err != nil || result.Digest != digest {
		t.Errorf("after a rebuild: %+v %v, want %s", result, err, digest)
	}
}

// TestLaggingViews: while the views lag, the list of imports and what would be a 404 wait, and then
// are a 503. What the views hold is answered at once.
func TestLaggingViews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog(started(1, "anna"), sealed(1, 2), progressed(1, 0, 0, 0, 0),
			imported(1, 1, "psc", "A", "ada@example.com", ""), progressed(1, 1, 1, 0, 0))
		r := newHarness(t, t.TempDir(), log)
		r.catchUp()
		log.Hold(6)
		log.Add(imported(1, 2, "psc", "B", "bert@example.com", ""), finished(1, 2, 2, 0, 0),
			started(2, "anna"), sealed(2, 1))
		for path, want := range map[string]int{
			"licenses-import-results/1/": 200, "licenses-import-results/2/": 503,
			"licenses-import-results/3/": 404, "licenses-import-results/": 503,
			"licenses/4/": 200, "licenses/5/": 404, "licenses/6/": 503, "licenses/10/": 404,
			"licenses/": 200, "customers/6/": 503, "orders/": 200,
		} {
			began := time.Now()
			a := r.get(prefix + path)
			took, waits, retry := time.Since(began), time.Duration(0), ""
			if want == 503 {
				waits, retry = projector.ReadTimeout, "1"
			}
			if got := a.header.Get("Retry-After"); a.status != want || took != waits || got != retry {
				t.Errorf("%s: %d after %s, Retry-After %q; want %d", path, a.status, took, got, want)
			}
		}
		go func() {
			time.Sleep(time.Second)
			log.Hold(0)
		}()
		began := time.Now()
		if a := r.get("/api/v1/licenses/6/"); a.status != 200 || time.Since(began) != time.Second {
			t.Errorf("a license that comes while it is waited for: %d after %s", a.status, time.Since(began))
		}
		r.stop()
	})
}

// TestListHasUploadsThatBrokeOff: a client that was told that its upload broke off finds it in the
// list, however far the views lag.
func TestListHasUploadsThatBrokeOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog(started(1, "anna"))
		r := newHarness(t, t.TempDir(), log)
		r.catchUp()
		log.Hold(2)
		log.Add(&events.ImportAborted{JobID: 1, Code: "upload_incomplete", Message: "m"})
		answered := make(chan answer, 1)
		go func() { answered <- r.get(importsPath) }()
		synctest.Wait()
		select {
		case early := <-answered:
			t.Fatalf("it did not wait: %+v", early)
		default:
		}
		log.Hold(0)
		if a := <-answered; a.status != 200 || !strings.Contains(a.body, "upload_incomplete") {
			t.Errorf("%+v", a)
		}
		r.stop()
	})
}

// TestBadEvents: an event that cannot be decoded or applied stops the views with an error that says
// where it is. The events before it can be read.
func TestBadEvents(t *testing.T) {
	event := func(id, name, data string) string {
		return `{"specversion":"1.0","source":"licenseimport","id":"` + id + `","type":"` + name + `","data":` + data + `}`
	}
	tests := map[string]string{
		"unknown type": event("1/paused", "ImportPaused", `{}`),
		"no event":     `hello`,
		"not started":  event("7/sealed", "ImportSealed", `{"job_id":7,"rows":1}`),
		"wrong stream": event("1/1/received", "RowReceived", `{"job_id":1,"row":1,"values":{}}`),
		"twice":        event("1/started", "ImportStarted", `{"job_id":1}`),
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			log := newMemLog(started(1, "anna"), sealed(1, 1), progressed(1, 0, 0, 0, 0),
				imported(1, 1, "psc", "A", "", ""), progressed(1, 1, 1, 0, 0))
			log.AddBody("imports.1.bad", []byte(body))
			log.Add(finished(1, 1, 1, 0, 0), started(2, "anna"), sealed(2, 1))
			r := newHarness(t, t.TempDir(), log)
			err := <-r.ended
			r.ended <- err
			if err == nil || !strings.Contains(err.Error(), "sequence 6 of stream LICENSES") {
				t.Fatalf("Run: %v", err)
			}
			if ready := r.Ready(t.Context()); ready == nil || ready.Error() != err.Error() {
				t.Errorf("Ready: %v", ready)
			}
			if a := r.get("/api/v1/licenses/4/"); a.status != 200 {
				t.Errorf("a license before it: %d", a.status)
			}
			if a := r.get(importsPath); a.status != 503 {
				t.Errorf("a list that lacks an import: %d", a.status)
			}
		})
	}
}
