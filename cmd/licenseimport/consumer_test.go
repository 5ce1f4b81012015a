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
	// A processor that has just created the consumer, or restores it, ends a pause: so it is paused again until it stays so.
	pause := func(until time.Time, status int, want string) {
		t.Helper()
		var got int
		var body string
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) { // the poll interval
			if _, err = js.PauseConsumer(t.Context(), events.LicensesStream, "processor", until); err != nil {
				continue
			}
			if got, body = ask(t, pipe.client(), "/readyz"); got == status && strings.Contains(body, want) {
				return
			}
		}
		t.Fatalf("/readyz is still %d %s, want %d %s (%v)", got, body, status, want, err)
	}
	pause(time.Now().Add(time.Hour), http.StatusServiceUnavailable, "processor: the processors' consumer is paused for another")
	health, err := n.log.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f := one(t, func(d *diagnosis) { d.processors(health.Processors) }); f.Status != problem || !strings.Contains(f.Message, "is paused") {
		t.Errorf("doctor: %+v", f)
	}
	pause(time.Now().Add(-time.Hour), http.StatusOK, "ready")
}
