// Package eventlogtest gives tests a real log: a NATS server on a temporary directory, with
// in-process connections. Nothing is simulated. [StartCluster] runs three servers whose network a
// test can cut.
package eventlogtest

import (
	"context"
	"testing"
	"time"

	"licenseimport/events/eventlog"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
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

// StartExternal opens a log on [StartExternalServer].
func StartExternal(t testing.TB) *eventlog.Log {
	t.Helper()
	return OpenURL(t, StartExternalServer(t))
}

// OpenURL opens a log on a server that another process could reach as well. It ends with the test, or by Close.
func OpenURL(t testing.TB, url string) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(t.Context(), eventlog.Config{URL: url, Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

// Connect connects to a server as another program does, until the test ends.
func Connect(t testing.TB, url string) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// StartExternalServer starts a NATS server that is not this program's, and returns its URL. A stream has one
// replica, and ROWS takes atomic batches. It ends with the test.
func StartExternalServer(t testing.TB) (url string) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	if !srv.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server does not start")
	}
	return srv.ClientURL()
}
