package processor

import (
	"context"
	"sync"
	"time"
)

// courtesy lets small imports pass: while one is decided, large ones hold their next batch
// back for a moment. All of them append to one stream, and a batch that arrives just before
// would make the small one wait for all of it, several times.
type courtesy struct {
	mu    sync.Mutex
	small int           // imports that are being decided
	none  chan struct{} // closed when that is 0; nil: it is
}

// courtesyMost is how long a batch is held back at most, so that a large import goes on however many
// small ones there are.
const courtesyMost = 100 * time.Millisecond

// enter notes that a small import is being decided, until leave is called.
func (c *courtesy) enter() (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.small++; c.none == nil {
		c.none = make(chan struct{})
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.small--; c.small == 0 {
			close(c.none)
			c.none = nil
		}
	}
}

// wait ends when no small import is being decided, or it took long enough.
func (c *courtesy) wait(ctx context.Context) {
	c.mu.Lock()
	none := c.none
	c.mu.Unlock()
	if none == nil {
		return
	}
	enough := time.NewTimer(courtesyMost)
	defer enough.Stop()
	select {
	case <-none:
	case <-enough.C:
	case <-ctx.Done():
	}
}
