package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"licenseimport/events"
)

// statusCommand shows imports.
type statusCommand struct {
	ID       count  `arg:"" optional:"" help:"The import; without it, the list of all, newest first."`
	Watch    bool   `help:"Go on showing: one import until it and its undo have ended, the list until Ctrl-C."`
	Kind     string `placeholder:"KIND" enum:",licenses,features,customers" default:"" help:"Only imports of licenses, features or customers. Default: all."`
	Limit    count  `default:"20" placeholder:"N" help:"Length of the list, at most 100. Default: 20."`
	JSON     bool   `name:"json" help:"Print what the API answers, and nothing else."`
	Warnings bool   `help:"List all warnings of the import, one for each value; with --json as the API's list."`
	Rejected string `placeholder:"FILE" help:"Write the import's rejected rows there, as a CSV (or, where the name ends in .xlsx, as an Excel workbook) to be corrected and imported again."`

	clientFlags
}

// Help is what --help tells beside the flags.
func (statusCommand) Help() string {
	return `Asks the server named by --server; else the one that holds the data directory; else reads the data directory itself; where there is none, asks http://127.0.0.1:8080.

Examples:
  licenseimport status
  licenseimport status --kind features
  licenseimport status 10 --watch
  licenseimport status 10 --rejected fix-me.csv
  licenseimport status 10 --warnings
  licenseimport status 10 --json`
}

// Run shows.
func (c *statusCommand) Run(ctx context.Context, t *terminal) error {
	return c.withExisting(ctx, t, readRoles, func(ctx context.Context, api *client) error {
		if c.ID == 0 && c.Warnings {
			return errors.New("--warnings needs an import: licenseimport status 10 --warnings")
		}
		if c.ID == 0 {
			return c.list(ctx, t, api)
		}
		return c.one(ctx, t, api)
	})
}

// one shows a single import; with --watch, after its end.
func (c *statusCommand) one(ctx context.Context, t *terminal, api *client) error {
	r, err := api.find(ctx, uint64(c.ID))
	if err == nil && c.Watch && !r.settled() {
		bar := newProgress(t.err)
		what, show := "Importing "+r.FileName, showProgress
		if r.ended() {
			what, show = "Undoing the import of "+r.FileName, showUndo
		}
		bar.begin(what, 1000, shares)
		r, err = api.waitFor(ctx, r.ref(), (*result).settled, func(r *result) { show(bar, r) })
		bar.end()
	}
	if err != nil {
		return err
	}
	if c.Warnings {
		return listWarnings(ctx, t.out, api, r, c.JSON)
	}
	return r.report(ctx, t, api, c.JSON, c.Rejected)
}

// list shows the newest imports; with --watch, each change until ctx ends.
func (c *statusCommand) list(ctx context.Context, t *terminal, api *client) error {
	var before string
	for {
		page, err := c.page(ctx, api)
		if err != nil && !(c.Watch && isTransient(err)) {
			return err
		}
		if err == nil && page != before {
			if before != "" && isTerminal(t.out) {
				fmt.Fprint(t.out, "\x1b[H\x1b[2J")
			}
			fmt.Fprint(t.out, page)
			before = page
		}
		if !c.Watch {
			return nil
		}
		if sleep(ctx, time.Second) != nil {
			return nil // Ctrl-C is how watching ends
		}
	}
}

// page returns the list as printed.
func (c *statusCommand) page(ctx context.Context, api *client) (string, error) {
	list := api.resultsOfAll
	if c.Kind != "" {
		list = func(ctx context.Context, limit int) ([]*result, []byte, error) {
			return api.results(ctx, events.KindNamed(c.Kind), limit)
		}
	}
	results, body, err := list(ctx, int(c.Limit))
	if err != nil {
		return "", err
	}
	if c.JSON {
		return string(trimmed(body)) + "\n", nil
	}
	if len(results) == 0 {
		return "No imports yet.\n", nil
	}
	var text bytes.Buffer
	table := newTable(&text, "Id", "File", "Status", "Rows", "Imported", "Updated", "Existed", "Rejected", "Manager",
		"Started at (UTC)", "Kind")
	for _, r := range results {
		c := r.Result
		if c == nil {
			c = &counts{}
		}
		status := r.Status
		switch {
		case r.undone():
			status = "undone"
		case r.Undo != nil:
			status = fmt.Sprintf("undoing %.0f %%", r.Undo.Progress*100)
		case !r.ended() && r.Progress > 0:
			status = fmt.Sprintf("%s %.0f %%", status, r.Progress*100)
		case r.DryRun && r.Status == "success":
			status = "checked" // nothing was imported
		case r.Status == "success" && c.Valid == 0:
			status = "nothing imported"
		}
		table.AppendRow([]any{r.ID, printable(r.FileName), status, grouped(c.Rows), grouped(c.Created), grouped(c.Updated),
			grouped(c.Existed), grouped(c.Invalid), printable(r.Manager), r.CreatedAt.UTC().Format(time.DateTime), r.kind.Many})
	}
	table.Render()
	return text.String(), nil
}

func trimmed(body []byte) []byte { return bytes.TrimSpace(body) }
