package access

import (
	"context"
	"sync"
	"time"
)

const (
	// believed is how long a record is used without asking again.
	believed = 500 * time.Millisecond
	// patience is how long the bucket may take. Nothing older than this
	// decides about a request, and so a revoked key stops within a second.
	patience = 900 * time.Millisecond
	// most is how many answers are remembered, of those that found a key and
	// of those that did not: apart, so that guessing pushes no real key out.
	most = 4096
)

// answer is what the bucket said about a prefix.
type answer struct {
	record record
	found  bool
	asked  time.Time // when the question was put: it may have changed since
}

// inquiry is a question to the bucket on its way, shared by all who ask it.
type inquiry struct {
	done   chan struct{}
	answer answer
	err    error
}

// cache answers for the bucket. Errors are not remembered.
type cache struct {
	store *Store
	now   func() time.Time

	mu      sync.Mutex
	known   map[string]answer
	unknown map[string]answer
	asking  map[string]*inquiry
}

func newCache(s *Store) *cache {
	return &cache{store: s, now: time.Now, known: map[string]answer{}, unknown: map[string]answer{}, asking: map[string]*inquiry{}}
}

// get is the record of a prefix as it was at most a second ago.
func (c *cache) get(ctx context.Context, prefix string) (record, bool, error) {
	a, ok, asked := c.recall(prefix)
	if ok {
		return a.record, a.found, nil
	}
	select {
	case <-asked.done:
		return asked.answer.record, asked.answer.found, asked.err
	case <-ctx.Done():
		return record{}, false, ctx.Err()
	}
}

// recall gives what is remembered, or else the inquiry to wait for.
func (c *cache) recall(prefix string) (answer, bool, *inquiry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, remembered := range []map[string]answer{c.known, c.unknown} {
		if a, ok := remembered[prefix]; ok && c.now().Sub(a.asked) < believed {
			return a, true, nil
		}
	}
	q := c.asking[prefix]
	if q == nil {
		q = &inquiry{done: make(chan struct{})}
		c.asking[prefix] = q
		go c.ask(prefix, q)
	}
	return answer{}, false, q
}

// ask puts the question, independent of any one request: the first who asks
// may give up while others wait.
func (c *cache) ask(prefix string, q *inquiry) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	q.answer.asked = c.now()
	q.answer.record, q.answer.found, q.err = c.store.get(ctx, prefix)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.asking, prefix)
	if q.err == nil {
		c.remember(prefix, q.answer)
	}
	close(q.done)
}

func (c *cache) remember(prefix string, a answer) {
	delete(c.known, prefix)
	delete(c.unknown, prefix)
	in := c.unknown
	if a.found {
		in = c.known
	}
	if len(in) >= most {
		clear(in) // all of it is gone in half a second anyway
	}
	in[prefix] = a
}
