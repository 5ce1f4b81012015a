// Package eventlogtest gives tests a real log: a NATS server on a temporary directory, with
// in-process connections. Nothing is simulated. [StartCluster] runs three servers whose network a
// test can cut.
package eventlogtest

import (
	"context"
	"testing"
	"time"

	"licenseimport/events/eventlog"
)

// Start opens a log on a new server. Both end with the test.
func Start(t testing.TB) *eventlog.Log {
	t.Helper()
	return Open(t, StartServer(t))
}

// StartServer starts a server on a new directory. It ends with the test, or by Shutdown.
func StartServer(t testing.TB) *eventlog.Server {
	t.Helper()
	return StartServerOn(t, eventlog.ServerConfig{Dir: t.TempDir()})
}

// StartServerOn starts a server as configured. It ends with the test, or by Shutdown.
func StartServerOn(t testing.TB, config eventlog.ServerConfig) *eventlog.Server {
	t.Helper()
	server, err := eventlog.StartServer(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	return server
}

// Open opens a log on the server. It ends with the test, or by Close.
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
