package processor

import (
	"context"
	"errors"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// undoBatch holds events of an import that is undone, in the order of the stream.
type undoBatch struct {
	facts    []Aggregate
	position events.Seq // the events up to here are passed
	began    time.Time  // when reading began
	first    bool       // some are of the first maxRows of the pass
	serial   bool       // decide them only when the batches before are stored
	due      bool       // the position is to be stored, even if nothing else is
	err      error      // why the events cannot be read any further

	outcomes []undoOutcome // of the facts, once they are decided
}

// maxUndoScan is how long an undo reads events of other imports before it stores its position: a processor that
// shows no progress is taken for dead.
const maxUndoScan = 15 * time.Second

// errUndoEnd ends the reading at the import's end.
var errUndoEnd = errors.New("the import's end")

// readUndo reads the import's events that are still to be taken back, batch by batch. The returned channel
// is closed after the import's end, after a batch that has an error, and when ctx ends.
func (p *Processor) readUndo(ctx context.Context, j job, pace *undoPace) <-chan undoBatch {
	out := make(chan undoBatch, 1)
	r := &undoReader{job: j, subjects: j.decider().undo.subjects, pace: pace, out: out}
	go func() {
		defer close(out)
		r.begin()
		after, _ := j.UndoRange()
		// All messages, because the import's end tells that there is no more. With two filters the server would
		// look through all subjects of a block for each message.
		err := p.log.Follow(ctx, after, nil, func(m eventlog.Message) error { return r.add(ctx, &m) })
		if !errors.Is(err, errUndoEnd) && ctx.Err() == nil {
			r.batch.err = err
			_ = r.emit(ctx)
		}
	}()
	return out
}

type undoReader struct {
	job      job
	subjects string // begins those of the facts
	pace     *undoPace
	out      chan<- undoBatch
	batch    undoBatch
	read     int // events in all batches
	limit    int // of events in the batch
	bytes    int // of their bodies
}

func (r *undoReader) begin() {
	r.batch = undoBatch{began: time.Now(), first: r.read < maxRows}
	r.limit, r.batch.serial = r.pace.next()
	r.bytes = 0
}

func (r *undoReader) emit(ctx context.Context) error {
	select {
	case r.out <- r.batch:
		r.begin()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// add takes the next message of the stream. It decodes only those of the import.
func (r *undoReader) add(ctx context.Context, m *eventlog.Message) error {
	_, end := r.job.UndoRange()
	if m.Seq >= end {
		r.batch.position = end
		if err := r.emit(ctx); err != nil {
			return err
		}
		return errUndoEnd
	}
	r.batch.position = m.Seq
	if job, known := events.JobOf(m.Data); strings.HasPrefix(m.Subject, r.subjects) && (!known || job == r.job.Job) {
		fact, err := decodeAggregate(m)
		if err != nil {
			return err
		}
		if takenBack(fact.Last, r.job.Job) {
			r.batch.facts = append(r.batch.facts, fact)
			r.read++
			r.bytes += len(m.Data)
		}
	}
	r.batch.due = time.Since(r.batch.began) > maxUndoScan
	if len(r.batch.facts) >= r.limit || r.bytes >= maxBytes || r.batch.due {
		return r.emit(ctx)
	}
	return nil
}
