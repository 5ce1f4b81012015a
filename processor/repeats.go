package processor

import (
	"licenseimport/events"

	"github.com/bits-and-blooms/bloom/v3"
)

const (
	repeatsBits   = 16       // for each row
	repeatsMost   = 32 << 20 // rows, 64 MiB; with more of them more look-ups are made than needed
	repeatsProbes = 4
)

// newRepeats will remember which licenses a job's rows have named, so that of all the
// others nobody needs to ask whether the job itself made them. It takes a new license for a
// repeated one now and then, one in some hundred, but never a repeated one for
// new. What it says leads to a look-up, never to an outcome.
func newRepeats(rows events.Row) *bloom.BloomFilter {
	return bloom.New(uint(min(rows, repeatsMost))*repeatsBits, repeatsProbes)
}
