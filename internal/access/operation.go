package access

import (
	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// Open returns the store of a log's keys. Each change is an event of the log: ManagerKeyCreated or
// ManagerKeyRevoked. It makes no request.
func Open(log *eventlog.Log) *Store { return NewStore(Recorded(log)) }

// Recorded is the bucket "managers" with each change as an event.
func Recorded(log *eventlog.Log) *eventlog.RecordedBucket {
	return log.Recorded(eventlog.Managers, operation)
}

// operation is what an entry of the bucket says that happened; nil for one that this version cannot read.
func operation(e eventlog.Entry) events.Operation {
	r, err := decode(e.Key, e.Value)
	if err != nil || e.Deleted {
		return nil
	}
	if r.Revoked != nil {
		return &events.ManagerKeyRevoked{OperationChange: events.OperationChange{Manager: r.RevokedBy}, Key: e.Key,
			Name: r.Name}
	}
	return &events.ManagerKeyCreated{
		OperationChange: events.OperationChange{Manager: r.CreatedBy},
		Key:             e.Key, Name: r.Name, Role: string(r.Role), Products: r.Products,
	}
}
