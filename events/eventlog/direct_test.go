package eventlog

import (
	"context"
	"testing"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// TestDirectReads: what a process reads in its own server's store survives that server's end, and comes without a
// hint, too.
func TestDirectReads(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	server := log.server
	stream := log.directStream(events.LicensesStream)
	if stream == nil {
		t.Fatal("the stream is read through the protocol")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan Message, 10)
	go func() {
		_ = log.Follow(ctx, 0, nil, func(m Message) error { got <- m; return nil })
	}()
	next := func(subject string) {
		t.Helper()
		select {
		case m := <-got:
			if m.Subject != subject || m.Pending != 0 || time.Since(m.Time) > time.Minute {
				t.Errorf("%+v, want %s", m, subject)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("the message does not arrive")
		}
	}
	if _, err := log.js.Publish(t.Context(), "licenses.psc.KEY", []byte("{}")); err != nil { // which is no hint
		t.Fatal(err)
	}
	next("licenses.psc.KEY")
	server.running().Shutdown()
	server.full.Store(true) // as after a write that failed, so that the server is started again
	awaitTrue(t, "another server", func() bool { return server.CheckFreeSpace() == nil })
	if log.directStream(events.LicensesStream) == stream {
		t.Error("the stream of the server that ended is used")
	}
	if _, err := log.AppendFact(t.Context(), 7, events.StartedSubject(7), []byte("{}"), 0); err != nil {
		t.Fatal(err)
	}
	next(events.StartedSubject(7))
	found := 0
	err := log.Lookup(t.Context(), []string{"licenses.psc.KEY", "licenses.psc.NONE"}, func(Message) error { found++; return nil })
	if err != nil || found != 1 {
		t.Errorf("%d found, %v", found, err)
	}
}

// TestDirectReadsEndWithTheirStream: a stream that was deleted is not read any more, also where another one has
// its name.
func TestDirectReadsEndWithTheirStream(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	for _, body := range []string{"old", "new"} {
		if _, err := log.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := log.js.Publish(t.Context(), "other", []byte(body)); err != nil {
			t.Fatal(err)
		}
		read := ""
		err := log.messagesAt(t.Context(), "OTHER", []events.Seq{1}, func(m Message) error { read = string(m.Data); return nil })
		if err != nil || read != body {
			t.Errorf("%q, %v; want %q", read, err, body)
		}
		if err := log.js.DeleteStream(t.Context(), "OTHER"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFactsThatAreMissing: within the server's process a fact that is not there takes no request. A server that has
// ended says nothing of what it has.
func TestFactsThatAreMissing(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	if _, err := log.AppendFact(t.Context(), 7, events.StartedSubject(7), []byte("{}"), 0); err != nil {
		t.Fatal(err)
	}
	requests, err := log.conn.SubscribeSync("$JS.API.STREAM.MSG.GET.>")
	if err != nil {
		t.Fatal(err)
	}
	for subject, want := range map[string]bool{
		events.StartedSubject(7): true, events.FactsFilter(7): true,
		events.SealedSubject(7): false, events.FactsFilter(8): false,
	} {
		if _, found, err := log.Fact(t.Context(), subject); found != want || err != nil {
			t.Errorf("%s: %t, %v", subject, found, err)
		}
	}
	if _, found, err := log.LastRow(t.Context(), 7); found || err != nil {
		t.Errorf("a row: %t, %v", found, err)
	}
	if _, found, err := log.Fact(t.Context(), events.SealedFilter); found || err != nil {
		t.Errorf("a seal: %t, %v", found, err)
	}
	log.flush()
	if n, _, _ := requests.Pending(); n != 3 {
		t.Errorf("%d requests for 2 facts that are there, and the seals of all imports", n)
	}
	log.server.running().Shutdown()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := log.Fact(ctx, events.SealedSubject(7)); err == nil {
		t.Error("a server that has ended has no such fact")
	}
}

// TestBucketWithoutConnection: a write waits for the connection, also where the bucket was found before.
func TestBucketWithoutConnection(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	bucket, server := log.Bucket(Products), log.server
	if _, err := bucket.Put(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	server.running().Shutdown()
	awaitTrue(t, "a connection that is lost", func() bool { return !log.conn.IsConnected() })
	server.full.Store(true) // so that the server is started again
	if _, err := bucket.Put(t.Context(), "b", nil); err != nil {
		t.Error(err)
	}
}

// TestDirectSourceWithoutConnection: a cursor that could not open a source has none.
func TestDirectSourceWithoutConnection(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	log.conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	c := log.newCursor(events.LicensesStream, nil, 0)
	defer c.stop()
	if m, err := c.next(ctx, 0); err == nil {
		t.Errorf("%+v without a connection", m)
	}
}
