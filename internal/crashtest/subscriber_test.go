//go:build unix

package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"licenseimport/events"
)

// TestSubscriberSeesEachLicenseOnce runs another service, that acts once on each
// license, and kills it again and again while two files are imported.
func TestSubscriberSeesEachLicenseOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	acts := filepath.Join(t.TempDir(), "acts")
	must(t, os.WriteFile(acts, nil, 0o600))
	service := newProcess(t, "service")
	service.path = os.Args[0]
	service.env = append(service.env, subscriberURL+"="+s.nats, subscriberFile+"="+acts)
	must(t, service.start())

	var files []*file
	for _, name := range []string{"first", "second"} {
		f := shape{name: name, rows: 3000, shared: 10, pool: 100, seed: 1}.generate()
		must(t, s.client.send(t.Context(), f, attempt{}))
		files = append(files, f)
	}
	for _, reached := range []int{1, 700, 1900, 3100, 4300} {
		must(t, waitFor(fmt.Sprintf("%d acts", reached), func() error { return acted(acts, reached) }))
		service.kill()
		must(t, service.start())
	}
	imported := verify(t, s.nats, s.client, files...).Imported
	must(t, waitFor("an act for each license", func() error { return acted(acts, imported) }))
	wanted := map[string]bool{}
	must(t, follow(s.nats, false, func(s Stored) error {
		if license, ok := s.Event.(*events.LicenseImported); ok {
			wanted[license.ID()] = true
		}
		return nil
	}))
	done, again := readActs(t, acts)
	for _, id := range done {
		if !wanted[id] {
			t.Errorf("an act for %s, which was acted on already or is no license", id)
		}
		delete(wanted, id)
	}
	if len(wanted) > 0 {
		t.Errorf("%d licenses without an act", len(wanted))
	}
	t.Logf("%d acts, %d redeliveries told by their id", len(done), again)
}

// acted tells whether the file has so many acts.
func acted(path string, wanted int) error {
	text, err := os.ReadFile(path)
	if n := strings.Count(string(text), actPrefix); err == nil && n < wanted {
		err = fmt.Errorf("there are %d of %d", n, wanted)
	}
	return err
}

func readActs(t *testing.T, path string) (done []string, again int) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	for line := range strings.Lines(string(text)) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), actPrefix); ok {
			done = append(done, id)
		} else {
			again++
		}
	}
	return done, again
}

// From here on: the other service, which knows nothing of this module but the
// README. It runs in a separate process of this test binary.

const (
	subscriberURL  = "CRASHTEST_SUBSCRIBER"
	subscriberFile = "CRASHTEST_SUBSCRIBER_FILE"

	actPrefix   = "act "
	againPrefix = "again "
)

// subscribe acts on each license: it writes the event's id to the file. What it
// has written it knows by the id, so that a redelivery does nothing.
func subscribe(url, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), actPrefix); ok {
			done[id] = true
		}
	}
	out, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return consume(url, func(id string) error {
		prefix := actPrefix
		if done[id] {
			prefix = againPrefix
		}
		done[id] = true
		_, err := out.WriteString(prefix + id + "\n") // one write: a crash leaves no half line
		return err
	})
}

// consume calls act for each license, once at least. It acknowledges twenty at a
// time, so that a crash comes often between an act and its acknowledgement.
func consume(url string, act func(id string) error) error {
	conn, err := nats.Connect(url)
	if err != nil {
		return err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	consumer, err := js.CreateOrUpdateConsumer(context.Background(), "LICENSES", jetstream.ConsumerConfig{
		Durable: "welcome-mail", FilterSubject: "licenses.>", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Second,
	})
	if err != nil {
		return err
	}
	for {
		messages, err := consumer.Fetch(20, jetstream.FetchMaxWait(time.Second))
		if err != nil {
			return err
		}
		if err := actOn(messages, act); err != nil {
			return err
		}
	}
}

func actOn(messages jetstream.MessageBatch, act func(id string) error) error {
	var acted []jetstream.Msg
	for m := range messages.Messages() {
		var event struct{ ID string }
		if err := json.Unmarshal(m.Data(), &event); err != nil {
			return err
		}
		if event.ID == "" {
			return errors.New("an event without an id")
		}
		if err := act(event.ID); err != nil {
			return err
		}
		acted = append(acted, m)
	}
	for _, m := range acted {
		if err := m.Ack(); err != nil {
			return err
		}
	}
	return messages.Error()
}
