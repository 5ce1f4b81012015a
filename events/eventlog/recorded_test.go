package eventlog

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
)

// note is a value of the tests' bucket, and the note of a deletion.
type note struct {
	By string `json:"by"`
}

func by(name string) []byte {
	value, _ := json.Marshal(note{By: name})
	return value
}

// recordedProducts is a recorded bucket of products without values.
func recordedProducts(log *Log) *RecordedBucket {
	return log.Recorded(Products, func(e Entry) events.Operation {
		var n note
		if json.Unmarshal(e.Value, &n) != nil {
			return nil
		}
		if e.Deleted {
			return &events.ProductRemoved{OperationChange: events.OperationChange{Manager: n.By}, ShortCode: e.Key}
		}
		return &events.ProductSet{OperationChange: events.OperationChange{Manager: n.By}, Product: events.CatalogueProduct{Product: events.Product{ShortCode: e.Key}}}
	})
}

// operations are the ids and managers of all operations in the stream, in its order.
func operations(t *testing.T, log *Log) (all []string) {
	t.Helper()
	err := log.FactsAfter(t.Context(), "operations.*.*", 0, func(m Message) error {
		operation, err := DecodeAs[events.Operation](&m)
		if err == nil {
			all = append(all, operation.ID()+" "+operation.Change().Manager)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wantOperations(t *testing.T, log *Log, want ...string) {
	t.Helper()
	if got := operations(t, log); !slices.Equal(got, want) {
		t.Errorf("the operations are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEachWriteOfARecordedBucketIsOneOperation(t *testing.T) {
	t.Parallel()
	log, ctx := openHere(t), t.Context()
	bucket := recordedProducts(log)
	first, err := bucket.Create(ctx, "a", by("ada"))
	if err != nil || first != 1 {
		t.Fatalf("revision %d, %v", first, err)
	}
	if _, err := bucket.Create(ctx, "a", by("bob")); !errors.Is(err, ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	if _, err := bucket.Put(ctx, "a", by("bob")); err != nil {
		t.Fatal(err)
	}
	if err := bucket.Delete(ctx, "a", by("eve")); err != nil {
		t.Fatal(err)
	}
	if err := bucket.Delete(ctx, "a", by("eve")); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	if _, err := bucket.Get(ctx, "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a deleted key is read: %v", err)
	}
	if _, err := bucket.Create(ctx, "a", by("ada")); err != nil {
		t.Fatal(err)
	}
	if n, err := bucket.Record(ctx); n != 0 || err != nil {
		t.Errorf("%d events were missing, %v", n, err)
	}
	wantOperations(t, log, "product_set/1 ada", "product_set/2 bob", "product_removed/3 eve", "product_set/4 ada")
}

// A crash after the write and before its event is a write of the plain bucket.
func TestAMissingOperationIsRecordedByARepeatAndByRecord(t *testing.T) {
	t.Parallel()
	log, ctx := openHere(t), t.Context()
	plain, bucket := log.Bucket(Products), recordedProducts(log)
	for _, key := range []string{"a", "b", "c"} {
		if _, err := plain.Put(ctx, key, by("ada")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := plain.replace(ctx, Entry{Key: "c", Value: by("eve"), Deleted: true}, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Put(ctx, "b", by("bob")); err != nil {
		t.Fatal(err)
	}
	wantOperations(t, log, "product_set/2 ada", "product_set/5 bob")
	for _, missing := range []int{2, 0} {
		if n, err := bucket.Record(ctx); n != missing || err != nil {
			t.Errorf("recorded %d, %v; want %d", n, err, missing)
		}
	}
	wantOperations(t, log, "product_set/2 ada", "product_set/5 bob", "product_set/1 ada", "product_removed/4 eve")
}

// After the loss of a bucket its revisions begin again. An operation gets the next number that is free.
func TestNumbersOfALostBucketAreNotUsedAgain(t *testing.T) {
	t.Parallel()
	log, ctx := openHere(t), t.Context()
	s := strays{t, log}
	for revision := range uint64(2) {
		old := &events.ProductSet{OperationChange: events.OperationChange{Revision: revision + 1, At: "2020-01-01T00:00:00Z", Manager: "old"}}
		s.stray(old.Subject(), s.encode(old))
	}
	if _, err := recordedProducts(log).Put(ctx, "a", by("ada")); err != nil {
		t.Fatal(err)
	}
	wantOperations(t, log, "product_set/1 old", "product_set/2 old", "product_set/3 ada")
	if entry, err := log.Bucket(Products).Get(ctx, "a"); err != nil || string(entry.Value) != string(by("ada")) {
		t.Errorf("the entry is %s, %v", entry.Value, err)
	}
}

// Processes that find the same entry without its event append it once.
func TestManyProcessesRecordAnOperationOnce(t *testing.T) {
	t.Parallel()
	log, ctx := openHere(t), t.Context()
	if _, err := log.Bucket(Products).Put(ctx, "a", by("ada")); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 4 {
		go func() {
			_, err := recordedProducts(log).Record(ctx)
			done <- err
		}()
	}
	for range 4 {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("they do not end")
		}
	}
	wantOperations(t, log, "product_set/1 ada")
}
