package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"licenseimport/events"
)

func printWarning(w io.Writer, kind *events.Kind, row listedRow) {
	fmt.Fprintf(w, "Warning: row %d, %s: %s %s\n", row.Row, strings.Join(row.identity(kind), ", "), row.Column,
		row.Message)
}

// printWarnings shows the first warnings, one line each.
func printWarnings(ctx context.Context, w io.Writer, api *client, r *result) error {
	if r.Result.Warnings == 0 {
		return nil
	}
	var page rowPage
	if err := api.firstPage(ctx, r.ref().path()+"warnings/", maxPrintedWarnings, &page); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, one := range page.Results {
		printWarning(w, r.kind, one)
	}
	if page.Count > uint64(len(page.Results)) {
		fmt.Fprintf(w, "These are the first. %s. All of them: %s\n",
			plural(r.Result.Warnings, "row has warnings", "rows have warnings"),
			api.command("status", r.idText(), "--warnings"))
	}
	printWarningsLeftOut(w, r, page.Count)
	return nil
}

// printWarningsLeftOut says why a dry run lists fewer warnings than rows that have one: of rows that it would import,
// or leave as they are, nothing is stored.
func printWarningsLeftOut(w io.Writer, r *result, listed uint64) bool {
	if !r.DryRun || r.Result == nil || r.Result.Warnings <= listed {
		return false
	}
	fmt.Fprintln(w, "A dry run lists the warnings of rows that would be updated only; the import lists them all.")
	return true
}

// listWarnings prints all warnings of an import: a line each, or one list in the form of the API's.
func listWarnings(ctx context.Context, w io.Writer, api *client, r *result, asJSON bool) error {
	const pageSize = 100
	var all []json.RawMessage
	for {
		var page struct {
			Next    *string           `json:"next"`
			Results []json.RawMessage `json:"results"`
		}
		body, err := api.get(ctx, fmt.Sprintf("%swarnings/?limit=%d&offset=%d", r.ref().path(), pageSize, len(all)))
		if err == nil {
			err = json.Unmarshal(body, &page)
		}
		if err != nil {
			return err
		}
		if all = append(all, page.Results...); page.Next == nil || len(page.Results) == 0 {
			break
		}
	}
	if asJSON {
		return printList(w, all, func(m json.RawMessage) json.RawMessage { return m })
	}
	for _, raw := range all {
		var one listedRow
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		printWarning(w, r.kind, one)
	}
	if !printWarningsLeftOut(w, r, uint64(len(all))) && len(all) == 0 {
		fmt.Fprintf(w, "Import %d has no warnings.\n", r.ID)
	}
	return nil
}
