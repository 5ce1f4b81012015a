package eventlog_test

import (
	"context"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// TestOverhear: what is published is heard at once, also what the stream refuses; after the end
// nothing is.
func TestOverhear(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard, ended := make(chan string, 100), make(chan error, 1)
	go func() {
		ended <- log.SubscribeHints(ctx, append([]string{eventlog.JobIDSubjects}, events.LifecycleSubjects...),
			func(subject string, body []byte) { heard <- subject + " " + string(body) })
	}()
	hear := func(want string, publish func()) {
		t.Helper()
		for { // listening begins a moment after the call, and what was published before may come first
			publish()
			select {
			case got := <-heard:
				if got == want {
					return
				}
			case err := <-ended:
				t.Fatal(err)
			default:
			}
		}
	}
	hear("imports.1.started refused", func() {
		_, _ = log.AppendFact(t.Context(), 1, events.StartedSubject(1), []byte("refused"), 99)
	})
	hear("$KV.jobs.key value", func() { _, _ = log.Bucket(eventlog.Jobs).Put(t.Context(), "key", []byte("value")) })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
