package readapi

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// streamRequest asks for the progress of import 1.
func streamRequest(t *testing.T, ctx context.Context, server string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server+importsPath+"1/events/", nil)
	check(t, err)
	request.Header.Set("Authorization", "Api-Key "+adminKey)
	return request
}

// TestEventStream: each state of an import is sent once, and then "done".
func TestEventStream(t *testing.T) {
	log := newStream(t)
	r := newHarness(t, t.TempDir(), log)
	server := httptest.NewServer(r.handler)
	defer server.Close()
	log.Add(started(1, "anna"))
	response, err := server.Client().Do(streamRequest(t, t.Context(), server.URL))
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
	if a := r.do(http.MethodHead, adminKey, importsPath+"1/events/"); a.status != 200 {
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
	var shown shownResult
	check(t, json.Unmarshal([]byte(data), &shown))
	if got != name || shown.Status != want || shown.Result != nil && shown.Result.InvalidRows == nil {
		t.Fatalf("event %q %s, want %q with status %s", got, data, name, want)
	}
}

// TestEventStreamEnds: a stream ends when the client leaves, the views stop or the server shuts
// down.
func TestEventStreamEnds(t *testing.T) {
	ends := map[string]func(leave func(), log *memLog, server *httpx.Server){
		"client leaves": func(leave func(), _ *memLog, _ *httpx.Server) { leave() },
		"views stop": func(_ func(), log *memLog, _ *httpx.Server) {
			log.AddBody("imports.1.bad", []byte("no event"))
		},
		"server shuts down": func(_ func(), _ *memLog, server *httpx.Server) { check(t, server.Shutdown(t.Context())) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			log := newMemLog(started(1, "anna"))
			r := newHarness(t, t.TempDir(), log)
			server, err := httpx.Listen(httpx.ServerConfig{Addr: "127.0.0.1:0"})
			check(t, err)
			served := make(chan error, 1)
			go func() { served <- server.Serve(r.handler) }()
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			response, err := http.DefaultClient.Do(streamRequest(t, ctx, server.URL()))
			check(t, err)
			defer response.Body.Close()
			lines := bufio.NewScanner(response.Body)
			wantEvent(t, lines, "progress", projector.StatusPending)
			end(leave, log, server)
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
