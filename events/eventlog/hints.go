package eventlog

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
)

// JobIDSubjects match the messages that allocate job ids.
var JobIDSubjects = bucketPrefix(Jobs) + ">"

// SubscribeHints calls fn for every message that is published at the subjects, until ctx ends. It
// is a core NATS subscription: earlier than the stream and lossy. It delivers messages that a
// stream then refuses, and misses those that are published while the connection is down. Use it for
// hints, never for facts. Several goroutines call fn.
func (l *Log) SubscribeHints(ctx context.Context, subjects []string, fn func(subject string, body []byte)) error {
	for _, subject := range subjects {
		sub, err := l.conn.Subscribe(subject, func(m *nats.Msg) { fn(m.Subject, m.Data) })
		if err != nil {
			return fmt.Errorf("subscribe to %s: %w", subject, err)
		}
		defer func() { _ = sub.Unsubscribe() }() // without a connection there is no subscription
	}
	<-ctx.Done()
	return nil
}
