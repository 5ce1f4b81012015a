package contracttest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"licenseimport/internal/openapi/openapitest"
)

// TestReaderUser: with the users of docs/events.md another service can read and acknowledge. It can publish nothing, and
// take nothing from the consumers that licenseimport's processes share.
func TestReaderUser(t *testing.T) {
	t.Setenv("NATS_PASSWORD", "writer")
	t.Setenv("WELCOME_PASSWORD", "reader")
	address := startDocumentedServer(t)
	s := serve(t, "--nats-url", "nats://licenseimport:writer@"+address)
	m := &management{T: t, base: s.url, key: s.admin, http: openapitest.Client(t, nil)}
	m.finish(m.importFromCSV("two.csv", []byte("license__license_key,product__short_code\nA,psc\nB,psc\n")))

	denied := make(chan error, 100)
	onError := nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err })
	nc, err := nats.Connect("nats://welcome-mail:reader@"+address, onError)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	readTwice(t, nc)
	subjects := []string{"licenses.psc.C"}
	for _, ours := range []string{"processor", "turn_ROWS", "turn_LICENSES"} {
		subjects = append(subjects,
			"$JS.API.CONSUMER.CREATE.LICENSES."+ours, "$JS.API.CONSUMER.CREATE.LICENSES."+ours+".licenses.>",
			"$JS.API.CONSUMER.MSG.NEXT.LICENSES."+ours, "$JS.ACK.LICENSES."+ours+".1.1.1.1.1")
	}
	for _, subject := range subjects {
		if err := nc.Publish(subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < len(subjects); {
		select {
		case err := <-denied: // also an ordered consumer that may not delete the one before it
			if errors.Is(err, nats.ErrPermissionViolation) && strings.Contains(err.Error(), `"`+subjects[i]+`"`) {
				i++
			}
		case <-time.After(patience):
			t.Fatalf("it may publish at %s", subjects[i])
		}
	}
}

// startDocumentedServer starts NATS with the configuration that docs/events.md shows.
func startDocumentedServer(t *testing.T) (address string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(page), "```conf\n")
	config, _, closed := strings.Cut(after, "```")
	path := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil || !found || !closed {
		t.Fatal("no configuration", err)
	}
	o, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o.Host, o.Port, o.JetStream, o.StoreDir, o.NoSigs, o.NoLog = "127.0.0.1", -1, true, t.TempDir(), true, true
	node, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	node.Start()
	t.Cleanup(func() { node.Shutdown(); node.WaitForShutdown() })
	eventually(t, "the NATS server", func() bool { return node.Addr() != nil })
	return node.Addr().String()
}

// readTwice reads both licenses by a durable consumer, which is then done, and in order.
func readTwice(t *testing.T, nc *nats.Conn) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	durable, err := js.CreateOrUpdateConsumer(t.Context(), "LICENSES", jetstream.ConsumerConfig{Durable: "w", FilterSubject: "licenses.>"})
	if err != nil {
		t.Fatal(err)
	}
	ordered, err := js.OrderedConsumer(t.Context(), "LICENSES", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"licenses.>"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		message, err := durable.Next()
		if err == nil {
			err = message.DoubleAck(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ordered.Next(); err != nil {
			t.Fatal(err)
		}
	}
}
