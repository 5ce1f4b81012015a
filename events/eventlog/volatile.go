package eventlog

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The buckets that nothing depends on. They are in no backup, and their loss is none: Open makes those that
// are missing.
const (
	Sessions = "sessions"  // of people who stay signed in, by digest
	LastUsed = "last_used" // when each key was used, by its prefix: the time of the entry
)

// SessionTTL is how long an entry of [Sessions] lives.
const SessionTTL = 12 * time.Hour

var volatileBuckets = []jetstream.KeyValueConfig{
	{Bucket: Sessions, History: 1, Storage: jetstream.FileStorage, TTL: SessionTTL},
	{Bucket: LastUsed, History: 1, Storage: jetstream.FileStorage},
}

// volatileTimeout bounds the making of one bucket. A user without the right to make one gets no response.
const volatileTimeout = time.Second

// setUpVolatile makes the volatile buckets that are missing, and brings their replicas to the wanted
// number. Without one the log works.
func (l *Log) setUpVolatile(ctx context.Context) {
	for _, want := range volatileBuckets {
		within, cancel := context.WithTimeout(ctx, volatileTimeout)
		stream, err := l.js.Stream(within, "KV_"+want.Bucket)
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
			want.Replicas = max(l.replicas, 1)
			_, err = l.js.CreateKeyValue(within, want)
		case err == nil && l.replicas != 0 && stream.CachedInfo().Config.Replicas != l.replicas:
			config := stream.CachedInfo().Config
			config.Replicas = l.replicas
			_, err = l.js.UpdateStream(within, config)
		}
		cancel()
		if err != nil && ctx.Err() == nil && !errors.Is(err, jetstream.ErrBucketExists) {
			slog.Warn("a bucket is missing, or has not the wanted replicas: sign-ins may not last, or it is not known when keys are used; start once as a user that may change streams",
				"bucket", want.Bucket, "error", err)
		}
	}
}
