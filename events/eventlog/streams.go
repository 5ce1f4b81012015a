package eventlog

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// The buckets.
const (
	Managers = "managers" // keys of the API, by digest
	Products = "products" // the catalogue, by short code
	Mappings = "mappings" // saved mappings, by name
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

// fastRowsConfig is the stream ROWS of the embedded server. It takes fast batches: the server acknowledges
// rows that are in its memory and writes them a moment later. [Log.SyncRows] makes them durable.
func fastRowsConfig() jetstream.StreamConfig {
	config := streams[0]
	config.AllowAtomicPublish = false // excluded by the persist mode
	config.AllowBatchPublish = true
	config.PersistMode = jetstream.AsyncPersistMode
	return config
}

// fast reports whether a stream is a ROWS as fastRowsConfig has it.
func fast(have jetstream.StreamConfig) bool {
	return have.Name == events.RowsStream && have.PersistMode == jetstream.AsyncPersistMode && have.AllowBatchPublish
}

// The buckets' settings. An idempotency key expires after a day. The TTL is the bucket's, because
// an update drops the TTL of a key.
var buckets = []jetstream.KeyValueConfig{
	{Bucket: Managers, History: 1, Storage: jetstream.FileStorage},
	{Bucket: Products, History: 1, Storage: jetstream.FileStorage},
	{Bucket: Mappings, History: 1, Storage: jetstream.FileStorage},
	{Bucket: Jobs, History: 1, Storage: jetstream.FileStorage, TTL: 24 * time.Hour},
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
	case !have.AllowAtomicPublish && !fast(have):
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

func usableBucket(have jetstream.StreamConfig, want jetstream.KeyValueConfig) error {
	if have.MaxAge != want.TTL {
		return fmt.Errorf("it exists with unusable settings: max_age is %v, not %v", have.MaxAge, want.TTL)
	}
	return nil
}
