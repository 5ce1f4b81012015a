package main

import (
	"context"
	"errors"
	"fmt"

	"licenseimport/events/eventlog"
	"licenseimport/projector"
)

// rebuildCommand rebuilds the views from the stream.
type rebuildCommand struct{ logFlags }

// Help is what --help tells beside the flags.
func (rebuildCommand) Help() string {
	return `The views hold nothing that the event stream does not: after a rebuild every answer is the same, and so is the digest that is printed. The old views stay until the new ones are complete.

Stop the process that has the views open first, such as serve or the role projector.

Examples:
  licenseimport rebuild
  licenseimport rebuild --nats-url nats://127.0.0.1:4222`
}

// Run rebuilds.
func (c *rebuildCommand) Run(ctx context.Context, t *terminal) error {
	if err := c.mustExist(); err != nil {
		return err
	}
	by, held, err := eventlog.LockOwner(c.Data)
	if err != nil {
		return err
	}
	if held && by.HTTP != "" {
		return fmt.Errorf("the server %s has the views of %s open: stop it first, then rebuild", by.HTTP, c.Data)
	}
	return c.withExisting(ctx, func(log *eventlog.Log) error { return c.rebuild(ctx, t, log) })
}

func (c *rebuildCommand) rebuild(ctx context.Context, t *terminal, log *eventlog.Log) error {
	if err := makeDataDir(c.Data); err != nil {
		return err
	}
	bar := newProgress(t.err)
	bar.begin("Folding events", -1, "events")
	result, err := projector.Rebuild(ctx, log, c.Data, func(done, total uint64) { bar.set(int64(done), int64(total)) })
	bar.end()
	if err != nil && ctx.Err() != nil {
		return errors.New("stopped before the end: the views are as they were")
	}
	if errors.Is(err, projector.ErrInUse) {
		return fmt.Errorf("another process, such as the role projector, has the views in %s open: stop it first, then rebuild", c.Data)
	}
	if err != nil {
		return err
	}
	speed := ""
	if seconds := result.Duration.Seconds(); result.Events > 0 && seconds > 0 {
		speed = fmt.Sprintf(" (%s events/s)", grouped(uint64(float64(result.Events)/seconds)))
	}
	fmt.Fprintf(t.out, "Folded %s in %.2f s%s\n", plural(result.Events, "event", "events"), result.Duration.Seconds(), speed)
	fmt.Fprintf(t.out, "Digest of the views: %s\n", result.Digest)
	return nil
}
