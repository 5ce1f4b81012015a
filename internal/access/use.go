package access

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"licenseimport/events/eventlog"
)

// useInterval is the time between two writes of one process that a key was used.
const useInterval = time.Minute

// Uses knows when each key was used last, to the minute. A process writes at most once a minute for each
// key, in the background, whatever the number of requests: the entry's own time says when.
type Uses struct {
	bucket *eventlog.Bucket

	mu      sync.Mutex
	written map[string]time.Time // by prefix: the last write of this process
}

// OpenUses opens the times of use in a log. It makes no request.
func OpenUses(log *eventlog.Log) *Uses {
	return &Uses{bucket: log.Bucket(eventlog.LastUsed), written: map[string]time.Time{}}
}

// note remembers that a key is used now. A write that fails is repeated by the next use a minute later.
func (u *Uses) note(prefix string) {
	now := time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Sub(u.written[prefix]) < useInterval {
		return
	}
	if len(u.written) >= maxEntries {
		clear(u.written)
	}
	u.written[prefix] = now
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), useInterval/2)
		defer cancel()
		if _, err := u.bucket.Put(ctx, prefix, nil); err != nil {
			slog.Debug("it could not be stored that a key was used", "key", prefix, "error", err)
		}
	}()
}

// Last returns when each key was used last, by prefix: of all processes, up to a minute late.
func (u *Uses) Last(ctx context.Context) (map[string]time.Time, error) {
	entries, err := u.bucket.List(ctx)
	if err != nil {
		return nil, err
	}
	last := map[string]time.Time{}
	for _, e := range entries {
		last[e.Key] = e.Created
	}
	return last, nil
}
