// Command replay is an example of a projection, a state made from the stream: the number of
// licenses for each product and month in which they were imported.
//
//	export NATS_TOKEN="$(cat data/nats.token)"
//	go run ./examples/replay nats://127.0.0.1:4222
//
// It reads the events of all licenses, in the order of the stream, up to the last one at its start,
// and stores nothing: the next run reads them all again. A state that can be made again needs no
// backup, and fixing the program fixes the state. A long-running service stores the last sequence
// together with its state and continues from there.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// month of a product.
type month struct{ product, month string }

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: replay NATS-URL")
		os.Exit(2)
	}
	licenses, err := replay(context.Background(), os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
	show(os.Stdout, licenses)
}

// replay folds the stream from its first event to its last one at the start. The state is the month
// of each license that exists, by the license's subject.
func replay(ctx context.Context, url string) (map[string]month, error) {
	nc, err := nats.Connect(url, nats.Token(os.Getenv("NATS_TOKEN")), nats.Name("replay"))
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	// An ordered consumer: no gap, no duplicate, or an error.
	consumer, err := js.OrderedConsumer(ctx, "LICENSES", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"licenses.>"}})
	if err != nil {
		return nil, err
	}
	events, err := consumer.Messages()
	if err != nil {
		return nil, err
	}
	defer events.Stop()
	licenses := map[string]month{}
	for left := consumer.CachedInfo().NumPending; left > 0; left-- {
		message, err := events.Next()
		if err != nil {
			return nil, err
		}
		if err := apply(licenses, message.Subject(), message.Data()); err != nil && !setAside(ctx, js, message) {
			return nil, fmt.Errorf("%s: %w", message.Subject(), err)
		}
	}
	return licenses, nil
}

// apply folds one event into the state.
func apply(licenses map[string]month, subject string, body []byte) error {
	var event struct {
		Type string
		Time time.Time
		Data struct {
			Product struct {
				Code string `json:"short_code"`
			}
		}
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return err
	}
	switch event.Type {
	case "LicenseImported":
		licenses[subject] = month{event.Data.Product.Code, event.Time.UTC().Format("2006-01")}
	case "LicenseUpdated", "LicenseRestored": // neither the product nor the month of the import changes
	case "LicenseRevoked":
		delete(licenses, subject)
	default:
		return fmt.Errorf("an event of type %s: this program is too old for it", event.Type)
	}
	return nil
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
	var event struct{ Type string }
	return json.Unmarshal(decision.Data, &event) == nil && event.Type == "EventSetAside"
}

func show(w io.Writer, licenses map[string]month) {
	counts := map[month]int{}
	for _, m := range licenses {
		counts[m]++
	}
	order := func(a, b month) int { return strings.Compare(a.product+"\x00"+a.month, b.product+"\x00"+b.month) }
	for _, m := range slices.SortedFunc(maps.Keys(counts), order) {
		fmt.Fprintf(w, "%s\t%s\t%d\n", m.product, m.month, counts[m])
	}
}
