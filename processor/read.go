package processor

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"

	"github.com/bits-and-blooms/bloom/v3"
)

const (
	// maxRows is the limit of rows in a batch: an atomic batch holds 1000 messages, and the last
	// one is the new position.
	maxRows = 999
	// maxBytes ends a batch of large rows early, to bound what the server stages.
	maxBytes = 2 << 20
	// readAhead is how many batches are judged ahead of the one that is being staged.
	readAhead = 2
	// rowsPerGosched is about 1 ms of work. The Go scheduler preempts a goroutine only after 10 ms,
	// which would be added to the latency of reads in the same process.
	rowsPerGosched = 64
)

// judgedRows are the judged rows of one batch, in file order, and what staging needs to know of
// them.
type judgedRows struct {
	verdicts   []Verdict
	aggregates Aggregates // what they are about, as far as it was looked up and has an event
	serial     bool       // look all up and stage only when the batches before are stored
	began      time.Time  // when reading began
	missing    bool       // ROWS ends here, before the job's last row; with an err it seemed to
	err        error      // why the rows cannot be read any further
}

// read judges the job's rows after its position, batch by batch. The returned channel is closed
// after the last row, after a batch that is missing or has an error, and when ctx ends.
func (p *Processor) read(ctx context.Context, j job, policy *Policy, seen *bloom.BloomFilter) <-chan judgedRows {
	out := make(chan judgedRows, readAhead)
	reader := &rowReader{log: p.log, job: j, policy: policy, seen: seen, selective: policy.decider().selective}
	go func() {
		defer close(out)
		defer reader.stop()
		for row := j.Progress.Row; row < j.Sealed.Rows; {
			batch := reader.batch(ctx, row)
			row += events.Row(len(batch.verdicts))
			select {
			case out <- batch:
			case <-ctx.Done():
				return
			}
			if batch.err != nil || batch.missing {
				return
			}
		}
	}()
	return out
}

// rowReader reads and judges the rows of one job.
type rowReader struct {
	log       *eventlog.Log
	job       job
	policy    *Policy
	seen      *bloom.BloomFilter  // nil: rows are only validated, or all are looked up
	rows      *eventlog.RowReader // opened by the first batch
	selective bool                // of the kind's decider
	ended     bool                // no row follows, or the next number is not the row after this one
}

func (r *rowReader) stop() {
	if r.rows != nil {
		r.rows.Stop()
	}
}

// batch judges the rows after row, as many as fit into a batch.
func (r *rowReader) batch(ctx context.Context, row events.Row) judgedRows {
	b := judgedRows{verdicts: newVerdicts(int(min(maxRows, r.job.Sealed.Rows-row))), began: time.Now()}
	if r.rows == nil {
		if r.rows, b.err = r.log.Rows(ctx, r.job.Job, r.job.Progress.Position); b.err != nil {
			return b
		}
	}
	for size := 0; len(b.verdicts) < cap(b.verdicts) && size < maxBytes && !r.ended; row++ {
		received, message, err := r.next(ctx, row)
		if err != nil && !errors.Is(err, io.EOF) {
			b.err = err
			return b
		}
		if r.ended = err != nil || received.Row != row+1; r.ended {
			break
		}
		b.verdicts = b.verdicts[:len(b.verdicts)+1]
		r.judge(received, message.Seq, &b.verdicts[len(b.verdicts)-1])
		if len(b.verdicts)%rowsPerGosched == 0 {
			runtime.Gosched()
		}
		size += len(message.Data)
	}
	if b.missing = len(b.verdicts) == 0; b.missing {
		b.err = r.log.ConfirmMissing(ctx, r.job.Job, r.job.Sealed.Rows)
	}
	return b
}

// spareVerdicts are the slices of batches that were given to recycle. All have room for maxRows verdicts, which are
// zero.
var spareVerdicts = sync.Pool{New: func() any { return new([maxRows]Verdict) }}

// newVerdicts is an empty slice for n verdicts, which are zero.
func newVerdicts(n int) []Verdict {
	if n < maxRows {
		return make([]Verdict, 0, n)
	}
	return spareVerdicts.Get().(*[maxRows]Verdict)[:0]
}

// recycle has the memory of a batch's verdicts, and of their rows, used again. Nothing may point into them any more.
func recycle(verdicts []Verdict) {
	for i := range verdicts {
		events.Recycle(verdicts[i].Row)
	}
	clear(verdicts)
	if cap(verdicts) == maxRows {
		spareVerdicts.Put((*[maxRows]Verdict)(verdicts[:maxRows]))
	}
}

func (r *rowReader) judge(row *events.RowReceived, position events.Seq, v *Verdict) {
	r.policy.judge(row, v)
	v.position = position
	if r.seen != nil {
		v.MaybeRepeated = v.Valid() && r.seen.TestAndAddString(v.Subject())
	} else {
		v.MaybeRepeated = !r.selective
	}
}

// next reads the next row, without repetitions of the rows up to one: see [eventlog.Log.AppendRows].
func (r *rowReader) next(ctx context.Context, upTo events.Row) (*events.RowReceived, eventlog.Message, error) {
	for {
		message, err := r.rows.Next(ctx)
		if err != nil {
			return nil, message, err
		}
		received, err := eventlog.DecodeAs[*events.RowReceived](&message)
		if err != nil || received.Row > upTo {
			return received, message, err
		}
	}
}
