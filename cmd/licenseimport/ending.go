package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"licenseimport/internal/mapping"
)

// ending says how a command waits for the end of an import, and what it prints then.
type ending struct {
	what     string // is imported, for the progress bar
	strict   bool   // rejected rows are status 2
	asJSON   bool
	rejected string // the file for the rejected rows; "": none
}

// finishImport waits for the end of an import, prints its result and turns that into the exit status.
func finishImport(ctx context.Context, t *terminal, api *client, of importRef, e ending) error {
	bar := newProgress(t.err)
	bar.begin("Importing "+e.what, 1000, shares)
	end, err := api.waitForResult(ctx, of, func(r *result) { showProgress(bar, r) })
	bar.end()
	if err != nil {
		return explainWait(ctx, of.id, api, err)
	}
	if err := end.report(ctx, t, api, e.asJSON, e.rejected); err != nil {
		return err
	}
	switch {
	case end.Status != "success":
		return exitStatus(1)
	case e.strict && end.rejected() > 0:
		return exitStatus(2)
	default:
		return nil
	}
}

// showProgress draws how many of the sealed rows are decided.
func showProgress(bar *progress, r *result) {
	if r.Result != nil {
		bar.share(r.Progress, plural(r.Result.Rows, "row", "rows"))
	}
}

func explainWait(ctx context.Context, id uint64, api *client, err error) error {
	switch {
	case ctx.Err() == nil:
		return fmt.Errorf("the file is stored as import %d, but its result could not be read: %w", id, err)
	case api.remote:
		return fmt.Errorf("stopped waiting; the server goes on with import %d: %s", id,
			api.command("status", strconv.FormatUint(id, 10), "--watch"))
	default:
		return fmt.Errorf("stopped; the file is stored as import %d, and the next process on this data directory, such as licenseimport serve, goes on with it", id)
	}
}

// report prints a result, as JSON or as text. It writes the rejected rows to the file
// named by rejected, unless that is "".
func (r *result) report(ctx context.Context, t *terminal, api *client, asJSON bool, rejected string) error {
	if asJSON {
		fmt.Fprintf(t.out, "%s\n", trimmed(r.raw))
	} else if err := printSummary(ctx, t.out, api, r); err != nil {
		return err
	}
	if r.rejected() == 0 {
		return nil
	}
	if rejected != "" {
		if err := saveRejected(ctx, api, r.ref(), rejected); err != nil {
			return err
		}
	}
	if asJSON || rejected == "" && (r.RetriedBy != nil && !r.DryRun || r.Undo != nil) { // the summary says what is left
		return nil
	}
	printMeant(ctx, t.out, api, r)
	fmt.Fprintln(t.out, r.whatToDo(api, rejected))
	again := r.settled() && !r.DryRun && r.Error == nil
	if again && r.waitsForProducts() {
		fmt.Fprintln(t.out, "Once the products are in the catalogue, no file is needed: "+api.command("retry", r.idText()))
	}
	if format := r.otherDates(); again && format != "" {
		fmt.Fprintln(t.out, "If the dates are written "+format+", no file is needed: "+api.command("retry", r.idText(),
			"--date-format", format))
	}
	return nil
}

// whatToDo is the sentence about the rejected rows, which are in the file named by saved; "": in none.
// Where nothing was imported, the rejected rows alone are not what to import.
func (r *result) whatToDo(api *client, saved string) string {
	switch {
	case r.DryRun:
		return in(saved) + r.afterDryRun()
	case r.Error != nil && r.Error.Code == "rejected_rows":
		return in(saved) + "Correct them in your own file, then import the whole file again."
	case r.Error != nil:
		return in(saved) + "Not all rows were reached: correct these in your own file, then import the whole file again. No row is imported twice."
	case saved == "":
		return "Save them, correct them and import that file: " +
			api.command("status", r.idText(), "--rejected", "fix-me.csv")
	}
	return in(saved) + "Correct them there, then: " + api.command(r.correction(saved)...)
}

// afterDryRun is the same sentence of a dry run.
func (r *result) afterDryRun() string {
	where, instead := "Correct them in your own file", ", or import it as it is: the other rows go in, and these can be corrected afterwards."
	if r.RetryOf != nil {
		where, instead = "Correct them in a file", ", or retry without the dry run: the other rows go in."
	}
	switch {
	case r.Mode == "all_or_nothing":
		return where + ": while one row is rejected, nothing is imported."
	case r.rejected() == r.Result.Rows:
		return where + "."
	}
	return where + instead
}

// in says where all rejected rows are; "": in no file.
func in(saved string) string {
	if saved == "" {
		return ""
	}
	return "All of them are in " + saved + ". "
}

// otherDates is the format of dates that were rejected, if it is not the one of the import; "": none.
func (r *result) otherDates() string {
	if r.Status != "success" {
		return ""
	}
	var values []string
	for _, row := range r.Result.InvalidRows {
		for _, e := range row.Errors {
			if e.Code == "invalid_date" && strings.HasSuffix(e.Message, mapping.ISO) { // it named no other format
				values = append(values, e.Value)
			}
		}
	}
	formats := mapping.DetectDates(values)
	if len(formats) == 0 || formats[0] == mapping.ISO {
		return ""
	}
	return formats[0] // the advice names it; of several the person knows whether it is right
}

// correction is the command that imports the corrected rejected rows of a file.
func (r *result) correction(file string) []string {
	return append([]string{"import", file, "--retry-of", r.idText()}, kindWords(r.kind)...)
}

func (r *result) idText() string { return strconv.FormatUint(r.ID, 10) }

// waitsForProducts reports whether rows were rejected for their product only.
func (r *result) waitsForProducts() bool {
	return r.Status == "success" && slices.ContainsFunc(r.Result.InvalidRows, func(row invalidRow) bool {
		return len(row.Errors) == 1 && row.Errors[0].Code == "unknown_product"
	})
}

// checkRejectedFile fails, before anything is imported, where the rejected rows cannot be written.
func checkRejectedFile(path string) error {
	if path != "" && exists(path) {
		return fmt.Errorf("--rejected %s: there is such a file already: name another", path)
	}
	if dir := filepath.Dir(path); !exists(dir) {
		return fmt.Errorf("--rejected %s: there is no directory %s", path, dir)
	}
	return nil
}

// saveRejected writes the rejected rows into a new file.
func saveRejected(ctx context.Context, api *client, of importRef, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // it holds customers' data
	if err != nil {
		return fmt.Errorf("the rejected rows cannot be written: %w", err)
	}
	format := "csv"
	if strings.EqualFold(filepath.Ext(path), ".xlsx") {
		format = "xlsx"
	}
	err = api.save(ctx, of.path()+"invalid_rows."+format, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("the rejected rows in %s are not complete: %w", path, err)
	}
	return nil
}
