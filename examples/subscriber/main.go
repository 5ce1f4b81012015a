// Command subscriber is an example of a service that reacts to imports: it writes one welcome mail
// for each imported license, exactly once, also when it or the server is killed.
//
//	export NATS_TOKEN="$(cat data/nats.token)"
//	go run ./examples/subscriber nats://127.0.0.1:4222 outbox.jsonl
//
// The "mails" are lines of a file, the outbox. The stream delivers each event at least once, so this
// program deduplicates: the outbox is also the record of what was sent. A line is on disk before
// its event is acknowledged. After a crash in between the event is redelivered and found in the
// outbox. With a real mail provider, send the event's id as the idempotency key: the provider then
// deduplicates.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// event has the fields of a LicenseImported that this service uses. It ignores unknown fields:
// later versions may add some.
type event struct {
	ID   string // the same on every redelivery
	Type string
	Data struct {
		License struct {
			Key string `json:"license_key"`
		}
		Product struct {
			Code string `json:"short_code"`
		}
		Customer *struct {
			Email string
			Name  string `json:"first_name"`
		}
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: subscriber NATS-URL OUTBOX-FILE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "subscriber:", err)
		os.Exit(1)
	}
}

// run sends mails until ctx ends. Any error ends it: a supervisor starts it again.
func run(ctx context.Context, url, path string) error {
	out, err := openOutbox(path)
	if err != nil {
		return err
	}
	defer out.close()
	nc, err := nats.Connect(url, nats.Token(os.Getenv("NATS_TOKEN")), nats.Name("welcome-mail"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	events, err := subscribe(ctx, js)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, events.Stop)
	defer stop()
	for {
		message, err := events.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		err = handle(out, message)
		if err != nil && setAside(ctx, js, message) {
			err = message.Ack()
		}
		if err != nil {
			return err
		}
	}
}

// subscribe creates the durable consumer or finds it: the server stores what was acknowledged.
func subscribe(ctx context.Context, js jetstream.JetStream) (jetstream.MessagesContext, error) {
	consumer, err := js.CreateOrUpdateConsumer(ctx, "LICENSES", jetstream.ConsumerConfig{
		Durable: "welcome-mail", FilterSubject: "licenses.>",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: 5 * time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("the stream's consumer: %w", err)
	}
	return consumer.Messages()
}

// handle sends the mail unless it was sent before, and then acknowledges the event.
func handle(out *outbox, message jetstream.Msg) error {
	var e event
	if err := json.Unmarshal(message.Data(), &e); err != nil {
		return fmt.Errorf("an event that cannot be read, at %s: %w", message.Subject(), err)
	}
	switch e.Type {
	case "LicenseImported":
		if err := welcome(out, e); err != nil {
			return err
		}
	case "LicenseUpdated", "LicenseRestored", "LicenseRevoked": // no reason for a welcome
	default:
		return fmt.Errorf("an event of type %s: this program is too old for it", e.Type)
	}
	return message.Ack()
}

// setAside reports whether an operator has decided that readers leave a message out: it is not
// licenseimport's.
func setAside(ctx context.Context, js jetstream.JetStream, message jetstream.Msg) bool {
	meta, err := message.Metadata()
	if err != nil {
		return false
	}
	stream, err := js.Stream(ctx, "LICENSES")
	if err != nil {
		return false
	}
	decision, err := stream.GetLastMsgForSubject(ctx, fmt.Sprintf("operations.set_aside.%d", meta.Sequence.Stream))
	if err != nil {
		return false
	}
	var e event
	return json.Unmarshal(decision.Data, &e) == nil && e.Type == "EventSetAside"
}

func welcome(out *outbox, e event) error {
	c := e.Data.Customer
	if c == nil || c.Email == "" {
		return nil
	}
	text := fmt.Sprintf("Welcome, %s! Your license for %s is %s.", c.Name, e.Data.Product.Code, e.Data.License.Key)
	return out.send(mail{ID: e.ID, To: c.Email, Text: text})
}
