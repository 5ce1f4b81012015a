package projector

import (
	"sync"

	"licenseimport/events"
	"licenseimport/internal/access"
)

// polled keeps the answers to who asks for results again and again. As of one event a
// result never changes; to find and encode 100 rejected rows of it takes longer than all
// the rest of an answer, 25 times.
type polled struct {
	mu      sync.Mutex
	results map[events.JobID]encoded // the newest one of each import
	size    int                      // of them all
}

// maxPolled bounds the bytes of the answers that are kept.
const maxPolled = 16 << 20

// encoded is a result's JSON as of an event, 0 for an import that has ended.
type encoded struct {
	at   events.Seq
	json []byte
}

// version says as of which event a result is; false where it is not for all who may see
// the import, or the views do not tell.
func (j *job) version(m access.Manager) (at events.Seq, ok bool) {
	if j.ended() {
		return 0, j.seesAll(m)
	}
	return j.at, j.at > 0 && j.seesAll(m)
}

func (p *polled) get(id events.JobID, at events.Seq) ([]byte, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, ok := p.results[id]
	return kept.json, ok && kept.at == at
}

func (p *polled) keep(id events.JobID, at events.Seq, json []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size += len(json) - len(p.results[id].json)
	if p.results == nil || p.size > maxPolled {
		p.results, p.size = map[events.JobID]encoded{}, len(json)
	}
	p.results[id] = encoded{at, json}
}
