package eventlog

import "sync/atomic"

// contention remembers that several uploads append to ROWS at the same time.
//
// To check the last sequence of a subject the server reads that message, and caches its block of 8
// MB. One large upload would fill hundreds of megabytes. The server knows the last sequence of the
// whole stream without a read, and with one writer the two are equal. With several writers the
// stream-wide check fails, and the next appends check the subject.
type contention struct{ left atomic.Int32 }

// contendedAppends is how many appends check the subject after a stream-wide check failed.
const contendedAppends = 50

// observed notes that a stream-wide check failed.
func (c *contention) observed() { c.left.Store(contendedAppends) }

// tryExclusive reports whether this append should use the cheaper stream-wide sequence check.
func (c *contention) tryExclusive() bool {
	if c.left.Load() <= 0 {
		return true
	}
	c.left.Add(-1)
	return false
}
