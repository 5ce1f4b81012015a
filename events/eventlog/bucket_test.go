package eventlog_test

import (
	"errors"
	"testing"

	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"

	"github.com/nats-io/nats.go/jetstream"
)

func TestBucket(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	for _, name := range []string{eventlog.Managers, eventlog.Products, eventlog.Mappings, eventlog.Jobs, eventlog.Sessions, eventlog.LastUsed} {
		t.Run(name, func(t *testing.T) { testBucket(t, log.Bucket(name)) })
	}
}

func testBucket(t *testing.T, bucket *eventlog.Bucket) {
	ctx := t.Context()
	if _, err := bucket.Get(ctx, "a"); !errors.Is(err, eventlog.ErrNotFound) {
		t.Errorf("get what is not there: %v", err)
	}
	created, err := bucket.Create(ctx, "a", []byte("1"))
	if err != nil || created != 1 {
		t.Fatalf("create: %d, %v", created, err)
	}
	if _, err := bucket.Create(ctx, "a", []byte("2")); !errors.Is(err, eventlog.ErrExists) {
		t.Errorf("create again: %v", err)
	}
	if _, err := bucket.Update(ctx, "a", []byte("2"), created+5); !errors.Is(err, eventlog.ErrExists) {
		t.Errorf("update at a wrong revision: %v", err)
	}
	updated, err := bucket.Update(ctx, "a", []byte("2"), created)
	if err != nil || updated != 2 {
		t.Errorf("update: %d, %v", updated, err)
	}
	entry, err := bucket.Get(ctx, "a")
	if err != nil || string(entry.Value) != "2" || entry.Revision != updated || entry.Key != "a" || entry.Created.IsZero() {
		t.Errorf("get: %+v, %v", entry, err)
	}
	if put, err := bucket.Put(ctx, "b=C3=A9", []byte("3")); err != nil || put != 3 {
		t.Errorf("put: %d, %v", put, err)
	}
	if err := bucket.Delete(ctx, "a"); err != nil {
		t.Error(err)
	}
	if err := bucket.Delete(ctx, "never"); err != nil {
		t.Error(err)
	}
	if _, err := bucket.Get(ctx, "a"); !errors.Is(err, eventlog.ErrNotFound) {
		t.Errorf("get what was deleted: %v", err)
	}
	if entries, err := bucket.List(ctx); err != nil || len(entries) != 1 || entries[0].Key != "b=C3=A9" || string(entries[0].Value) != "3" {
		t.Errorf("list: %+v, %v", entries, err)
	}
	if again, err := bucket.Create(ctx, "a", []byte("4")); err != nil || again <= updated {
		t.Errorf("create what was deleted: %d, %v", again, err)
	}
	if _, err := bucket.Get(ctx, "*"); err == nil {
		t.Error("a wildcard was taken as a key")
	}
}

func TestEmptyBucketLists(t *testing.T) {
	t.Parallel()
	entries, err := eventlogtest.Start(t).Bucket(eventlog.Products).List(t.Context())
	if err != nil || len(entries) != 0 {
		t.Fatalf("%+v, %v", entries, err)
	}
}

// TestBucketIsFoundOnce: only the first write looks for the bucket, and one after the bucket was lost.
func TestBucketIsFoundOnce(t *testing.T) {
	t.Parallel()
	url := eventlogtest.StartExternalServer(t)
	log := eventlogtest.OpenURL(t, url)
	bucket, ctx := log.Bucket(eventlog.Products), t.Context()
	requests := eventlogtest.WatchRequests(t, url, "$JS.API.STREAM.*.KV_"+eventlog.Products)
	js := jetStreamOf(t, url)
	put := func(key string) {
		t.Helper()
		if _, err := bucket.Put(ctx, key, nil); err != nil {
			t.Fatal(err)
		}
	}
	searches := func(want int) {
		t.Helper()
		if err := js.Conn().Publish("$JS.API.STREAM.END.KV_"+eventlog.Products, []byte("here")); err != nil {
			t.Fatal(err)
		}
		if n := requests.Until("here"); n != want {
			t.Errorf("%d requests about the bucket, want %d", n, want)
		}
	}
	put("a")
	put("b")
	searches(1)
	stream, err := js.Stream(ctx, "KV_"+eventlog.Products)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	if err := js.DeleteStream(ctx, config.Name); err != nil {
		t.Fatal(err)
	}
	searches(2) // of this test itself
	if _, err := bucket.Put(ctx, "a", nil); !errors.Is(err, jetstream.ErrBucketNotFound) {
		t.Errorf("without the bucket: %v", err)
	}
	searches(1)
	if _, err := js.CreateStream(ctx, config); err != nil {
		t.Fatal(err)
	}
	put("a")
	searches(2) // the creation, and one search
}
