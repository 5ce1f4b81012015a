package eventlog

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
)

// JobIDSubjects are the subjects at which the ids of jobs are drawn.
var JobIDSubjects = bucketPrefix(Jobs) + ">"

// SubscribeHints gives fn what is published at the subjects, at once, until ctx ends. It is earlier than
// the streams, and wrong at times: what a stream will refuse is heard, and what is published while
// the connection is lost is not. So it is for hints, never for facts. fn is called by several goroutines.
func (l *Log) SubscribeHints(ctx context.Context, subjects []string, fn func(subject string, body []byte)) error {
	for _, subject := range subjects {
		sub, err := l.conn.Subscribe(subject, func(m *nats.Msg) { fn(m.Subject, m.Data) })
		if err != nil {
			return fmt.Errorf("listen to %s: %w", subject, err)
		}
		defer func() { _ = sub.Unsubscribe() }() // without a connection there is nothing to end
	}
	<-ctx.Done()
	return nil
}
