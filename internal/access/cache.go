package access

import (
	"context"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

const (
	// ttl bounds the age of a cached answer, counted from the start of its lookup.
	ttl = 500 * time.Millisecond
	// lookupTimeout bounds one lookup in the bucket. With ttl it bounds the age of
	// an answer that decides about a request: max(ttl, lookupTimeout) < 1 s. So a
	// revoked key stops within a second.
	lookupTimeout = 900 * time.Millisecond
	// recheckEvery is the interval at which a request that goes on is authenticated again. With ttl
	// it bounds how long such a request survives its key: recheckEvery + ttl < 1 s.
	recheckEvery = 400 * time.Millisecond
	// maxEntries bounds each of the caches, and the number of rate limiters.
	maxEntries = 4096
)

// answer is what the bucket said about a prefix.
type answer struct {
	record    record
	found     bool
	fetchedAt time.Time // before the lookup: the record may have changed since
}

// cache holds the bucket's recent answers. Errors are not cached.
//
// It is not lru/v2/expirable, for two reasons. That cache counts the TTL from the
// end of a lookup, so a revoked key could work for ttl + lookupTimeout = 1.4 s. And
// each of its caches runs a goroutine that wakes every ttl/100 = 5 ms and never ends.
type cache struct {
	store   *Store
	known   *lru.Cache[string, answer]
	unknown *lru.Cache[string, answer] // apart: guessed keys evict no real one
	calls   singleflight.Group
}

func newCache(s *Store) *cache {
	known, _ := lru.New[string, answer](maxEntries) // it fails only for a size below 1
	unknown, _ := lru.New[string, answer](maxEntries)
	return &cache{store: s, known: known, unknown: unknown}
}

// get returns the record of a prefix as it was at most a second ago. Concurrent
// requests for one prefix share a lookup. It does not depend on any of their
// contexts: the request that started it may end while others wait.
func (c *cache) get(ctx context.Context, prefix string) (record, bool, error) {
	if a, ok := c.recent(prefix); ok {
		return a.record, a.found, nil
	}
	select {
	case call := <-c.calls.DoChan(prefix, func() (any, error) { return c.fetch(prefix) }):
		a, _ := call.Val.(answer)
		return a.record, a.found, call.Err
	case <-ctx.Done():
		return record{}, false, ctx.Err()
	}
}

// recent returns the cached answer, if it is younger than ttl.
func (c *cache) recent(prefix string) (answer, bool) {
	for _, answers := range []*lru.Cache[string, answer]{c.known, c.unknown} {
		if a, ok := answers.Get(prefix); ok && time.Since(a.fetchedAt) < ttl {
			return a, true
		}
	}
	return answer{}, false
}

// fetch looks the prefix up in the bucket. It asks the cache first: another call
// may have ended between the caller's own look into the cache and this call.
func (c *cache) fetch(prefix string) (answer, error) {
	if a, ok := c.recent(prefix); ok {
		return a, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	began := time.Now()
	r, found, err := c.store.get(ctx, prefix)
	if err != nil {
		return answer{}, err
	}
	a := answer{record: r, found: found, fetchedAt: began}
	c.put(prefix, a)
	return a, nil
}

func (c *cache) put(prefix string, a answer) {
	if a.found {
		c.unknown.Remove(prefix)
		c.known.Add(prefix, a)
	} else {
		c.known.Remove(prefix)
		c.unknown.Add(prefix, a)
	}
}
