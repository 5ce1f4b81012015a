package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/httpx"
)

// TestReadyzNamesAPausedConsumer: imports that no processor is given have a cause that an operator
// sees, in /readyz and in doctor.
func TestReadyzNamesAPausedConsumer(t *testing.T) {
	server, pipe := startPlainNATS(t), newPipeListener()
	n, err := startNode(t.Context(), settings{
		roles: []string{"processor"}, nats: eventlog.Config{URL: server.ClientURL()}, http: httpx.ServerConfig{Listener: pipe},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.stop(); err != nil {
			t.Error(err)
		}
	}()
	if err := n.waitUntilReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(server.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	// A processor that has just created the consumer, or restores it, ends a pause, between two looks at it, too: so it is
	// paused again until everyone says so.
	pause := func(until time.Time, wantStatus int, wantBody string, wantFinding, wantMessage string) {
		t.Helper()
		var code int
		var body string
		var found finding
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) { // the poll interval
			if _, err = js.PauseConsumer(t.Context(), events.LicensesStream, "processor", until); err != nil {
				continue
			}
			code, body = ask(t, pipe.client(), "/readyz")
			var health eventlog.Health
			if health, err = n.log.Health(t.Context()); err != nil {
				continue
			}
			found = one(t, func(d *diagnosis) { d.processors(health.Processors) })
			if code == wantStatus && strings.Contains(body, wantBody) &&
				found.Status == wantFinding && strings.Contains(found.Message, wantMessage) {
				return
			}
		}
		t.Fatalf("/readyz is still %d %s, doctor %+v, want %d %s, %s %s (%v)",
			code, body, found, wantStatus, wantBody, wantFinding, wantMessage, err)
	}
	pause(time.Now().Add(time.Hour), http.StatusServiceUnavailable, "processor: the processors' consumer is paused for another",
		problem, "is paused")
	pause(time.Now().Add(-time.Hour), http.StatusOK, "ready", fine, "")
}
