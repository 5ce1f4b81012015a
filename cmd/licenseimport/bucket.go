package main

import (
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
)

// openKeys gives the managers' keys in a log.
func openKeys(log *eventlog.Log) *access.Store {
	return access.NewStore(log.Bucket(eventlog.Managers))
}
