package eventlogtest

import (
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
)

// CountRequests counts the messages at a subject, which may have wildcards, until the test ends. What a client has asked
// for is counted some time after it has the answer.
func CountRequests(t testing.TB, url, subject string) *atomic.Int64 {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	n := new(atomic.Int64)
	if _, err := conn.Subscribe(subject, func(*nats.Msg) { n.Add(1) }); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return n
}
