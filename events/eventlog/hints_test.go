package eventlog_test

import (
	"context"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// TestSubscribeHints: hints arrive at once, also for messages that the stream refuses.
func TestSubscribeHints(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hints, ended := make(chan string, 100), make(chan error, 1)
	go func() {
		ended <- log.SubscribeHints(ctx, append([]string{eventlog.JobIDSubjects}, events.LifecycleSubjects...),
			func(subject string, body []byte) { hints <- subject + " " + string(body) })
	}()
	expect := func(want string, publish func()) {
		t.Helper()
		for { // the subscription starts after the call; earlier messages may come first
			publish()
			select {
			case got := <-hints:
				if got == want {
					return
				}
			case err := <-ended:
				t.Fatal(err)
			default:
			}
		}
	}
	expect("imports.1.started refused", func() {
		_, _ = log.AppendFact(t.Context(), 1, events.StartedSubject(1), []byte("refused"), 99)
	})
	expect("$KV.jobs.key value", func() { _, _ = log.Bucket(eventlog.Jobs).Put(t.Context(), "key", []byte("value")) })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
