package processor

import (
	"context"
	"math"

	"licenseimport/events"

	"github.com/bits-and-blooms/bloom/v3"
)

const (
	// serialBatches is how many batches are committed serially after a conflict: each is staged
	// when the one before is stored. A batch that was staged after a refused one is lost work, and
	// occupies one of the server's 50 places for 10 s.
	serialBatches = 16
	// fullLookupBatches is how many batches are looked up in full after a license of another job
	// was found: existing licenses come in groups.
	fullLookupBatches = 16
)

// lookupPolicy says which licenses of a job are looked up before their batch is staged. It holds
// what this processor has learned about the job while working on it, and decides no outcome: the
// stream refuses a batch with a license that exists and was not looked up.
type lookupPolicy struct {
	seen        *bloom.BloomFilter // subjects of the licenses in the rows read; nil: no row imported yet
	fullLookups int                // batches still to be looked up in full

	serialLeft int // batches still to be committed serially
	conflicts  conflictPace
}

// begin prepares for the rows after the job's position. The first batch is looked up in full: that
// is cheap and detects a file that was imported before. Rows that another processor read are not in
// the filter, so after them every batch is looked up in full.
func (l *lookupPolicy) begin(j job) {
	if l.seen != nil || j.Progress.Phase != events.Import || !j.decider().selective {
		return
	}
	l.seen, l.fullLookups = newSeenFilter(j.Sealed.Rows), 1
	if j.Progress.Row > 0 {
		l.fullLookups = math.MaxInt
	}
}

// lookUpAll reports whether to look up all licenses of the next batch, or only those that an
// earlier row of the job may have named. It counts the batch. Validation makes no license and needs
// no look-up.
func (l *lookupPolicy) lookUpAll() bool {
	if l.seen == nil || l.fullLookups == 0 {
		return false
	}
	l.fullLookups--
	return true
}

// observe takes the result of a look-up for the job id into account.
func (l *lookupPolicy) observe(found Aggregates, id events.JobID) {
	for _, aggregate := range found {
		if aggregate.Last.Job() != id {
			l.fullLookups = max(l.fullLookups, fullLookupBatches)
			return
		}
	}
}

// serial reports whether the next batch is to be looked up and staged only when the one before is
// stored. It counts the batch.
func (l *lookupPolicy) serial() bool {
	if l.serialLeft == 0 {
		return false
	}
	l.serialLeft--
	return true
}

// onConflict notes that a batch was refused which followed the job's last fact, with cause. The first
// decision there is repeated at once: another import had made one of its licenses. If the job does
// not advance after that, the cause is the server, and onConflict waits longer each time. It returns
// the context's error if ctx ends.
func (l *lookupPolicy) onConflict(ctx context.Context, j *job, cause error) error {
	l.serialLeft, l.fullLookups = serialBatches, max(l.fullLookups, serialBatches)
	_, err := l.conflicts.wait(ctx, j, cause)
	return err
}

// Parameters of the filter of seen licenses: 2 bytes a row, 64 MiB at most. Beyond maxSeenRows
// false positives grow, and with them the look-ups.
const (
	seenBitsPerRow = 16
	seenHashes     = 4
	maxSeenRows    = 32 << 20
)

// newSeenFilter is a Bloom filter of the license subjects that this job has read. Only possible
// repeats need a look-up. It has no false negatives; under 1 % of the new licenses are false
// positives, each of which costs a look-up and changes no outcome.
func newSeenFilter(rows events.Row) *bloom.BloomFilter {
	return bloom.New(uint(min(rows, maxSeenRows))*seenBitsPerRow, seenHashes)
}
