package eventlog

import (
	"context"
	"time"

	"licenseimport/internal/retry"
)

// serverRetry paces the attempts at requests to the server.
var serverRetry = retry.Policy{
	First:     20 * time.Millisecond,
	Max:       time.Second,
	Jitter:    0.5,
	Permanent: func(err error) bool { return !transient(err) },
}

// retryUntilDone calls f until it succeeds, fails with a permanent error, or ctx ends. Each attempt
// has at most the time of try.
func (l *Log) retryUntilDone(ctx context.Context, try time.Duration, f func(ctx context.Context) error) error {
	return serverRetry.Do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, try)
		defer cancel()
		return f(ctx)
	})
}

// readTries is how many times a read is sent, at least, in the time of one request. A replica that
// does not lead leaves a request without an answer, so a longer wait does not help while the
// leader changes.
const readTries = 5

// retryWithTimeout is retryUntilDone for a read: all attempts together have the time of one
// request.
func (l *Log) retryWithTimeout(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	return l.retryUntilDone(ctx, l.timeout/readTries, f)
}
