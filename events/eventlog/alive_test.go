package eventlog_test

import (
	"net/url"
	"strconv"
	"testing"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// TestUploadAlive: another process's connection hears of an upload while it goes on, also after the
// server was started again, and of no other job.
func TestUploadAlive(t *testing.T) {
	t.Parallel()
	config := eventlog.ServerConfig{Dir: t.TempDir(), Port: -1}
	server := eventlogtest.StartServerOn(t, config)
	open := func() *eventlog.Log {
		log, err := eventlog.Open(t.Context(), eventlog.Config{URL: server.URL()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(log.Close)
		return log
	}
	receiver, other := open(), open()
	stop, err := receiver.AnswerAlive(7)
	if err != nil {
		t.Fatal(err)
	}
	if !other.UploadAlive(t.Context(), 7) || !receiver.UploadAlive(t.Context(), 7) {
		t.Error("no response for an upload that goes on")
	}
	if other.UploadAlive(t.Context(), 77) {
		t.Error("a response for another job")
	}
	address, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	server.Shutdown()
	if other.UploadAlive(t.Context(), 7) {
		t.Error("a response without a server")
	}
	if config.Port, err = strconv.Atoi(address.Port()); err != nil {
		t.Fatal(err)
	}
	eventlogtest.StartServerOn(t, config)
	for end := time.Now().Add(20 * time.Second); !other.UploadAlive(t.Context(), 7); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no response after the server was started again")
		}
	}
	stop()
	if other.UploadAlive(t.Context(), 7) {
		t.Error("a response after the upload's end")
	}
}
