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

// TestRealStream: what was acknowledged a moment ago is there, in single answers
// and in the list of imports, and after a restart.
func TestRealStream(t *testing.T) {
	log := newStream(t)
	dir := t.TempDir()
	r := newHarness(t, dir, log)
	for id := events.JobID(1); id <= 10; id++ {
		log.Add(started(id, "anna"))
		if got := into[result](r, "/api/v1/licenses-import-results/"+id.String()+"/"); got.ID != id || got.Status != projector.StatusPending {
			t.Fatalf("import %d: %+v", id, got)
		}
		log.Add(&events.ImportSealed{JobID: id, Rows: 2}, progressed(id, 0, 0, 0, 0),
			imported(id, 1, "psc", fmt.Sprintf("K-%d", id), "ada@example.com", ""), rejected(id, 2, events.Required), finished(id, 2, 1, 0, 1))
		if page := into[listed](r, "/api/v1/licenses-import-results/"); page.Count != int(id) {
			t.Fatalf("after import %d: %d imports", id, page.Count)
		}
		r.catchUp()
		if page := into[listed](r, "/api/v1/licenses/"); page.Count != int(id) {
			t.Fatalf("after import %d: %d licenses", id, page.Count)
		}
		if got := into[result](r, "/api/v1/licenses-import-results/"+id.String()+"/"); got.Status != projector.StatusSuccess || len(got.Result.InvalidRows) != 1 {
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

// TestWaiting: while the views are behind, an answer that would be 404 and the list of
// imports wait, and then are 503; what is there is answered.
func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog(started(1, "anna"), imported(1, 1, "psc", "A", "ada@example.com", ""), progressed(1, 1, 1, 0, 0))
		r := newHarness(t, t.TempDir(), log)
		r.catchUp()
		log.Hold(4)
		log.Add(imported(1, 2, "psc", "B", "bert@example.com", ""), finished(1, 2, 2, 0, 0), started(2, "anna"), sealed(2, 1))
		for path, want := range map[string]int{
			"licenses-import-results/1/": 200, "licenses-import-results/2/": 503, "licenses-import-results/3/": 404, "licenses-import-results/": 503,
			"licenses/2/": 200, "licenses/3/": 404, "licenses/4/": 503, "licenses/": 200, "licenses/8/": 404, "customers/4/": 503, "orders/": 200,
		} {
			began := time.Now()
			a := r.get("/api/v1/" + path)
			took := time.Since(began)
			if a.status != want || want == 503 && (took != projector.ReadTimeout || a.header.Get("Retry-After") != "1") || want != 503 && took != 0 {
				t.Errorf("%s: %d after %s, Retry-After %q; want %d", path, a.status, took, a.header.Get("Retry-After"), want)
			}
		}
		go func() {
			time.Sleep(time.Second)
			log.Hold(0)
		}()
		began := time.Now()
		if a := r.get("/api/v1/licenses/4/"); a.status != 200 || time.Since(began) != time.Second {
			t.Errorf("a license that comes while it is waited for: %d after %s", a.status, time.Since(began))
		}
		r.stop()
	})
}

// TestListHasUploadsThatBrokeOff: a client that was told so finds it in the list, however far behind
// the views are.
func TestListHasUploadsThatBrokeOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog(started(1, "anna"))
		r := newHarness(t, t.TempDir(), log)
		r.catchUp()
		log.Hold(2)
		log.Add(&events.ImportAborted{JobID: 1, Code: "upload_incomplete", Message: "m"})
		answered := make(chan answer, 1)
		go func() { answered <- r.get("/api/v1/licenses-import-results/") }()
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

// TestBadEvents: an event that cannot be decoded or applied stops the views and
// says where; what came before is there.
func TestBadEvents(t *testing.T) {
	tests := map[string]string{
		"unknown type": `{"specversion":"1.0","id":"1/paused","source":"licenseimport","type":"ImportPaused","data":{}}`,
		"no event":     `hello`,
		"not started":  `{"specversion":"1.0","id":"7/sealed","source":"licenseimport","type":"ImportSealed","data":{"job_id":7,"rows":1}}`,
		"wrong stream": `{"specversion":"1.0","id":"1/1/received","source":"licenseimport","type":"RowReceived","data":{"job_id":1,"row":1,"values":{}}}`,
		"twice":        `{"specversion":"1.0","id":"1/started","source":"licenseimport","type":"ImportStarted","data":{"job_id":1}}`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			log := newMemLog(started(1, "anna"), imported(1, 1, "psc", "A", "", ""), progressed(1, 1, 1, 0, 0))
			log.AddBody("imports.1.bad", []byte(body))
			log.Add(finished(1, 1, 1, 0, 0), started(2, "anna"), sealed(2, 1))
			r := newHarness(t, t.TempDir(), log)
			err := <-r.ended
			r.ended <- err
			if err == nil || !strings.Contains(err.Error(), "sequence 4 of stream LICENSES") {
				t.Fatalf("Run: %v", err)
			}
			if ready := r.Ready(t.Context()); ready == nil || ready.Error() != err.Error() {
				t.Errorf("Ready: %v", ready)
			}
			if a := r.get("/api/v1/licenses/2/"); a.status != 200 {
				t.Errorf("what came before: %d", a.status)
			}
			if a := r.get("/api/v1/licenses-import-results/"); a.status != 503 {
				t.Errorf("a list that lacks an import: %d", a.status)
			}
		})
	}
}
