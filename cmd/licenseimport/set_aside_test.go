package main

import (
	"strings"
	"testing"
	"time"

	"licenseimport/events"
)

// TestReadyzListsWhatIsSetAside: a message that cannot be read makes the process not ready. When it
// is set aside, all components go on without a restart and /readyz shows the decision.
func TestReadyzListsWhatIsSetAside(t *testing.T) {
	const key = "an-admin-key-of-the-test"
	api, n, _ := startAll(t, t.TempDir(), key)
	seq, err := n.log.AppendFact(t.Context(), 9, events.SealedSubject(9), []byte("hello"), 0)
	if err != nil {
		t.Fatal(err)
	}
	waitForReadyz := func(status int, want string) {
		t.Helper()
		var got int
		var body string
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) { // the poll interval
			if got, body = ask(t, api.http, "/readyz"); got == status && strings.Contains(body, want) {
				return
			}
		}
		t.Fatalf("/readyz is still %d %s, want %d %s", got, body, status, want)
	}
	waitForReadyz(503, "imports.9.sealed (stream LICENSES, sequence 1) cannot be read")
	if _, err := n.log.SetAside(t.Context(), seq, "admin", "published by mistake", nil); err != nil {
		t.Fatal(err)
	}
	waitForReadyz(200, `{"status":"ready","set_aside":[{"sequence":1,"manager":"admin","reason":"published by mistake"}]}`)
}
