package processor

import (
	"context"
	"strings"
	"sync"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// courtesy lets small imports pass: from when one is announced until it can be read, large ones hold
// their next batch back. All of them append to one stream, so a small one would else wait
// for a batch of a thousand messages at each of its steps.
//
// It goes by what it overhears, which is there before the stream has it, in whatever process, and may be
// wrong: then a batch is held back in vain, for a moment.
type smallImportPriority struct {
	mu         sync.Mutex
	yieldUntil map[events.JobID]time.Time // until when large imports wait for each
	changed    chan struct{}              // closed when a guest has come nearer to its end; nil: nobody waits
}

const (
	// unnamed is the guest that has no id yet.
	unassigned events.JobID = 0
	// courtesyMost is how long large imports wait for a small one to take its next step, and how long
	// a batch is held back at most, however many small ones there are.
	maxYield = 150 * time.Millisecond
	// courtesyAfter is how long they wait for the views to take in one that is decided.
	maxFoldWait = 30 * time.Millisecond
)

// overheard are the subjects to listen to.
var hintSubjects = append([]string{eventlog.JobIDSubjects}, events.LifecycleSubjects...)

// overhear takes what is being published. What cannot be read is for others to stop at.
func (c *smallImportPriority) onHint(subject string, body []byte) {
	if !strings.HasPrefix(subject, "imports.") {
		c.yieldTo(unassigned, maxYield) // an upload begins
		return
	}
	envelope, err := events.Decode(body)
	if err != nil {
		return
	}
	switch e := envelope.Event.(type) {
	case *events.ImportStarted:
		c.yieldTo(unassigned, 0)
		c.yieldTo(e.JobID, maxYield)
	case *events.ImportSealed:
		if small(e.Rows) {
			c.yieldTo(e.JobID, maxYield)
		} else {
			c.yieldTo(e.JobID, 0)
		}
	case *events.ImportFinished:
		if small(e.Row) {
			c.yieldTo(e.JobID, maxFoldWait)
		}
	case *events.ImportAborted:
		c.yieldTo(e.JobID, 0)
	}
}

// expect has large imports wait for one job for so long from now on; 0: no more.
func (c *smallImportPriority) yieldTo(job events.JobID, most time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for id, until := range c.yieldUntil {
		if !until.After(now) {
			delete(c.yieldUntil, id)
		}
	}
	if c.yieldUntil == nil {
		c.yieldUntil = map[events.JobID]time.Time{}
	}
	if delete(c.yieldUntil, job); most > 0 {
		c.yieldUntil[job] = now.Add(most)
	}
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// wait ends when no guest is to be waited for, or it took long enough.
func (c *smallImportPriority) yield(ctx context.Context) {
	enough := time.Now().Add(maxYield)
	for {
		left, moved := c.remaining(enough)
		if left <= 0 {
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-moved:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// left is how long there is to wait, up to a time, unless the channel is closed before.
func (c *smallImportPriority) remaining(most time.Time) (time.Duration, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var last time.Time
	for _, until := range c.yieldUntil {
		if until.After(last) {
			last = until
		}
	}
	if last.After(most) {
		last = most
	}
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return time.Until(last), c.changed
}
