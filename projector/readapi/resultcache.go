package readapi

import (
	"sync"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/projector"
)

// maxCachedBytes bounds the bytes of all cached results. A put that exceeds it empties the cache.
const maxCachedBytes = 16 << 20

// resultCache holds encoded results for clients that poll. A result does not change while its
// import shows the same event. To read and encode 100 rejected rows takes 25 times as long as the
// rest of an answer.
type resultCache struct {
	mu      sync.Mutex
	results map[resultKey]cachedResult // the newest of each import
	size    int                        // bytes of all results
}

// resultKey names what managers share: an import, with or without the counts of customers and orders, and
// the other imports that its result names.
type resultKey struct {
	job         events.JobID
	partyCounts bool
	others      related
}

// cachedResult is the JSON of a result.
type cachedResult struct {
	at   events.Seq // the last event that it shows
	json []byte
}

// sharedVersion returns the last event that a result shows. ok is false where the result must not be
// cached: the manager does not see all rows, or the file does not tell which event the import shows.
func sharedVersion(m access.Manager, j *projector.Job) (at events.Seq, ok bool) {
	if j.Ended() {
		return j.Moved, seesAllRows(m, j)
	}
	return j.At, j.At > 0 && seesAllRows(m, j)
}

func (c *resultCache) get(key resultKey, at events.Seq) (json []byte, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cached, ok := c.results[key]
	return cached.json, ok && cached.at == at
}

func (c *resultCache) put(key resultKey, at events.Seq, json []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size += len(json) - len(c.results[key].json)
	if c.results == nil || c.size > maxCachedBytes {
		c.results, c.size = map[resultKey]cachedResult{}, len(json)
	}
	c.results[key] = cachedResult{at, json}
}
