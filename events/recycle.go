package events

import "sync"

// The events that Recycle was given, of the types of which an import has one for each row: see ADR 50.
var (
	spareRows     = sync.Pool{New: func() any { return new(RowReceived) }}
	spareLicenses = sync.Pool{New: func() any { return new(LicenseImported) }}
)

// Recycle gives an event back that [Decode] has made, so that Decode fills it again: its texts stay valid, but nothing
// may use the event any more, nor point into it. Events of most types it leaves to the garbage collector.
func Recycle(e Event) {
	switch e := e.(type) {
	case *RowReceived:
		*e = RowReceived{}
		spareRows.Put(e)
	case *LicenseImported:
		*e = LicenseImported{}
		spareLicenses.Put(e)
	}
}
