package ingest

import (
	"context"
	"errors"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/importjob"
)

// janitor aborts abandoned uploads. It purges the rows of imports that ended before their seal, and
// of those that ended long ago. Any number of processes may run one: its actions are idempotent.
type janitor struct {
	in   *Ingest
	jobs map[events.JobID]*observation // those that had rows at the last sweep; nil: there was none
}

// observation is what the janitor remembers about a job between two sweeps.
type observation struct {
	lastRow    events.Seq
	aliveSince time.Time // the last sign of life, by this process's clock: see alive
	silent     int       // visits since then
	open       bool      // at the sweep before it had no ImportFinished, or no rows
	finished   bool      // there is a message at the subject of its ImportFinished, perhaps one that is set aside
	purgeAt    time.Time // no visit is due before; zero: each sweep visits the job
}

// RunJanitor sweeps at once and then every Config.SweepEvery, until ctx ends. It returns an error
// only for an event that this version cannot read. After another failure the next sweep tries
// again.
func (in *Ingest) RunJanitor(ctx context.Context) error {
	j := &janitor{in: in}
	ticker := time.NewTicker(in.config.SweepEvery)
	defer ticker.Stop()
	for {
		err := j.sweep(ctx, time.Now())
		if _, unreadable := errors.AsType[*eventlog.UnreadableEventError](err); unreadable {
			return err
		}
		if err != nil && ctx.Err() == nil {
			in.config.Log.Warn("a sweep of the janitor failed; the next one repeats it", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// maxFinished is how many finished jobs one sweep reads, or a hundredth of all jobs, if that is more. For each the
// server reads up to three blocks of 8 MiB, and holds them in memory for a while.
const maxFinished = 10

// sweep visits every job that has rows in ROWS.
func (j *janitor) sweep(ctx context.Context, now time.Time) error {
	jobs, err := j.in.log.RowJobs(ctx)
	if err != nil {
		return err
	}
	known := j.jobs
	j.jobs = make(map[events.JobID]*observation, len(jobs))
	for _, job := range jobs {
		s := known[job]
		if s == nil {
			s = &observation{aliveSince: now, open: known != nil}
		}
		j.jobs[job] = s
	}
	left := max(maxFinished, len(jobs)/100) // oldest first: most likely their rows are due
	for _, job := range jobs {
		s := j.jobs[job]
		due, err := j.due(ctx, job, s, now)
		if err != nil {
			return err
		}
		if !due || s.finished && left == 0 {
			continue
		}
		ended, err := j.visit(ctx, job, s, now)
		if err != nil {
			return err
		}
		if s.finished && ended {
			left--
		}
	}
	return nil
}

// due reports whether a job is to be visited. The rows of one that has finished since the last sweep stay from now
// on: it would be expensive to read when it finished. Whether it did so is read before they are purged.
func (j *janitor) due(ctx context.Context, job events.JobID, seen *observation, now time.Time) (bool, error) {
	if !seen.purgeAt.IsZero() {
		return !now.Before(seen.purgeAt), nil
	}
	if !seen.finished {
		var err error
		if seen.finished, err = j.in.log.HasFact(ctx, events.FinishedSubject(job)); err != nil {
			return false, err
		}
	}
	if seen.finished && seen.open {
		seen.purgeAt = now.Round(0).Add(j.in.config.Retention) // by the wall clock
		return false, nil
	}
	return true, nil
}

// silentVisits is how many visits in a row an upload has to give no sign of life, however long they take: one response
// may be lost, or late on an overloaded machine.
const silentVisits = 2

// visit does what is to be done about a job, and reports whether its import has ended.
func (j *janitor) visit(
	ctx context.Context, job events.JobID, seen *observation, now time.Time,
) (ended bool, err error) {
	s, err := j.in.load(ctx, job)
	if err != nil {
		return false, err
	}
	ended = s.Ended()
	last, found, err := j.in.log.LastRow(ctx, job)
	if err != nil || !found {
		return ended, err
	}
	if !seen.purgeAt.IsZero() { // it was not visited for long
		seen.aliveSince, seen.silent, seen.purgeAt = now, 0, time.Time{}
	}
	if s.CanAbort() {
		seen.silent++
		if j.alive(ctx, job, seen, last.Seq) {
			seen.aliveSince, seen.silent = now, 0
		}
	}
	silent := now.Sub(seen.aliveSince)
	if seen.silent < silentVisits {
		silent = 0
	}
	switch actionFor(s, silent, now, j.in.config) {
	case abort:
		return ended, j.abort(ctx, job, last)
	case purgeRows:
		return ended, j.in.log.PurgeRows(ctx, job)
	}
	seen.open = !ended && !seen.finished // else its ImportFinished is set aside
	if ended {
		seen.purgeAt = s.End.Time.Add(j.in.config.Retention)
	}
	return ended, nil
}

// alive reports whether an upload gave a sign of life since the last visit: a new row, or a response
// of the process that receives it. (An upload of blank rows, or of one long row, stores no row for
// minutes.)
func (j *janitor) alive(ctx context.Context, job events.JobID, seen *observation, last events.Seq) bool {
	if last != seen.lastRow {
		seen.lastRow = last
		return true
	}
	return j.in.log.UploadAlive(ctx, job)
}

// abort ends an abandoned upload and purges its rows.
func (j *janitor) abort(ctx context.Context, job events.JobID, last eventlog.Message) error {
	s, err := j.in.abortAbandoned(ctx, job, last)
	if err != nil || !s.Discarded() { // sealed by its upload a moment ago
		return err
	}
	return j.in.log.PurgeRows(ctx, job)
}

// abortAbandoned ends an upload that has not ended, with the last message of its rows. Where that is no row, their
// number is unknown and stays 0.
func (in *Ingest) abortAbandoned(ctx context.Context, job events.JobID, last eventlog.Message) (importjob.State, error) {
	var rows events.Row
	if row, err := eventlog.DecodeAs[*events.RowReceived](&last); err == nil {
		rows = row.Row
	}
	s, err := in.abortUnlessEnded(ctx, importjob.AbandonedUpload(job, rows))
	if err == nil && s.Discarded() {
		in.config.Log.Info("abandoned upload ended", "job_id", job, "rows", rows)
	}
	return s, err
}
