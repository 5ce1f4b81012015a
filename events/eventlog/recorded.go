package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A RecordedBucket is a bucket whose every write is an operation: an event of LICENSES with the write's
// revision in its subject and id.
//
// The bucket is written first, then the event is appended. So a revoked key stops although LICENSES takes no message,
// such as on a full disk, and the event follows from the bucket's entry alone: whichever process finds an entry without
// its event appends it ([RecordedBucket.Record]). A writer does so for the entry that it replaces. So no write by this
// type loses its event, and no event is stored twice: the append expects an empty subject.
//
// A write of another program has its event, too, if no other write follows before the next Record.
type RecordedBucket struct {
	bucket    *Bucket
	operation func(Entry) events.Operation
}

// Recorded returns a bucket whose writes are recorded. operation says what an entry, which may be a deleted
// one, means; nil for one that cannot be read. It leaves Revision and At to the bucket.
func (l *Log) Recorded(name string, operation func(Entry) events.Operation) *RecordedBucket {
	return &RecordedBucket{bucket: l.Bucket(name), operation: operation}
}

// An UnrecordedError says that a bucket was written, and that the event of the write is not stored yet.
// The next write of the key appends it, or the next Record.
type UnrecordedError struct{ Cause error }

func (e *UnrecordedError) Error() string {
	return fmt.Sprintf("the change is made, but its event could not be stored yet; it follows with the next change: %v", e.Cause)
}

func (e *UnrecordedError) Unwrap() error { return e.Cause }

// Get is [Bucket.Get].
func (r *RecordedBucket) Get(ctx context.Context, key string) (Entry, error) {
	return r.bucket.Get(ctx, key)
}

// List is [Bucket.List].
func (r *RecordedBucket) List(ctx context.Context) ([]Entry, error) { return r.bucket.List(ctx) }

// Create is [Bucket.Create], recorded.
func (r *RecordedBucket) Create(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	return r.write(ctx, key, func(last Entry) (Entry, error) {
		if last.Revision > 0 && !last.Deleted {
			return Entry{}, fmt.Errorf("write to bucket %s: %w", r.bucket.name, ErrExists)
		}
		return Entry{Value: value}, nil
	})
}

// Put is [Bucket.Put], recorded.
func (r *RecordedBucket) Put(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	return r.write(ctx, key, func(Entry) (Entry, error) { return Entry{Value: value}, nil })
}

// Change replaces the value of a key, recorded, by what next makes of the last entry, which may be a deleted one, or
// zero where there is none. next may be called again, after another writer.
func (r *RecordedBucket) Change(ctx context.Context, key string, next func(last Entry) ([]byte, error)) error {
	_, err := r.write(ctx, key, func(last Entry) (Entry, error) {
		value, err := next(last)
		return Entry{Value: value}, err
	})
	return err
}

// Delete removes a key, recorded. The note stays in the bucket, for the operation. Without the key the
// error is [ErrNotFound].
func (r *RecordedBucket) Delete(ctx context.Context, key string, note []byte) error {
	_, err := r.write(ctx, key, func(last Entry) (Entry, error) {
		if last.Revision == 0 || last.Deleted {
			return Entry{}, fmt.Errorf("write to bucket %s: %w", r.bucket.name, ErrNotFound)
		}
		return Entry{Value: note, Deleted: true}, nil
	})
	return err
}

// write replaces the last entry of a key by what next makes of it, and records both. Another writer's entry
// in between is recorded and replaced, too.
func (r *RecordedBucket) write(ctx context.Context, key string, next func(Entry) (Entry, error)) (uint64, error) {
	for {
		last, err := r.bucket.last(ctx, key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return 0, err
		}
		entry, err := next(last)
		if err != nil {
			return 0, err
		}
		if err := r.record(ctx, last); err != nil {
			return 0, err
		}
		entry.Key = key
		revision, err := r.bucket.replace(ctx, entry, last.Revision)
		if errors.Is(err, ErrExists) && ctx.Err() == nil {
			continue // by another writer
		}
		if err != nil {
			return 0, err
		}
		if err := r.recordWritten(ctx, key, revision); err != nil {
			return revision, &UnrecordedError{Cause: err}
		}
		return revision, nil
	}
}

// recordWritten records a write of this process. It reads it back for its time. Another entry at its place
// means that another writer has recorded this one and replaced it.
func (r *RecordedBucket) recordWritten(ctx context.Context, key string, revision uint64) error {
	entry, err := r.bucket.last(ctx, key)
	if err != nil || entry.Revision != revision {
		return err
	}
	return r.record(ctx, entry)
}

// record appends the event of an entry, unless it is there.
func (r *RecordedBucket) record(ctx context.Context, entry Entry) error {
	for {
		operation := r.operationOf(entry)
		if operation == nil {
			return nil
		}
		switch stored, err := r.stored(ctx, operation); {
		case err != nil:
			return err
		case stored == same:
			return nil
		case stored == none:
			err := r.append(ctx, operation, entry.Created)
			if !errors.Is(err, ErrWrongSequence) {
				return err
			}
			continue // by another process, a moment ago
		}
		// The bucket was lost once and its revisions began again: another write has had this revision. The same
		// entry, written again, has the next one.
		if _, err := r.bucket.replace(ctx, entry, entry.Revision); err != nil && !errors.Is(err, ErrExists) {
			return err
		}
		var err error
		if entry, err = r.bucket.last(ctx, entry.Key); err != nil {
			return err
		}
	}
}

// operationOf is the event of an entry; nil without one.
func (r *RecordedBucket) operationOf(entry Entry) events.Operation {
	if entry.Revision == 0 {
		return nil
	}
	operation := r.operation(entry)
	if operation == nil {
		return nil
	}
	operation.Change().Revision = entry.Revision
	operation.Change().At = entry.Created.UTC().Format(time.RFC3339Nano)
	return operation
}

// What stands at the subject of an operation.
type storedOperation int

const (
	none  storedOperation = iota
	same                  // the operation
	other                 // that of another write, or no event of ours
)

func (r *RecordedBucket) stored(ctx context.Context, operation events.Operation) (storedOperation, error) {
	m, found, err := r.bucket.log.get(ctx, events.LicensesStream, getRequest{LastSubject: operation.Subject()})
	if err != nil || !found {
		return none, err
	}
	return compare(&m, operation), nil
}

// compare says what a message at the operation's subject is. No two writes of a subject have the same time.
func compare(m *Message, operation events.Operation) storedOperation {
	there, err := DecodeAs[events.Operation](m)
	if err == nil && there.Change().At == operation.Change().At {
		return same
	}
	return other
}

func (r *RecordedBucket) append(ctx context.Context, operation events.Operation, at time.Time) error {
	body, err := events.Encode(operation, at)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.bucket.log.timeout)
	defer cancel()
	_, err = r.bucket.log.append(ctx, appendRequest{
		stream: events.LicensesStream, subject: operation.Subject(), filter: operation.Subject(), bodies: [][]byte{body},
	})
	return err
}

// Record appends the events that are missing, those of deleted keys included: after a crash between a write
// and its event, and for writes of other programs and of earlier versions. It returns how many.
func (r *RecordedBucket) Record(ctx context.Context) (recorded int, err error) {
	entries, err := r.bucket.list(ctx, true)
	if err != nil {
		return 0, err
	}
	missing, subjects := map[string]Entry{}, []string(nil)
	for _, entry := range entries {
		if operation := r.operationOf(entry); operation != nil {
			missing[operation.Subject()] = entry
			subjects = append(subjects, operation.Subject())
		}
	}
	err = r.bucket.log.Lookup(ctx, subjects, func(m Message) error {
		if operation := r.operationOf(missing[m.Subject]); operation != nil && compare(&m, operation) == same {
			delete(missing, m.Subject)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, subject := range subjects {
		entry, ok := missing[subject]
		if !ok {
			continue
		}
		if err := r.record(ctx, entry); err != nil {
			return recorded, err
		}
		recorded++
	}
	return recorded, nil
}

// replace writes an entry, or deletes its key, if the key's last entry has a revision; 0: if it has none.
// The error is [ErrExists] otherwise.
func (b *Bucket) replace(ctx context.Context, entry Entry, revision uint64) (uint64, error) {
	return b.write(ctx, func(ctx context.Context, kv jetstream.KeyValue) (uint64, error) {
		if !entry.Deleted {
			return kv.Update(ctx, entry.Key, entry.Value, revision)
		}
		m := nats.NewMsg(b.prefix() + entry.Key)
		m.Header.Set("KV-Operation", "DEL")
		m.Data = entry.Value
		ack, err := b.log.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(revision))
		if err != nil {
			return 0, err
		}
		return ack.Sequence, nil
	})
}
