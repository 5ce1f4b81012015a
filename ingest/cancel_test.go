package ingest

import (
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/internal/access"
)

// TestCancelWhoseAcknowledgementIsLost: it is answered 202, also if a processor has ended the import
// before the manager's process could ask. Of two managers who cancel at once one is answered 202,
// and the other 409.
func TestCancelWhoseAcknowledgementIsLost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lose   func(*eventlogtest.FaultyProxy, func())
		ada    int // the answer to the manager whose process loses the connection
		bob    int // to the other one, who cancels meanwhile
		winner string
	}{
		"response": {(*eventlogtest.FaultyProxy).LoseResponse, 202, 409, "ada"},
		"commit":   {(*eventlogtest.FaultyProxy).LoseCommit, 409, 202, "bob"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := eventlogtest.StartServerOn(t, eventlog.ServerConfig{Dir: t.TempDir(), Port: -1})
			proxy := eventlogtest.StartFaultyProxy(t, server)
			log, err := eventlog.Open(t.Context(), eventlog.Config{URL: proxy.URL, Timeout: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(log.Close)
			h, other := newHarnessOn(t, log, Config{}), newHarnessOn(t, eventlogtest.Open(t, server), Config{})
			ada, bob := other.key("ada", access.Admin), other.key("bob", access.Admin)
			other.begin(1, 2, true)
			other.append(&events.ImportSealed{JobID: 1, Rows: 2}, other.state(1).Last.Seq)
			tt.lose(proxy, func() {
				if a := other.cancel(1, bob); a.status != tt.bob {
					t.Errorf("the other manager: %d %s", a.status, a.text)
				}
				other.append(&events.ImportFinished{JobID: 1, Status: events.Failed}, other.state(1).Last.Seq)
			})
			if a := h.cancel(1, ada); a.status != tt.ada || a.body.JobID != 1 {
				t.Errorf("%d %s", a.status, a.text)
			}
			proxy.WasCut(t)
			message, _, err := other.log.Fact(t.Context(), (&events.ImportCancelled{JobID: 1}).Subject())
			if err != nil {
				t.Fatal(err)
			}
			if fact, err := eventlog.DecodeAs[*events.ImportCancelled](&message); err != nil || fact.Manager != tt.winner {
				t.Errorf("cancelled by %+v, %v", fact, err)
			}
		})
	}
}
