// Package eventlogtest gives tests a real log: a NATS server in a temporary folder,
// reached through the process's memory. Nothing is simulated.
package eventlogtest

import (
	"context"
	"testing"
	"time"

	"licenseimport/events/eventlog"
)

// Start opens a log on a new server; both end with the test.
func Start(t testing.TB) *eventlog.Log {
	t.Helper()
	return Open(t, StartServer(t))
}

// StartServer starts a server in a new folder; it ends with the test, or before.
func StartServer(t testing.TB) *eventlog.Server {
	t.Helper()
	return StartServerOn(t, eventlog.ServerConfig{Dir: t.TempDir()})
}

// StartServerOn starts a server as configured; it ends with the test, or before.
func StartServerOn(t testing.TB, config eventlog.ServerConfig) *eventlog.Server {
	t.Helper()
	server, err := eventlog.StartServer(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	return server
}

// Open opens a log on the server; it ends with the test, or before.
func Open(t testing.TB, server *eventlog.Server) *eventlog.Log {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	log, err := eventlog.Open(ctx, eventlog.Config{Server: server, Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}
