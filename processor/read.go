package processor

import (
	"context"
	"errors"
	"io"
	"runtime"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"

	"github.com/bits-and-blooms/bloom/v3"
)

const (
	// maxRows is the most rows of a batch: an atomic batch holds 1000 messages,
	// and one of them is the new position.
	maxRows = 999
	// maxBytes ends a batch of large rows early: what the server stages is bounded.
	maxBytes = 2 << 20
	// readAhead is how many batches are judged ahead of the one that is staged.
	readAhead = 2
	// yieldRows are about a millisecond's work. Go takes a core from a goroutine after 10 ms only,
	// and who answers readers would wait as long.
	yieldRows = 64
)

// rows are judged rows of a job, in file order, and what remains to be known of them.
type judgedRows struct {
	verdicts []Verdict
	origins  Origins    // of their licenses, as far as they were looked up, and stored already
	serial   bool       // the rows before are to be stored first; then all licenses are looked up
	position events.Seq // of the last one in the stream of rows
	began    time.Time
	missing  bool  // the stream ends here, before the job's last row
	err      error // the rows cannot be read any further
}

// read judges the job's rows after its position and hands them on in batches,
// until the last row or the first error.
func (p *Processor) read(ctx context.Context, j job, policy *Policy, seen *bloom.BloomFilter) <-chan judgedRows {
	out := make(chan judgedRows, readAhead)
	reader := &rowReader{log: p.log, job: j, policy: policy, seen: seen}
	go func() {
		defer close(out)
		defer reader.stop()
		for row := j.progress.Row; row < j.rows; {
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

// rowReader reads one job's rows from the stream.
type rowReader struct {
	log    *eventlog.Log
	job    job
	policy *Policy
	seen   *bloom.BloomFilter  // nil: no licenses are made
	rows   *eventlog.RowReader // opened by the first batch
	ended  bool                // no row follows, or the one that should is lost
}

func (r *rowReader) stop() {
	if r.rows != nil {
		r.rows.Stop()
	}
}

// batch judges the rows that follow row.
func (r *rowReader) batch(ctx context.Context, row events.Row) judgedRows {
	b := judgedRows{verdicts: make([]Verdict, 0, min(maxRows, r.job.rows-row)), began: time.Now()}
	if r.rows == nil {
		if r.rows, b.err = r.log.Rows(ctx, r.job.id, r.job.progress.Position); b.err != nil {
			return b
		}
	}
	for size := 0; len(b.verdicts) < cap(b.verdicts) && size < maxBytes && !r.ended; row++ {
		received, message, err := r.next(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			b.err = err
			return b
		}
		if r.ended = err != nil || received.Row != row+1; r.ended {
			break
		}
		b.verdicts = append(b.verdicts, r.judge(received))
		b.position = message.Seq
		if len(b.verdicts)%yieldRows == 0 {
			runtime.Gosched()
		}
		size += len(message.Data)
	}
	b.missing = len(b.verdicts) == 0
	return b
}

func (r *rowReader) judge(row *events.RowReceived) Verdict {
	v := r.policy.Judge(row)
	v.MaybeRepeated = r.seen != nil && v.Valid() && r.seen.TestAndAddString(v.Subject())
	return v
}

func (r *rowReader) next(ctx context.Context) (*events.RowReceived, eventlog.Message, error) {
	message, err := r.rows.Next(ctx)
	if err != nil {
		return nil, message, err
	}
	received, err := decodeAs[*events.RowReceived](events.RowsStream, message)
	return received, message, err
}
