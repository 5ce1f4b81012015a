package eventlog

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestListIsAsNewAsTheLeader: a list without the leader's last revision is an error that is tried again, so a
// replica that is still copying the bucket makes no key seem not to exist. Deletions count as revisions.
func TestListIsAsNewAsTheLeader(t *testing.T) {
	t.Parallel()
	log := openWith(t, ServerConfig{Dir: t.TempDir(), Port: -1})
	bucket := log.Bucket(Products)
	if last, err := bucket.lastRevision(t.Context()); err != nil || last != 0 {
		t.Fatalf("the last revision of an empty bucket: %d, %v", last, err)
	}
	for _, key := range []string{"a", "b"} {
		if _, err := bucket.Put(t.Context(), key, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := bucket.Delete(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	last, err := bucket.lastRevision(t.Context())
	if err != nil || last != 3 {
		t.Fatalf("the last revision: %d, %v", last, err)
	}
	if entries, err := bucket.listUpTo(t.Context(), last, false); err != nil || len(entries) != 1 || entries[0].Key != "a" {
		t.Errorf("%+v, %v", entries, err)
	}
	if entries, err := bucket.listUpTo(t.Context(), last+1, false); !errors.Is(err, errReplicaBehind) || entries != nil || !transient(err) {
		t.Errorf("behind the leader: %+v, %v", entries, err)
	}
	put := make(chan error, 1)
	go func() {
		time.Sleep(50 * time.Millisecond)
		_, err := bucket.Put(t.Context(), "c", nil)
		put <- err
	}()
	err = log.retryWithTimeout(t.Context(), func(ctx context.Context) error {
		entries, err := bucket.listUpTo(ctx, last+1, false)
		if err == nil && len(entries) != 2 {
			t.Errorf("%+v", entries)
		}
		return err
	})
	if err := errors.Join(err, <-put); err != nil {
		t.Error(err)
	}
}
