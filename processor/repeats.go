package processor

import (
	"hash/maphash"
	"math/bits"

	"licenseimport/events"
)

// repeats remembers which licenses the rows of a job have named, so that of all the
// others nobody needs to ask whether the job itself made them. It is a Bloom filter: it takes a new
// license for a repeated one now and then, one in some hundred, but never a
// repeated one for new. What it says leads to a look-up, never to an outcome.
type repeats struct {
	seed maphash.Seed
	bits []uint64 // a power of two of them
}

const (
	repeatsBits   = 16        // for each row
	repeatsMost   = 512 << 20 // bits, 64 MiB, so with more than 32 million rows more look-ups are made than needed
	repeatsProbes = 4
)

// newRepeats has room for a job's rows.
func newRepeats(rows events.Row) *repeats {
	size := min(max(uint64(rows), 1), repeatsMost/repeatsBits) * repeatsBits
	return &repeats{seed: maphash.MakeSeed(), bits: make([]uint64, 1<<bits.Len64((size-1)/64))}
}

// note remembers a license by its subject and tells whether it was noted before.
func (r *repeats) note(subject string) (again bool) {
	hash := maphash.String(r.seed, subject)
	step := hash>>32 | 1
	again = true
	for range repeatsProbes {
		word, bit := &r.bits[hash>>6&uint64(len(r.bits)-1)], uint64(1)<<(hash&63)
		again = again && *word&bit != 0
		*word |= bit
		hash += step
	}
	return again
}
