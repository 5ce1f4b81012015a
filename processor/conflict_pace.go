package processor

import (
	"context"
	"log/slog"
	"time"

	"licenseimport/events"
	"licenseimport/internal/retry"
)

// conflictRetry paces the decisions that are repeated at one position.
var conflictRetry = retry.Policy{First: 10 * time.Millisecond, Max: time.Second, Jitter: 0.5}

// conflictPace paces the decisions of one job that are repeated because their batch was refused. Nothing
// else shows that a job does not advance, so it warns, once for the job.
type conflictPace struct {
	at       events.Seq // the job's last fact at the last conflict
	attempts int        // batches refused there
	backoff  retry.Backoff
	warned   bool
}

// wait counts that the batch after the job's last fact was refused, with cause, and reports whether one was
// refused there before. The first time it does not wait, then longer each time. err: ctx ended.
func (c *conflictPace) wait(ctx context.Context, j *job, cause error) (again bool, err error) {
	if c.at != j.Last.Seq {
		c.at, c.attempts, c.backoff = j.Last.Seq, 1, conflictRetry.Start()
		return false, ctx.Err()
	}
	c.attempts++
	if c.backoff.AtMax() && !c.warned {
		c.warned = true
		slog.Warn("the batches of a job are refused again and again, and the processor keeps trying",
			"job_id", j.Job, "attempts", c.attempts, "error", cause)
	}
	return true, c.backoff.Wait(ctx, cause)
}
