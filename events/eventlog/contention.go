package eventlog

import "sync/atomic"

// A crowd remembers that several uploads write to ROWS at once.
//
// To check the last sequence at a subject the server reads that message, and keeps
// the block of 8 MB in which it lies in memory for 10 s: a large upload would fill
// hundreds of megabytes. The last sequence of the whole stream it knows anyway, and
// while one upload writes alone the two are the same. Where they are not, that
// stricter check is refused, and the next appends do without it.
type contention struct{ left atomic.Int32 }

// crowdLasts is how many appends a crowd is believed to last.
const contendedAppends = 50

func (c *contention) observed() { c.left.Store(contendedAppends) }

// gone tells, for one append, whether to try without the crowd.
func (c *contention) tryExclusive() bool {
	if c.left.Load() <= 0 {
		return true
	}
	c.left.Add(-1)
	return false
}
