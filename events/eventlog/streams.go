package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The buckets.
const (
	Managers = "managers" // keys of the API, by digest
	Products = "products" // the catalogue, by short code
	Jobs     = "jobs"     // idempotency keys; the revision of an entry is its job's id
)

// The streams. Messages do not expire. Only ROWS may be purged, job by job; nothing deletes from
// LICENSES.
var streams = []jetstream.StreamConfig{
	{
		Name:               events.RowsStream,
		Description:        "every row of every upload, as it came",
		Subjects:           events.RowsSubjects,
		Storage:            jetstream.FileStorage,
		Retention:          jetstream.LimitsPolicy,
		AllowAtomicPublish: true,
		AllowDirect:        true,
		DenyDelete:         true,
		Duplicates:         time.Second, // no message ids are used
	},
	{
		Name:               events.LicensesStream,
		Description:        "every fact: the one source of truth",
		Subjects:           events.LicensesSubjects,
		Storage:            jetstream.FileStorage,
		Retention:          jetstream.LimitsPolicy,
		AllowAtomicPublish: true,
		AllowDirect:        true,
		DenyDelete:         true,
		DenyPurge:          true,
		Duplicates:         time.Second,
	},
}

// The buckets' settings. An idempotency key expires after a day. The TTL is the bucket's, because
// an update drops the TTL of a key.
var buckets = []jetstream.KeyValueConfig{
	{Bucket: Managers, History: 1, Storage: jetstream.FileStorage},
	{Bucket: Products, History: 1, Storage: jetstream.FileStorage},
	{Bucket: Jobs, History: 1, Storage: jetstream.FileStorage, TTL: 24 * time.Hour},
}

// setUp creates what is missing. replicas 0: one for new streams, unchanged for existing ones.
func setUp(ctx context.Context, js jetstream.JetStream, replicas int) error {
	for _, config := range streams {
		if err := setUpStream(ctx, js, config, replicas); err != nil {
			return fmt.Errorf("stream %s: %w", config.Name, err)
		}
	}
	for _, config := range buckets {
		if err := setUpBucket(ctx, js, config, replicas); err != nil {
			return fmt.Errorf("bucket %s: %w", config.Bucket, err)
		}
	}
	return nil
}

func setUpStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig, replicas int) error {
	stream, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		want.Replicas = max(replicas, 1)
		stream, err = js.CreateStream(ctx, want)
	}
	if err != nil {
		return err
	}
	have := stream.CachedInfo().Config
	if err := usable(have, want); err != nil {
		return err
	}
	if have, err = addSubjects(ctx, js, have, want.Subjects); err != nil {
		return err
	}
	return replicate(ctx, js, have, replicas)
}

// addSubjects adds the subjects that a stream of an earlier version lacks. A user who may not
// change streams goes on without them: the operator's user adds them.
func addSubjects(ctx context.Context, js jetstream.JetStream, have jetstream.StreamConfig, want []string) (jetstream.StreamConfig, error) {
	if len(have.Subjects) == len(want) {
		return have, nil
	}
	next := have
	next.Subjects = want
	_, err := js.UpdateStream(ctx, next)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) {
		slog.Warn("the stream has the subjects of an earlier version: run a command with a user who may change streams",
			"stream", have.Name, "subjects", want)
		return have, nil
	}
	if err != nil {
		return have, fmt.Errorf("add its subjects: %w", err)
	}
	slog.Info("added the stream's new subjects", "stream", have.Name, "subjects", want)
	return next, nil
}

// replicate changes the number of a stream's replicas; 0: unchanged.
func replicate(ctx context.Context, js jetstream.JetStream, have jetstream.StreamConfig, replicas int) error {
	if replicas == 0 || have.Replicas == replicas {
		return nil
	}
	have.Replicas = replicas
	_, err := js.UpdateStream(ctx, have)
	return err
}

// usable returns an error if a stream's settings break a promise of this package.
func usable(have, want jetstream.StreamConfig) error {
	wrong := func(setting string, value any) error {
		return fmt.Errorf("it exists with unusable settings: %s is %v", setting, value)
	}
	foreign := func(subject string) bool { return !slices.Contains(want.Subjects, subject) }
	switch {
	case len(have.Subjects) == 0 || slices.ContainsFunc(have.Subjects, foreign):
		return wrong("subjects", have.Subjects)
	case !have.AllowAtomicPublish:
		return errors.New("it does not accept atomic batches: NATS server 2.12 or later is needed, 2.14 recommended")
	case !have.AllowDirect:
		return wrong("allow_direct", false)
	case have.Storage != want.Storage:
		return wrong("storage", have.Storage)
	case have.Retention != want.Retention:
		return wrong("retention", have.Retention)
	case have.MaxAge != 0 || have.MaxMsgs > 0 || have.MaxBytes > 0 || have.MaxMsgsPerSubject > 0:
		return wrong("a limit", "set")
	case have.Sealed || have.Mirror != nil || len(have.Sources) > 0:
		return wrong("sealed, a mirror or sourced", true)
	}
	return nil
}

func setUpBucket(ctx context.Context, js jetstream.JetStream, want jetstream.KeyValueConfig, replicas int) error {
	stream, err := js.Stream(ctx, "KV_"+want.Bucket)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		want.Replicas = max(replicas, 1)
		_, err = js.CreateKeyValue(ctx, want)
		return err
	}
	if err != nil {
		return err
	}
	have := stream.CachedInfo().Config
	if err := usableBucket(have, want); err != nil {
		return err
	}
	return replicate(ctx, js, have, replicas)
}

func usableBucket(have jetstream.StreamConfig, want jetstream.KeyValueConfig) error {
	if have.MaxAge != want.TTL {
		return fmt.Errorf("it exists with unusable settings: max_age is %v, not %v", have.MaxAge, want.TTL)
	}
	return nil
}
