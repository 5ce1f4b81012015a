package processor

import (
	"context"

	"licenseimport/events"
	"licenseimport/events/eventlog"

	lru "github.com/hashicorp/golang-lru/v2"
)

// maxOwners bounds the owners that a processor remembers.
const maxOwners = 4096

// owners remembers the managers of imports that started a moment ago, from the hints. It spares a
// small import the time of a read.
type owners struct {
	manager *lru.Cache[events.JobID, string]
}

func newOwners() owners {
	manager, _ := lru.New[events.JobID, string](maxOwners) // it fails only for a size below 1
	return owners{manager}
}

// onHint takes an ImportStarted that is being published.
func (o owners) onHint(started *events.ImportStarted) { o.manager.Add(started.JobID, started.Manager) }

// owner is the manager whom a lease is for, because it is their import, or they asked for the undo: one
// manager's jobs do not keep those of the others waiting. Where it cannot be read all such jobs have one
// owner, and the work tells why.
func (p *Processor) owner(ctx context.Context, lease eventlog.Message) string {
	job, _, err := events.ParseWorkSubject(lease.Subject)
	if err != nil {
		return ""
	}
	if envelope, err := lease.Decode(); err == nil {
		if undo, ok := envelope.Event.(*events.UndoStarted); ok {
			return undo.Manager
		}
	}
	if manager, known := p.owners.manager.Get(job); known {
		return manager
	}
	fact, err := readFact(ctx, p.log, events.StartedSubject(job))
	if started, ok := fact.Event.(*events.ImportStarted); ok && err == nil {
		p.owners.onHint(started)
		return started.Manager
	}
	return ""
}
