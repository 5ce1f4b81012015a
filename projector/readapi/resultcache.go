package readapi

import (
	"sync"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/projector"
)

// resultCache keeps the answers to who asks for results again and again. As of one event a
// result never changes; to find and encode 100 rejected rows of it takes longer than all
// the rest of an answer, 25 times.
type resultCache struct {
	mu      sync.Mutex
	results map[events.JobID]cachedResult // the newest one of each import
	size    int                           // of them all
}

// maxCachedBytes bounds the bytes of the answers that are kept.
const maxCachedBytes = 16 << 20

// cachedResult is a result's JSON as of an event, 0 for an import that has ended.
type cachedResult struct {
	at   events.Seq
	json []byte
}

// sharedVersion says as of which event a result is; false where it is not for all who may see
// the import, or the views do not tell.
func sharedVersion(j *projector.Job, m access.Manager) (at events.Seq, ok bool) {
	if j.Ended() {
		return 0, seesAllRows(m, j)
	}
	return j.At, j.At > 0 && seesAllRows(m, j)
}

func (c *resultCache) get(id events.JobID, at events.Seq) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cached, ok := c.results[id]
	return cached.json, ok && cached.at == at
}

func (c *resultCache) put(id events.JobID, at events.Seq, json []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size += len(json) - len(c.results[id].json)
	if c.results == nil || c.size > maxCachedBytes {
		c.results, c.size = map[events.JobID]cachedResult{}, len(json)
	}
	c.results[id] = cachedResult{at, json}
}
