package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// maxEarlierFiles bounds the earlier imports of the same file that are looked at: checks among them are no news.
const maxEarlierFiles = 5

// printRelations says what the result of an import says of other imports, and of columns that were not read.
func printRelations(ctx context.Context, w io.Writer, api *client, r *result) error {
	if n := len(r.Ignored); n > 0 {
		names := make([]string, n)
		for i, header := range r.Ignored {
			names[i] = fmt.Sprintf("%q", header)
		}
		fmt.Fprintf(w, "%s not read: %s.\n", plural(uint64(n), "column was", "columns were"), strings.Join(names, ", "))
	}
	if r.RetryOf != nil {
		fmt.Fprintf(w, "These are rejected rows of import %d, sent again.\n", *r.RetryOf)
	}
	if err := printSameFile(ctx, w, api, r); err != nil {
		return err
	}
	return printRetry(ctx, w, api, r)
}

// printSameFile names the latest earlier import of the same file that was no check.
func printSameFile(ctx context.Context, w io.Writer, api *client, r *result) error {
	earlier := r
	for range maxEarlierFiles {
		if earlier.SameFileAs == nil {
			return nil
		}
		var err error
		if earlier, err = api.find(ctx, *earlier.SameFileAs); err != nil {
			return err
		}
		if !earlier.DryRun {
			fmt.Fprintf(w, "It is the same file as import %d, sent on %s UTC.%s\n", earlier.ID,
				earlier.CreatedAt.UTC().Format(time.DateTime), earlier.outcome())
			return nil
		}
	}
	return nil
}

// outcome says what has come of an earlier import of the same file, where it is not that its rows are imported.
func (r *result) outcome() string {
	switch {
	case r.Error != nil && r.Error.Code == "rejected_rows":
		return " Nothing of it was imported."
	case r.Undo != nil && r.Undo.Status == "finished":
		return " It was undone."
	}
	return ""
}

// printRetry says what is still to fix after the rejected rows were sent again.
func printRetry(ctx context.Context, w io.Writer, api *client, r *result) error {
	if r.RetriedBy == nil || r.rejected() == 0 || r.DryRun {
		return nil
	}
	last, err := api.find(ctx, *r.RetriedBy)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Its rejected rows were sent again as import %d: %s.\n", last.ID, leftOpen(r, last))
	return nil
}

// leftOpen is what the latest retry left of an import's rejected rows. A corrected file may have fewer of them.
func leftOpen(r, last *result) string {
	switch {
	case !last.ended():
		return "it has not ended yet"
	case last.Status != "success" || last.Result == nil:
		return "it ended early, so " + plural(r.rejected(), "row is", "rows are") + " still to fix"
	}
	var parts []string
	if open := last.rejected(); open > 0 {
		parts = append(parts, plural(open, "row is", "rows are")+" still to fix there")
	}
	if last.Result.Rows < r.rejected() {
		parts = append(parts, fmt.Sprintf("it has %s of the %s", grouped(last.Result.Rows),
			plural(r.rejected(), "rejected row", "rejected rows")))
	}
	if len(parts) == 0 {
		return "no rejected row is left to fix"
	}
	return strings.Join(parts, "; ")
}
