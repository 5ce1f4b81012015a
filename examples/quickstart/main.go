// Command quickstart keeps a copy of all licenses, and prints each change of it.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// entry is a license as this service knows it.
type entry struct {
	sequence uint64         // of the event that it comes from
	license  map[string]any // nil: taken back
}

func main() {
	nc, err := nats.Connect(cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL), nats.Token(os.Getenv("NATS_TOKEN")))
	check(err)
	js, err := jetstream.New(nc)
	check(err)
	consumer, err := js.CreateOrUpdateConsumer(context.Background(), "LICENSES", jetstream.ConsumerConfig{
		Durable: "my-service", FilterSubject: "licenses.>", AckPolicy: jetstream.AckExplicitPolicy,
	})
	check(err)
	messages, err := consumer.Messages()
	check(err)
	licenses := map[string]entry{} // by subject; use a table of your database
	for {
		message, err := messages.Next()
		check(err)
		meta, err := message.Metadata()
		check(err)
		if sequence := meta.Sequence.Stream; sequence > licenses[message.Subject()].sequence { // else delivered again
			kind, license := read(message.Data())
			licenses[message.Subject()] = entry{sequence, license}
			fmt.Println(kind, message.Subject(), license["max_activations"])
		}
		check(message.Ack()) // after the copy is stored
	}
}

// read returns an event's type and the whole license after it, or nil if it was taken back.
func read(body []byte) (kind string, license map[string]any) {
	var event struct {
		Type string
		Data struct{ License map[string]any }
	}
	check(json.Unmarshal(body, &event))
	switch event.Type {
	case "LicenseImported", "LicenseUpdated", "LicenseRestored":
		return event.Type, event.Data.License
	case "LicenseRevoked":
		return event.Type, nil
	}
	log.Fatalf("an event of type %s: this program is too old for it", event.Type)
	return "", nil
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
