package readapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// TestRealStream: what was acknowledged a moment ago is there, in single answers
// and in the list of imports, and after a restart.
func TestRealStream(t *testing.T) {
	log := newReal(t)
	dir := t.TempDir()
	r := newRig(t, dir, log)
	for id := events.JobID(1); id <= 10; id++ {
		log.Add(started(id, "anna"))
		if got := into[result](r, "/api/v1/licenses-import-results/"+id.String()+"/"); got.ID != id || got.Status != projector.StatusPending {
			t.Fatalf("import %d: %+v", id, got)
		}
		log.Add(&events.ImportSealed{JobID: id, Rows: 2}, progressed(id, 0, 0, 0, 0),
			imported(id, 1, "psc", fmt.Sprintf("K-%d", id), "ada@example.com", ""), rejection(id, 2, events.Required), finished(id, 2, 1, 0, 1))
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
	again := newRig(t, dir, log)
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
		tape := newTape(started(1, "anna"), imported(1, 1, "psc", "A", "ada@example.com", ""), progressed(1, 1, 1, 0, 0))
		r := newRig(t, t.TempDir(), tape)
		r.catchUp()
		tape.Hold(4)
		tape.Add(imported(1, 2, "psc", "B", "bert@example.com", ""), finished(1, 2, 2, 0, 0), started(2, "anna"), sealed(2, 1))
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
			tape.Hold(0)
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
		tape := newTape(started(1, "anna"))
		r := newRig(t, t.TempDir(), tape)
		r.catchUp()
		tape.Hold(2)
		tape.Add(&events.ImportAborted{JobID: 1, Code: "upload_incomplete", Message: "m"})
		answered := make(chan answer, 1)
		go func() { answered <- r.get("/api/v1/licenses-import-results/") }()
		synctest.Wait()
		select {
		case early := <-answered:
			t.Fatalf("it did not wait: %+v", early)
		default:
		}
		tape.Hold(0)
		if a := <-answered; a.status != 200 || !strings.Contains(a.body, "upload_incomplete") {
			t.Errorf("%+v", a)
		}
		r.stop()
	})
}

// TestExport: an admin gets the views' file, which is sound.
func TestExport(t *testing.T) {
	tape := newTape(manyImports(5, 1, 50)...)
	r := newRig(t, t.TempDir(), tape)
	r.catchUp()
	digest, err := r.Digest()
	check(t, err)
	a, head := r.get(ExportPath), r.do(http.MethodHead, adminKey, ExportPath)
	if a.status != 200 || a.header.Get("Content-Type") != "application/octet-stream" || a.header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
		t.Fatalf("%d %v for %d bytes", a.status, a.header, len(a.body))
	}
	if head.status != 200 || head.header.Get("Content-Length") != a.header.Get("Content-Length") || head.body != "" {
		t.Errorf("HEAD: %d %v, %d bytes", head.status, head.header, len(head.body))
	}
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, projector.FileName), []byte(a.body), 0o600))
	result, err := projector.CatchUp(t.Context(), tape, dir)
	if err != nil || result.Digest != digest || result.Events != 0 {
		t.Errorf("%+v, %v, want %s", result, err, digest)
	}
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
			tape := newTape(started(1, "anna"), imported(1, 1, "psc", "A", "", ""), progressed(1, 1, 1, 0, 0))
			tape.AddBody("imports.1.bad", []byte(body))
			tape.Add(finished(1, 1, 1, 0, 0), started(2, "anna"), sealed(2, 1))
			r := newRig(t, t.TempDir(), tape)
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

func TestWhoSeesWhat(t *testing.T) {
	log := newReal(t)
	keys := access.NewStore(log.Bucket(eventlog.Managers))
	key := func(name string, role access.Role, products ...string) string {
		k, err := keys.Create(t.Context(), name, string(role), products)
		check(t, err)
		return k
	}
	anna, bert, viewer := key("anna", access.Importer), key("bert", access.Importer), key("vera", access.Viewer)
	limited, foreign := key("anna", access.Importer, "a"), key("carl", access.Viewer, "c")
	log.Add(started(1, "anna"), imported(1, 1, "a", "A", "ada@example.com", "o1"), imported(1, 2, "b", "B", "", ""), finished(1, 2, 2, 0, 0), started(2, "bert"))
	r := newRigWith(t, t.TempDir(), log, access.Config{Store: keys, AdminKey: adminKey})
	tests := []struct {
		who, path string
		status    int
		count     int // of a list; -1: none
	}{
		{"", "licenses/", 401, -1}, {"nonsense", "licenses/", 401, -1},
		{anna, "licenses-import-results/", 200, 1}, {bert, "licenses-import-results/", 200, 1}, {viewer, "licenses-import-results/", 200, 2},
		{anna, "licenses-import-results/?status__iexact=Success", 200, 1}, {bert, "licenses-import-results/?status__iexact=success", 200, 0},
		{anna, "licenses-import-results/1/", 200, -1}, {bert, "licenses-import-results/1/", 404, -1}, {viewer, "licenses-import-results/1/", 200, -1},
		{bert, "licenses-import-results/1/invalid_rows.csv", 404, -1}, {bert, "licenses-import-results/1/events/", 404, -1},
		{bert, "licenses/", 200, 2}, {limited, "licenses/", 200, 1}, {limited, "licenses/?enabled=true", 200, 1},
		{limited, "licenses/?product__short_code=b", 200, 0}, {limited, "licenses/?product__short_code=a", 200, 1}, {limited, "licenses/?license_key=B", 200, 0},
		{limited, "licenses/2/", 200, -1}, {limited, "licenses/3/", 404, -1}, {limited, "licenses/3/event/", 404, -1},
		{foreign, "licenses/", 200, 0}, {foreign, "licenses/2/", 404, -1},
		{limited, "customers/", 403, -1}, {limited, "customers/2/", 403, -1}, {limited, "orders/", 403, -1}, {limited, "orders/2/", 403, -1},
		{bert, "customers/", 200, 1}, {viewer, "orders/", 200, 2},
	}
	for _, test := range tests {
		a := r.getAs(test.who, "/api/v1/"+test.path)
		if a.status != test.status {
			t.Errorf("%.8s %s: %d, want %d: %s", test.who, test.path, a.status, test.status, a.body)
			continue
		}
		var page listed
		if test.count >= 0 {
			check(t, json.Unmarshal([]byte(a.body), &page))
			if page.Count != test.count || len(page.Results) != test.count {
				t.Errorf("%.8s %s: %d, want %d", test.who, test.path, page.Count, test.count)
			}
		}
	}
}

func TestEventStream(t *testing.T) {
	log := newReal(t)
	r := newRig(t, t.TempDir(), log)
	server := httptest.NewServer(r.handler)
	defer server.Close()
	log.Add(started(1, "anna"))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/licenses-import-results/1/events", nil)
	check(t, err)
	request.Header.Set("Authorization", "Api-Key "+adminKey)
	response, err := server.Client().Do(request)
	check(t, err)
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	lines := bufio.NewScanner(response.Body)
	wantEvent(t, lines, "progress", projector.StatusPending)
	log.Add(&events.ImportSealed{JobID: 1, Rows: 1}, progressed(1, 0, 0, 0, 0))
	wantEvent(t, lines, "progress", projector.StatusRunning)
	log.Add(imported(1, 1, "psc", "A", "", ""), finished(1, 1, 1, 0, 0))
	wantEvent(t, lines, "progress", projector.StatusSuccess)
	wantEvent(t, lines, "done", projector.StatusSuccess)
	if lines.Scan() {
		t.Errorf("after the end: %s", lines.Text())
	}
	if a := r.do(http.MethodHead, adminKey, "/api/v1/licenses-import-results/1/events/"); a.status != 200 {
		t.Errorf("HEAD: %d", a.status)
	}
}

func wantEvent(t *testing.T, lines *bufio.Scanner, name string, want projector.Status) {
	t.Helper()
	var got, data string
	for lines.Scan() && lines.Text() != "" {
		kind, value, _ := strings.Cut(lines.Text(), ": ")
		switch kind {
		case "event":
			got = value
		case "data":
			data = value
		}
	}
	var shown result
	check(t, json.Unmarshal([]byte(data), &shown))
	if got != name || shown.Status != want || shown.Result != nil && shown.Result.InvalidRows == nil {
		t.Fatalf("event %q %s, want %q with status %s", got, data, name, want)
	}
}

// TestEventStreamEnds when the client leaves, when the views stop, and when the
// server shuts down.
func TestEventStreamEnds(t *testing.T) {
	ends := map[string]func(leave func(), tape *tape, server *httpx.Server){
		"client leaves":     func(leave func(), _ *tape, _ *httpx.Server) { leave() },
		"views stop":        func(_ func(), tape *tape, _ *httpx.Server) { tape.AddBody("imports.1.bad", []byte("no event")) },
		"server shuts down": func(_ func(), _ *tape, server *httpx.Server) { check(t, server.Shutdown(t.Context())) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			tape := newTape(started(1, "anna"))
			r := newRig(t, t.TempDir(), tape)
			server, err := httpx.Listen(httpx.ServerConfig{Addr: "127.0.0.1:0"})
			check(t, err)
			served := make(chan error, 1)
			go func() { served <- server.Serve(r.handler) }()
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL()+"/api/v1/licenses-import-results/1/events/", nil)
			check(t, err)
			request.Header.Set("Authorization", "Api-Key "+adminKey)
			response, err := http.DefaultClient.Do(request)
			check(t, err)
			defer response.Body.Close()
			lines := bufio.NewScanner(response.Body)
			wantEvent(t, lines, "progress", projector.StatusPending)
			end(leave, tape, server)
			for lines.Scan() {
				if strings.Contains(lines.Text(), "done") {
					t.Error("done, but the import goes on")
				}
			}
			check(t, server.Shutdown(t.Context())) // waits for the answer to end
			check(t, <-served)
		})
	}
}

func TestInvalidRows(t *testing.T) {
	tape := newTape(started(1, "anna"), &events.ImportSealed{JobID: 1, Rows: 1201}, progressed(1, 0, 0, 0, 0))
	for row := events.Row(1); row <= 1200; row++ {
		tape.Add(rejection(1, row, events.Required))
	}
	long := rejection(1, 1201, events.TooLong, events.TooLong)
	long.Values[events.ColumnEmail], long.Values[events.ColumnProduct] = "=1+1", "'-x"
	long.Values[events.ColumnKey] = strings.Repeat("é", 300)
	long.Errors[0] = events.FieldError{Column: "license__license_key", Code: events.TooLong, Value: strings.Repeat("é", events.MaxErrorValue)}
	tape.Add(long, finished(1, 1201, 0, 0, 1201))
	r := newRig(t, t.TempDir(), tape)
	r.catchUp()
	got := into[result](r, "/api/v1/licenses-import-results/1/").Result
	if len(got.InvalidRows) != 100 || got.InvalidCount != 1201 || got.ErrorCounts[events.Required] != 1200 || got.ErrorCounts[events.TooLong] != 1 {
		t.Errorf("%d rows, %d counted, %v", len(got.InvalidRows), got.InvalidCount, got.ErrorCounts)
	}
	page := into[struct {
		Count   int
		Results []invalidRow
	}](r, "/api/v1/licenses-import-results/1/invalid_rows/?code=too_long")
	if page.Count != 1 || page.Results[0].Values != long.Values || page.Results[0].Line != 1202 {
		t.Errorf("%+v", page)
	}
	if whole := page.Results[0].Errors[0].Value; whole != strings.Repeat("é", 300) {
		t.Errorf("the value of the error has %d bytes", len(whole))
	}
	cut := page.Results[0].cut(256)
	if cut.Values[events.ColumnKey] != strings.Repeat("é", 256) || cut.Errors[0].Value != strings.Repeat("é", 256) {
		t.Errorf("not cut: %+v", cut)
	}
	a := r.get("/api/v1/licenses-import-results/1/invalid_rows.csv")
	lines := strings.Split(a.body, "\r\n")
	if len(lines) != 1203 || !strings.HasPrefix(lines[0], "\uFEFFlicense__license_key,") || lines[1201] == "" {
		t.Errorf("%d lines, the first %q", len(lines), lines[0])
	}
	if !strings.Contains(lines[1201], ",''-x,'=1+1,,1201,1202,") {
		t.Errorf("not guarded: %q", lines[1201])
	}
	if got := a.header.Get("Content-Disposition"); got != `attachment; filename="import-1-invalid-rows.csv"` {
		t.Errorf("Content-Disposition %q", got)
	}
	if raw := r.get("/api/v1/licenses-import-results/1/invalid_rows.csv?raw=1"); !strings.Contains(raw.body, ",'-x,=1+1,,1201,1202,") {
		t.Error("raw cells are changed")
	}
}
