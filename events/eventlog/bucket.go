package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Bucket is a small table of keys and values. Each write has a revision. Revisions grow over the
// whole bucket, also when keys are deleted or expire. A key has 1 to 255 characters of A-Z a-z 0-9
// - _ = / and, except at its ends, dots.
type Bucket struct {
	log  *Log
	name string

	mu     sync.Mutex
	opened jetstream.KeyValue // nil: not yet
}

// An Entry is one key of a bucket.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64
	Created  time.Time // when this revision was written, UTC
	Deleted  bool      // the revision removed the key; only a RecordedBucket meets such an entry
}

// Bucket returns one of the buckets: [Managers], [Products], [Mappings], [Jobs],
// [Sessions] or [LastUsed].
func (l *Log) Bucket(name string) *Bucket { return &Bucket{log: l, name: name} }

// Get reads a key from the leader. The error is [ErrNotFound] if the key is missing, deleted or
// expired.
func (b *Bucket) Get(ctx context.Context, key string) (Entry, error) {
	entry, err := b.last(ctx, key)
	if err == nil && entry.Deleted {
		return Entry{}, b.wrap("read", ErrNotFound)
	}
	return entry, err
}

// last is Get that returns the entry of a deleted key, too.
func (b *Bucket) last(ctx context.Context, key string) (Entry, error) {
	if err := checkKey(key); err != nil {
		return Entry{}, err
	}
	var entry Entry
	err := b.log.retryWithTimeout(ctx, func(ctx context.Context) error {
		request := getRequest{LastSubject: b.prefix() + key}
		response, header, err := b.log.requestMessage(ctx, "KV_"+b.name, request)
		if code(err) == codeNoMessage {
			return ErrNotFound
		}
		m := response.Message
		entry = Entry{
			Key: key, Value: m.Data, Revision: uint64(m.Seq), Created: m.Time,
			Deleted: header.Get("KV-Operation") != "" || header.Get("Nats-Marker-Reason") != "",
		}
		return err
	})
	return entry, b.wrap("read", err)
}

// Create writes a new key and returns its revision. The error is [ErrExists] if the key exists.
// After a timeout the key may be written; the next Create then returns ErrExists.
func (b *Bucket) Create(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	return b.write(ctx, func(ctx context.Context, kv jetstream.KeyValue) (uint64, error) {
		return kv.Create(ctx, key, value)
	})
}

// Update writes a key that has the given revision and returns the new one. The error is [ErrExists]
// if it has another.
func (b *Bucket) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return b.write(ctx, func(ctx context.Context, kv jetstream.KeyValue) (uint64, error) {
		return kv.Update(ctx, key, value, revision)
	})
}

// Put writes a key, new or not, and returns its revision.
func (b *Bucket) Put(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	return b.write(ctx, func(ctx context.Context, kv jetstream.KeyValue) (uint64, error) {
		return kv.Put(ctx, key, value)
	})
}

// Delete removes a key. A missing key is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	_, err := b.write(ctx, func(ctx context.Context, kv jetstream.KeyValue) (uint64, error) {
		return 0, kv.Delete(ctx, key)
	})
	return err
}

// List reads all keys with their values, by ascending revision. It holds every write that the bucket's
// leader had when List began.
func (b *Bucket) List(ctx context.Context) ([]Entry, error) { return b.list(ctx, false) }

func (b *Bucket) list(ctx context.Context, deleted bool) ([]Entry, error) {
	var entries []Entry
	err := b.log.retryWithTimeout(ctx, func(ctx context.Context) error {
		last, err := b.lastRevision(ctx)
		if err != nil {
			return err
		}
		entries, err = b.listUpTo(ctx, last, deleted)
		return err
	})
	return entries, b.wrap("list", err)
}

// errReplicaBehind says that the replica which was read lacks writes that the leader has.
var errReplicaBehind = errors.New("the replica that was read is behind")

// lastRevision is the revision of the leader's last message, deletions included; 0: it has none.
func (b *Bucket) lastRevision(ctx context.Context) (uint64, error) {
	response, _, err := b.log.requestMessage(ctx, "KV_"+b.name, getRequest{LastSubject: b.prefix() + ">"})
	if code(err) == codeNoMessage {
		return 0, nil
	}
	return uint64(response.Message.Seq), err
}

// listUpTo reads all keys from a replica, which has to hold at least this revision. A node that lost its disk
// answers while it is still copying the bucket: without the revision, most of the keys would seem not to
// exist.
func (b *Bucket) listUpTo(ctx context.Context, last uint64, deleted bool) ([]Entry, error) {
	kv, err := b.log.js.KeyValue(ctx, b.name)
	if err != nil {
		return nil, err
	}
	watcher, err := kv.WatchAll(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = watcher.Stop() }()
	var entries []Entry
	seen := uint64(0)
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case update, open := <-watcher.Updates():
			switch {
			case !open:
				return nil, errIncomplete
			case update == nil && seen < last:
				return nil, errReplicaBehind
			case update == nil: // the end of the current keys
				return entries, nil
			}
			seen = max(seen, update.Revision())
			isDeleted := update.Operation() != jetstream.KeyValuePut
			if isDeleted && !deleted {
				continue
			}
			entries = append(entries, Entry{
				Key: update.Key(), Value: update.Value(),
				Revision: update.Revision(), Created: update.Created().UTC(), Deleted: isDeleted,
			})
		}
	}
}

// write makes one attempt that may write, once the bucket is found: a second one could find the result of the first.
func (b *Bucket) write(ctx context.Context, f func(context.Context, jetstream.KeyValue) (uint64, error)) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, b.log.timeout)
	defer cancel()
	kv, before, err := b.open(ctx)
	if err != nil {
		return 0, b.wrap("open", err)
	}
	revision, err := f(ctx, kv)
	if before && neverReceived(err) {
		b.forget(kv)
		return b.write(ctx, f)
	}
	if errors.Is(err, jetstream.ErrKeyExists) || refused(err) {
		err = fmt.Errorf("%w (%w)", ErrExists, err)
	}
	return revision, b.wrap("write to", err)
}

// open finds the bucket, and reports whether it was found before: each time would cost as much as a write.
func (b *Bucket) open(ctx context.Context) (kv jetstream.KeyValue, before bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.opened != nil {
		return b.opened, true, nil
	}
	err = b.log.retryWithTimeout(ctx, func(ctx context.Context) (err error) {
		b.opened, err = b.log.js.KeyValue(ctx, b.name)
		return err
	})
	return b.opened, false, err
}

// neverReceived reports whether no server has received a message: there was no connection, or nobody has the bucket.
func neverReceived(err error) bool {
	return errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, jetstream.ErrNoStreamResponse)
}

// forget has the bucket found once more, unless that was done.
func (b *Bucket) forget(kv jetstream.KeyValue) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.opened == kv {
		b.opened = nil
	}
}

func (b *Bucket) prefix() string { return bucketPrefix(b.name) }

func bucketPrefix(name string) string { return "$KV." + name + "." }

func (b *Bucket) wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s bucket %s: %w", verb, b.name, err)
}

var errKey = errors.New("not a key of a bucket")

// checkKey refuses wildcards in a read.
func checkKey(key string) error {
	if key == "" || strings.ContainsAny(key, " *>\t\r\n") || key[0] == '.' || key[len(key)-1] == '.' {
		return errKey
	}
	return nil
}
