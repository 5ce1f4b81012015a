package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"licenseimport/events"
	"licenseimport/internal/failpoint"

	"github.com/nats-io/nats.go/jetstream"
)

// AppendRows stores 1 to [MaxBatch] rows of a job and returns the sequence of the last one, if last is the
// sequence of the job's previous row (0: none). Otherwise the error is [ErrWrongSequence], as after a
// purge; where ROWS takes fast batches, rows may also follow a repetition of an earlier one. With a full
// disk the error is [ErrDiskFull]. AppendRows retries until ctx ends. After an error none of the rows is
// stored; where ROWS takes fast batches, the first ones may be. The rows are durable after [Log.SyncRows].
func (l *Log) AppendRows(ctx context.Context, job events.JobID, last events.Seq, bodies [][]byte) (events.Seq, error) {
	if err := l.CheckFreeSpace(); err != nil {
		return 0, err
	}
	if len(bodies) == 0 || len(bodies) > MaxBatch {
		return 0, fmt.Errorf("a batch of %d rows: it takes 1 to %d", len(bodies), MaxBatch)
	}
	if failpoint.Acknowledgement {
		return last, l.publish(events.RowsSubject(job), bodies)
	}
	seq, err := l.appendRows(ctx, job, last, bodies)
	if c := code(err); c == codeNoAtomic || c == codeNoFast { // ROWS was moved after this process connected
		if err = l.readRowsMode(ctx); err == nil {
			seq, err = l.appendRows(ctx, job, last, bodies)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("append rows of job %d: %w", job, err)
	}
	return seq, nil
}

func (l *Log) appendRows(ctx context.Context, job events.JobID, last events.Seq, bodies [][]byte) (events.Seq, error) {
	if l.fastRows.Load() {
		return l.appendFast(ctx, job, last, bodies)
	}
	subject := events.RowsSubject(job)
	return l.append(ctx, appendRequest{
		stream: events.RowsStream, subject: subject, filter: subject, last: last, bodies: bodies,
	})
}

// readRowsMode asks whether ROWS takes fast batches.
func (l *Log) readRowsMode(ctx context.Context) error {
	return l.retryWithTimeout(ctx, func(ctx context.Context) error {
		stream, err := l.js.Stream(ctx, events.RowsStream)
		if err == nil {
			l.fastRows.Store(fast(stream.CachedInfo().Config))
		}
		return err
	})
}

// publish sends messages and does not wait for their acknowledgement: a failpoint.
func (l *Log) publish(subject string, bodies [][]byte) error {
	for _, body := range bodies {
		if err := l.conn.Publish(subject, body); err != nil {
			return err
		}
	}
	return nil
}

// LastRow reads a job's last row from the leader; false without one.
func (l *Log) LastRow(ctx context.Context, job events.JobID) (Message, bool, error) {
	return l.get(ctx, events.RowsStream, getRequest{LastSubject: events.RowsSubject(job)})
}

// PurgeRows deletes a job's rows.
func (l *Log) PurgeRows(ctx context.Context, job events.JobID) error {
	err := l.retryWithTimeout(ctx, func(ctx context.Context) error {
		stream, err := l.js.Stream(ctx, events.RowsStream)
		if err != nil {
			return err
		}
		return stream.Purge(ctx, jetstream.WithPurgeSubject(events.RowsSubject(job)))
	})
	if err != nil {
		return fmt.Errorf("purge the rows of job %d: %w", job, err)
	}
	return nil
}

// RowJobs lists the jobs that have rows, in ascending order. It leaves out subjects that are no job's.
func (l *Log) RowJobs(ctx context.Context) ([]events.JobID, error) {
	subjects, err := l.subjects(ctx, events.RowsStream, events.RowsSubjects[0])
	if err != nil {
		return nil, fmt.Errorf("list the jobs with rows: %w", err)
	}
	jobs := make([]events.JobID, 0, len(subjects))
	for subject := range subjects {
		if job, err := events.ParseRowsSubject(subject); err == nil {
			jobs = append(jobs, job)
		}
	}
	slices.Sort(jobs)
	return jobs, nil
}

// subjects lists the subjects of a stream that match a filter, with the number of messages at each.
func (l *Log) subjects(ctx context.Context, name, filter string) (map[string]uint64, error) {
	var info *jetstream.StreamInfo
	err := l.retryWithTimeout(ctx, func(ctx context.Context) error {
		var err error
		info, err = l.info(ctx, name, jetstream.WithSubjectFilter(filter))
		return err
	})
	if err != nil {
		return nil, err
	}
	return info.State.Subjects, nil
}

// ConfirmMissing returns nil if fewer than so many rows of a job are stored. The reader of the rows alone cannot tell:
// on a cluster it may have read from a replica that lags, or was told the end by a node that is cut off. Where the
// leader has that many rows, the error says that a read has to be tried again.
func (l *Log) ConfirmMissing(ctx context.Context, job events.JobID, rows events.Row) error {
	subject := events.RowsSubject(job)
	behind := false
	err := l.retryWithTimeout(ctx, func(ctx context.Context) error {
		info, err := l.info(ctx, events.RowsStream, jetstream.WithSubjectFilter(subject))
		if err == nil {
			behind = info.Config.Replicas > 1 && info.State.Subjects[subject] >= uint64(rows)
		}
		return err
	})
	if err == nil && behind {
		err = errReplicaBehind
	}
	if err != nil {
		return fmt.Errorf("read the rows of job %d: %w", job, err)
	}
	return nil
}

// A RowReader reads a job's rows, or those outcomes that say which were rejected. One goroutine uses it.
type RowReader struct {
	log     *Log
	subject string
	cursor  *cursor
	end     events.Seq // of the last message
}

// Rows reads the rows that a job has now, after a sequence (0: all).
func (l *Log) Rows(ctx context.Context, job events.JobID, after events.Seq) (*RowReader, error) {
	return l.readRows(ctx, events.RowsStream, events.RowsSubject(job), after)
}

// RejectedRows reads the RowRejected that a job has now, after a sequence of LICENSES (0: all),
// without those that are set aside.
func (l *Log) RejectedRows(ctx context.Context, job events.JobID, after events.Seq) (*RowReader, error) {
	if _, err := l.refreshSetAside(ctx); err != nil {
		return nil, err
	}
	return l.readRows(ctx, events.LicensesStream, events.RejectedSubject(job), after)
}

func (l *Log) readRows(ctx context.Context, stream, subject string, after events.Seq) (*RowReader, error) {
	r := &RowReader{log: l, subject: subject, cursor: l.newCursor(stream, []string{subject}, after)}
	r.cursor.bounded, r.cursor.reuse = true, true
	return r, r.findEnd(ctx)
}

// findEnd asks the leader for the last message. A consumer's pending count would not do: the consumer
// may be on a replica that lags.
func (r *RowReader) findEnd(ctx context.Context) error {
	if r.log.Clustered() { // where a node may answer that is cut off
		if _, err := r.log.state(ctx, r.cursor.stream); err != nil {
			return err
		}
	}
	last, _, err := r.log.get(ctx, r.cursor.stream, getRequest{LastSubject: r.subject})
	r.end = last.Seq
	return err
}

// rowTimeout is how long Next waits for a row before it checks that the rows still exist: a purge
// may have deleted them.
const rowTimeout = 10 * time.Second

// Next returns the next message, or [io.EOF] after the last one. The message's data is valid until the next call.
func (r *RowReader) Next(ctx context.Context) (Message, error) {
	for r.cursor.last < r.end {
		m, err := r.cursor.next(ctx, rowTimeout)
		if err == nil && r.cursor.stream == events.LicensesStream && r.log.setAside.has(m.Seq) {
			continue
		}
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return m, err
		}
		if err := r.findEnd(ctx); err != nil {
			return Message{}, err
		}
	}
	return Message{}, io.EOF
}

// Stop ends the reader and deletes its consumer.
func (r *RowReader) Stop() { r.cursor.stop() }
