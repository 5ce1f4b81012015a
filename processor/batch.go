package processor

import (
	"context"
	"errors"
	"io"
	"runtime"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/failpoint"

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
type rows struct {
	verdicts []Verdict
	makers   Makers     // of their licenses, as far as they were looked up, and stored already
	alone    bool       // the rows before are to be stored first; then all licenses are looked up
	position events.Seq // of the last one in the stream of rows
	began    time.Time
	missing  bool  // the stream ends here, before the job's last row
	err      error // the rows cannot be read any further
}

// read judges the job's rows after its position and hands them on in batches,
// until the last row or the first error.
func (p *Processor) read(ctx context.Context, j job, policy *Policy, named *bloom.BloomFilter) <-chan rows {
	out := make(chan rows, readAhead)
	reader := &rowReader{log: p.log, job: j, policy: policy, named: named}
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
	named  *bloom.BloomFilter  // nil: no licenses are made
	rows   *eventlog.RowReader // opened by the first batch
	ended  bool                // no row follows, or the one that should is lost
}

func (r *rowReader) stop() {
	if r.rows != nil {
		r.rows.Stop()
	}
}

// batch judges the rows that follow row.
func (r *rowReader) batch(ctx context.Context, row events.Row) rows {
	b := rows{verdicts: make([]Verdict, 0, min(maxRows, r.job.rows-row)), began: time.Now()}
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
	v.Again = r.named != nil && v.Valid() && r.named.TestAndAddString(v.Subject())
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

// staged is a batch that the server holds and that its fact will commit.
type staged struct {
	batch    *eventlog.Batch
	fact     events.Event
	position events.ImportProgressed // where the job is after it
	rows     events.Row
	counts   events.Counts              // of this batch alone
	errors   map[events.Code]events.Row // likewise
	began    time.Time
}

// stage decides a batch's outcomes and sends them to the server, to follow what is
// committed by then. Makers are those of the licenses that exist; nil: none are made.
func (p *Processor) stage(j job, b rows, position events.ImportProgressed, makers Makers) (*staged, error) {
	s := &staged{batch: p.log.NewBatch(j.id), position: position, rows: events.Row(len(b.verdicts)), began: b.began}
	j.kept.mark(b.verdicts)
	var outcomes []events.Event
	if makers != nil {
		outcomes = Outcomes(b.verdicts, makers)
	} else {
		outcomes = Rejections(b.verdicts)
	}
	for i := range outcomes {
		count(&s.counts, outcomes[i], &b.verdicts[i])
	}
	s.errors = countErrors(outcomes)
	if err := s.send(outcomes, b.verdicts, time.Now()); err != nil {
		return nil, err
	}
	s.position.Row += s.rows
	s.position.Position = b.position
	addCounts(&s.position.Counts, s.counts)
	s.fact = j.commit(s.position)
	if progress, ok := s.fact.(*events.ImportProgressed); ok && failpoint.Position {
		progress.Row, progress.Position = 0, 0
	}
	return s, nil
}

// lookUpAhead looks up licenses while the batches before are staged and committed: those that
// rows of the job name again, or all where other jobs' keep turning up. It ends after in has.
func (p *Processor) lookUpAhead(ctx context.Context, in <-chan rows, job events.JobID, c *care) <-chan rows {
	out := make(chan rows, 1)
	go func() {
		defer close(out)
		for b := range in {
			if b.alone = c.alone(); !b.alone && b.err == nil {
				which := func(v *Verdict) bool { return v.Again }
				if c.searches() {
					which = (*Verdict).Valid
				}
				b.makers, b.err = p.lookUp(ctx, b.verdicts, which)
				c.found(b.makers, job)
			}
			select {
			case out <- b:
			case <-ctx.Done(): // nobody wants what is left
			}
		}
	}()
	return out
}

// lookUp finds out which row made each of the rows' licenses that are stored.
func (p *Processor) lookUp(ctx context.Context, verdicts []Verdict, which func(*Verdict) bool) (Makers, error) {
	subjects := make([]string, 0, len(verdicts))
	for i := range verdicts {
		if which(&verdicts[i]) {
			subjects = append(subjects, verdicts[i].Subject())
		}
	}
	makers := Makers{}
	err := p.log.Lookup(ctx, subjects, func(m eventlog.Message) error {
		license, err := decodeAs[*events.LicenseImported](events.LicensesStream, m)
		if err == nil {
			makers[m.Subject] = events.Origin{JobID: license.JobID, Row: license.Row}
		}
		return err
	})
	return makers, err
}

// send stages the outcomes. A license is expected to be the first at its subject,
// which was made for the look-up already.
func (s *staged) send(outcomes []events.Event, verdicts []Verdict, now time.Time) error {
	var body []byte // of one after the other
	for i, outcome := range outcomes {
		if outcome == nil || verdicts[i].Kept != nil {
			continue
		}
		var err error
		if body, err = events.Append(body[:0], outcome, now); err != nil {
			return err
		}
		if _, first := outcome.(*events.LicenseImported); first {
			err = s.batch.Add(verdicts[i].Subject(), body, true)
		} else {
			err = s.batch.Add(outcome.Subject(), body, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// seen is what an observer is told of a batch that was acknowledged just now.
func (s *staged) seen() Batch {
	return Batch{Phase: s.position.Phase, Rows: s.rows, Counts: s.counts, Errors: s.errors, Took: time.Since(s.began)}
}

// countErrors counts rejected rows by code, each row once for each of its codes.
func countErrors(outcomes []events.Event) map[events.Code]events.Row {
	counts := map[events.Code]events.Row{}
	for _, outcome := range outcomes {
		rejected, ok := outcome.(*events.RowRejected)
		if !ok {
			continue
		}
		seen := map[events.Code]bool{}
		for _, e := range rejected.Errors {
			if !seen[e.Code] {
				seen[e.Code] = true
				counts[e.Code]++
			}
		}
	}
	return counts
}

func addCounts(sum *events.Counts, c events.Counts) {
	sum.Imported += c.Imported
	sum.Existed += c.Existed
	sum.Rejected += c.Rejected
	sum.Warnings += c.Warnings
}
