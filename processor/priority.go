package processor

import (
	"context"
	"strings"
	"sync"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// smallImportPriority delays the batches of large imports while a small one (at most 999 rows) is
// in progress, from its announcement until its result can be read. All imports append to one
// stream: without priority a small import waits at each of its four appends for a batch of 1000
// messages.
//
// The signal is a core NATS subscription to what small imports publish, in any process. It arrives
// before the stream has the message, and it may be lost or refused by the stream later. It is a
// hint: if it is wrong, a batch is delayed for nothing, by maxYield at most.
type smallImportPriority struct {
	started func(*events.ImportStarted) // receives each start; nil: none

	mu         sync.Mutex
	yieldUntil map[events.JobID]time.Time // by small import: large ones yield to it until then
	changed    chan struct{}              // closed when yieldUntil changes; nil: nobody waits
}

const (
	// unassigned stands for an upload whose job id is not known yet.
	unassigned events.JobID = 0
	// maxYield bounds both the delay of one batch and the wait for a small import that makes no
	// progress.
	maxYield = 150 * time.Millisecond
	// maxFoldWait bounds the wait for the projector to fold a small import that was decided.
	maxFoldWait = 30 * time.Millisecond
)

// hintSubjects are what a processor subscribes to: the draws of job ids, and the facts of jobs.
var hintSubjects = append([]string{eventlog.JobIDSubjects}, events.LifecycleSubjects...)

// onHint takes a message that is being published. It ignores one that cannot be read: the readers
// of the stream report it.
func (p *smallImportPriority) onHint(subject string, body []byte) {
	if !strings.HasPrefix(subject, "imports.") { // a job id is drawn
		p.yieldTo(unassigned, maxYield)
		return
	}
	message := eventlog.Message{Subject: subject, Data: body}
	envelope, err := message.Decode()
	if err != nil {
		return
	}
	switch e := envelope.Event.(type) {
	case *events.ImportStarted:
		if p.started != nil {
			p.started(e)
		}
		p.yieldTo(unassigned, 0)
		p.yieldTo(e.JobID, maxYield)
	case *events.ImportSealed:
		if small(e.Rows) {
			p.yieldTo(e.JobID, maxYield)
		} else {
			p.yieldTo(e.JobID, 0)
		}
	case *events.ImportFinished:
		if small(e.Row) {
			p.yieldTo(e.JobID, maxFoldWait)
		}
	case *events.ImportAborted:
		p.yieldTo(e.JobID, 0)
	}
}

// yieldTo makes large imports yield to a job for d from now on; 0: not any more.
func (p *smallImportPriority) yieldTo(job events.JobID, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for id, until := range p.yieldUntil {
		if !until.After(now) {
			delete(p.yieldUntil, id)
		}
	}
	if p.yieldUntil == nil {
		p.yieldUntil = map[events.JobID]time.Time{}
	}
	if delete(p.yieldUntil, job); d > 0 {
		p.yieldUntil[job] = now.Add(d)
	}
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// yield waits until there is no small import to yield to, for maxYield at most, or until ctx ends.
func (p *smallImportPriority) yield(ctx context.Context) {
	deadline := time.Now().Add(maxYield)
	for {
		left, changed := p.remaining(deadline)
		if left <= 0 {
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// remaining is how long to wait as things are, until the deadline at most. The channel is closed
// when that changes.
func (p *smallImportPriority) remaining(deadline time.Time) (time.Duration, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var last time.Time
	for _, until := range p.yieldUntil {
		if until.After(last) {
			last = until
		}
	}
	if last.After(deadline) {
		last = deadline
	}
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return time.Until(last), p.changed
}
