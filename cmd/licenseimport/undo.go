package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"licenseimport/events"
)

// undoCommand takes an import back, and waits for the end.
type undoCommand struct {
	ID   count `arg:"" help:"The import to take back."`
	Yes  bool  `short:"y" help:"Do not ask."`
	JSON bool  `name:"json" help:"Print the import's result as the API gives it, and nothing else."`

	clientFlags
}

// Help is what --help tells beside the flags.
func (undoCommand) Help() string {
	return `First says in numbers what it will do, and asks. Licenses that the import made are removed, and licenses that it updated get their earlier values back. Licenses that another import has changed since stay as they are. The import and what happened to its rows stay in the list.

An import can be undone once, and an undo cannot be stopped. To bring a removed license back, import it again.

Examples:
  licenseimport undo 10
  licenseimport undo 10 --yes --json
  licenseimport status 10 --watch    # how far it is

Exit status: 0 the import is undone, else 1.`
}

// Run undoes.
func (c *undoCommand) Run(ctx context.Context, t *terminal) error {
	return c.withExisting(ctx, t, allRoles, func(ctx context.Context, api *client) error {
		if err := api.waitForServer(ctx); err != nil {
			return err
		}
		r, err := api.find(ctx, uint64(c.ID))
		if err == nil {
			err = c.ask(ctx, t, api, r)
		}
		if err != nil {
			return err
		}
		return c.undo(ctx, t, api, r.ref())
	})
}

// undoCounts are the licenses that an undo takes back, changes back and leaves.
type undoCounts struct {
	Revoked  uint64 `json:"revoked"`
	Restored uint64 `json:"restored"`
	Kept     uint64 `json:"kept"`
}

// undoState is the undo of an import.
type undoState struct {
	Status     string     `json:"status"` // running or finished
	Manager    string     `json:"manager"`
	StartedAt  *time.Time `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`
	Progress   float64    `json:"progress"`
	undoCounts
}

func (u *undoState) finished() bool { return u.Status == "finished" }

// ask says what the undo would do. It returns an error unless the user wants that.
func (c *undoCommand) ask(ctx context.Context, t *terminal, api *client, r *result) error {
	if c.Yes {
		return nil
	}
	var would undoCounts
	body, err := api.get(ctx, r.ref().path()+"undo/")
	if err == nil {
		err = json.Unmarshal(body, &would)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.err, "Undoing import %d of %s: %s.\nGo on? [y/N] ", c.ID, printable(r.FileName), would.plan(r.kind))
	answer, err := readLine(ctx, t.in)
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	default:
		fmt.Fprintln(t.err)
		return errors.New("nothing was undone: answer y, or use --yes")
	}
}

// plan is what an undo will do.
func (u *undoCounts) plan(kind *events.Kind) string {
	text := listed(u.Revoked, "will be removed", u.Restored, "will get their earlier values back", u.Kept, "will stay, because another import has changed them since")
	if text == "" {
		return "there is no " + kind.One + " to take back"
	}
	return "of its " + kind.Many + " " + text
}

// done is what an undo has done.
func (u *undoCounts) done(kind *events.Kind) string {
	text := listed(u.Revoked, "removed", u.Restored, "restored to their earlier values", u.Kept, "kept, because another import has changed them since")
	if text == "" {
		return "there was no " + kind.One + " to take back"
	}
	return kind.Many + ": " + text
}

// readLine reads the user's answer. The end of the input is an empty one.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	line, err := bufio.NewReader(newInterruptible(ctx, in)).ReadString('\n')
	if errors.Is(err, errInterruptedRead) {
		return "", context.Cause(ctx)
	}
	return line, nil
}

func (c *undoCommand) undo(ctx context.Context, t *terminal, api *client, of importRef) error {
	err := whileBusy(ctx, t, func() error {
		_, err := api.post(ctx, of.path()+"undo/", "")
		return err
	})
	if err != nil {
		return err
	}
	bar := newProgress(t.err)
	bar.begin(fmt.Sprintf("Undoing import %d", of.id), 1000, shares)
	r, err := api.waitFor(ctx, of, (*result).undone, func(r *result) { showUndo(bar, r) })
	bar.end()
	if err != nil {
		return explainUndo(ctx, of.id, api, err)
	}
	if c.JSON {
		fmt.Fprintf(t.out, "%s\n", trimmed(r.raw))
		return nil
	}
	fmt.Fprintf(t.out, "Import %d of %s is undone. %s.\n", of.id, printable(r.FileName), capital(r.Undo.done(r.kind)))
	return printKept(ctx, t.out, api, r)
}

// showUndo draws how far an undo is.
func showUndo(bar *progress, r *result) {
	if r.Undo != nil {
		bar.share(r.Undo.Progress, plural(r.Undo.Revoked+r.Undo.Restored+r.Undo.Kept, r.kind.One, r.kind.Many))
	}
}

func explainUndo(ctx context.Context, id uint64, api *client, err error) error {
	switch {
	case ctx.Err() == nil:
		return fmt.Errorf("import %d is being undone, but its result could not be read: %w", id, err)
	case api.remote:
		return fmt.Errorf("stopped waiting; the server goes on with the undo: %s",
			api.command("status", strconv.FormatUint(id, 10), "--watch"))
	default:
		return errors.New("stopped; the next process on this data directory, such as licenseimport serve, goes on with the undo")
	}
}

// printKept shows the first rows whose effect an undo has kept, and what changed it since.
func printKept(ctx context.Context, w io.Writer, api *client, r *result) error {
	if r.Undo == nil || r.Undo.Kept == 0 {
		return nil
	}
	var page rowPage
	if err := api.firstPage(ctx, r.ref().path()+"kept_rows/", maxPrintedRows, &page); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s:\n", firstOf(len(page.Results), r.Undo.Kept, "Kept", r.kind.Many+" that were kept"))
	table := newTable(w, rowHeader(r.kind, "Changed since by")...)
	for _, row := range page.Results {
		table.AppendRow(row.cells(r.kind, fmt.Sprintf("import %d, row %d", row.ImportID, row.ImportRow)))
	}
	table.Render()
	return nil
}

// firstOf is the heading of a table that may show only the first of many.
func firstOf(shown int, all uint64, heading, what string) string {
	if uint64(shown) < all {
		return fmt.Sprintf("The first %d of %s %s", shown, grouped(all), what)
	}
	return heading
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
