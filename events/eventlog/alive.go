package eventlog

import (
	"context"
	"fmt"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
)

// aliveSubject is where the process that receives a job's upload responds. It is core NATS: no
// stream stores it.
func aliveSubject(job events.JobID) string { return "uploads." + job.String() + ".alive" }

// AnswerAlive responds to [Log.UploadAlive] about a job, from any process, until stop is called or
// this process ends.
func (l *Log) AnswerAlive(job events.JobID) (stop func(), err error) {
	sub, err := l.conn.Subscribe(aliveSubject(job), func(m *nats.Msg) {
		_ = m.Respond(nil) // who asks will ask again
	})
	if err != nil {
		return nil, fmt.Errorf("respond for the upload of job %d: %w", job, err)
	}
	l.flush()
	return func() {
		_ = sub.Unsubscribe() // without a connection there is no subscription
		l.flush()
	}, nil
}

// flush waits until the server has what this process sent. Without a connection there is nothing to
// wait for: the client subscribes again when it reconnects.
func (l *Log) flush() {
	if l.conn.IsConnected() {
		_ = l.conn.FlushTimeout(l.timeout)
	}
}

// UploadAlive reports whether a process responds that it receives the job's upload. It waits at most
// the time of one request; where no process has called [Log.AnswerAlive] the server says so at once.
// A response can be lost: ask more than once before you conclude.
func (l *Log) UploadAlive(ctx context.Context, job events.JobID) bool {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	_, err := l.conn.RequestWithContext(ctx, aliveSubject(job), nil)
	return err == nil
}
