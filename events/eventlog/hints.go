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
	unsubscribe, err := l.subscribe(subjects, fn)
	if err != nil {
		return err
	}
	defer unsubscribe()
	<-ctx.Done()
	return nil
}

// subscribe is SubscribeHints until unsubscribe is called.
func (l *Log) subscribe(subjects []string, fn func(subject string, body []byte)) (unsubscribe func(), err error) {
	var subs []*nats.Subscription
	unsubscribe = func() {
		for _, sub := range subs {
			_ = sub.Unsubscribe() // without a connection there is no subscription
		}
	}
	for _, subject := range subjects {
		sub, err := l.conn.Subscribe(subject, func(m *nats.Msg) { fn(m.Subject, m.Data) })
		if err != nil {
			unsubscribe()
			return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
		}
		subs = append(subs, sub)
	}
	return unsubscribe, nil
}
