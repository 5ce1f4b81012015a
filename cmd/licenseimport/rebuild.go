package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"licenseimport/events/eventlog"
	"licenseimport/projector"
	"licenseimport/projector/readapi"
)

// rebuildCommand rebuilds the views from the stream.
type rebuildCommand struct {
	logFlags
	Key      string `group:"where" placeholder:"KEY" help:"An admin key for the server that has the views open. Default: the one in the data directory. Better set by the environment."`
	AdminKey string `hidden:"" help:"The key of a server of this machine that was started with it."`
	ServerCA string `name:"server-ca" group:"where" placeholder:"FILE" help:"Certificates (PEM) that the server's is checked against. Default: those of this machine."`
}

// Help is what --help tells beside the flags.
func (rebuildCommand) Help() string {
	return `The views hold nothing that the event stream does not: after a rebuild every answer is the same, and so is the digest that is printed. The old views stay until the new ones are complete.

Where a server has the views of the data directory open, that server makes the new ones while it goes on: imports and answers do not stop.

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
		return explainDenied(c.Data, err)
	}
	if held && by.HTTP != "" {
		reach := clientFlags{Key: c.Key, AdminKey: c.AdminKey, ServerCA: c.ServerCA, dataFlag: c.dataFlag}
		return reach.withURL(ctx, by.HTTP, func(ctx context.Context, api *client) error { return askToRebuild(ctx, t, api) })
	}
	return c.withExisting(ctx, func(log *eventlog.Log) error { return c.rebuild(ctx, t, log) })
}

func (c *rebuildCommand) rebuild(ctx context.Context, t *terminal, log *eventlog.Log) error {
	if err := refuseRoot(c.Data); err != nil { // by --nats-url, too, it writes the views there
		return err
	}
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
	printRebuild(t, result.Events, result.Duration.Seconds(), result.Digest)
	return nil
}

func printRebuild(t *terminal, events uint64, seconds float64, digest string) {
	speed := ""
	if events > 0 && seconds > 0 {
		speed = fmt.Sprintf(" (%s events/s)", grouped(uint64(float64(events)/seconds)))
	}
	fmt.Fprintf(t.out, "Folded %s in %.2f s%s\n", plural(events, "event", "events"), seconds, speed)
	fmt.Fprintf(t.out, "Digest of the views: %s\n", digest)
}

// askToRebuild has a server rebuild its views, and shows how far it is.
func askToRebuild(ctx context.Context, t *terminal, api *client) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, api.base+readapi.RebuildPath, nil)
	if err != nil {
		return err
	}
	resp, err := api.do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	bar := newProgress(t.err)
	bar.begin("Folding events", -1, "events")
	defer bar.end()
	lines := bufio.NewScanner(resp.Body)
	for event := ""; lines.Scan(); {
		switch field, value, _ := strings.Cut(lines.Text(), ": "); {
		case field == "event":
			event = value
		case field == "data" && event == "progress":
			var p readapi.RebuildProgress
			if err := json.Unmarshal([]byte(value), &p); err != nil {
				return err
			}
			bar.set(int64(p.Events), int64(p.Of))
		case field == "data" && event == "done":
			var result readapi.RebuildResult
			if err := json.Unmarshal([]byte(value), &result); err != nil {
				return err
			}
			bar.end()
			printRebuild(t, result.Events, result.Seconds, result.Digest)
			return nil
		}
	}
	if ctx.Err() != nil {
		return errors.New("stopped before the end: the views are whole, the former or the new ones")
	}
	return errors.Join(errors.New("the server did not say that the rebuild is done: its log says why. The views are whole, the former or the new ones"), lines.Err())
}
