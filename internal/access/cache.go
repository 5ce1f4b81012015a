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

// answer is what a bucket said about a key.
type answer[R any] struct {
	record    R
	found     bool
	fetchedAt time.Time // before the lookup: the record may have changed since
}

// cache holds a bucket's recent answers: about prefixes of keys, or about sessions. Errors are not cached.
//
// It is not lru/v2/expirable, for two reasons. That cache counts the TTL from the
// end of a lookup, so a revoked key could work for ttl + lookupTimeout = 1.4 s. And
// each of its caches runs a goroutine that wakes every ttl/100 = 5 ms and never ends.
type cache[R any] struct {
	ask     func(ctx context.Context, key string) (R, bool, error)
	known   *lru.Cache[string, answer[R]]
	unknown *lru.Cache[string, answer[R]] // apart: guessed keys evict no real one
	calls   singleflight.Group
}

func newCache[R any](ask func(ctx context.Context, key string) (R, bool, error)) *cache[R] {
	known, _ := lru.New[string, answer[R]](maxEntries) // it fails only for a size below 1
	unknown, _ := lru.New[string, answer[R]](maxEntries)
	return &cache[R]{ask: ask, known: known, unknown: unknown}
}

// get returns the record of a key as it was at most a second ago. Concurrent
// requests for one key share a lookup. It does not depend on any of their
// contexts: the request that started it may end while others wait.
func (c *cache[R]) get(ctx context.Context, key string) (record R, found bool, err error) {
	if a, ok := c.recent(key); ok {
		return a.record, a.found, nil
	}
	select {
	case call := <-c.calls.DoChan(key, func() (any, error) { return c.fetch(key) }):
		a, _ := call.Val.(answer[R])
		return a.record, a.found, call.Err
	case <-ctx.Done():
		return record, false, ctx.Err()
	}
}

// recent returns the cached answer, if it is younger than ttl.
func (c *cache[R]) recent(key string) (answer[R], bool) {
	for _, answers := range []*lru.Cache[string, answer[R]]{c.known, c.unknown} {
		if a, ok := answers.Get(key); ok && time.Since(a.fetchedAt) < ttl {
			return a, true
		}
	}
	return answer[R]{}, false
}

// fetch looks the key up in the bucket. It asks the cache first: another call
// may have ended between the caller's own look into the cache and this call.
func (c *cache[R]) fetch(key string) (answer[R], error) {
	if a, ok := c.recent(key); ok {
		return a, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	began := time.Now()
	r, found, err := c.ask(ctx, key)
	if err != nil {
		return answer[R]{}, err
	}
	a := answer[R]{record: r, found: found, fetchedAt: began}
	c.put(key, a)
	return a, nil
}

func (c *cache[R]) put(key string, a answer[R]) {
	if a.found {
		c.unknown.Remove(key)
		c.known.Add(key, a)
	} else {
		c.known.Remove(key)
		c.unknown.Add(key, a)
	}
}
