package eventlogtest

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// Requests are what all clients of a server ask of it, those of one client in their order.
type Requests struct {
	t   testing.TB
	sub *nats.Subscription
}

// WatchRequests receives the messages at a subject, which may have wildcards, until the test ends.
func WatchRequests(t testing.TB, url, subject string) *Requests {
	t.Helper()
	conn := Connect(t, url)
	sub, err := conn.SubscribeSync(subject)
	if err == nil {
		err = conn.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return &Requests{t, sub}
}

// Until counts the requests before the next one that contains a text: one that the test has made after them.
func (r *Requests) Until(text string) (n int) {
	r.t.Helper()
	for {
		m, err := r.sub.NextMsg(time.Minute)
		if err != nil {
			r.t.Fatal(err)
		}
		if strings.Contains(string(m.Data), text) {
			return n
		}
		n++
	}
}
