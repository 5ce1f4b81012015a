package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"licenseimport/events"
)

// Bounds of what is printed of each kind. --rejected writes all rejected rows.
const (
	maxPrintedRows     = 10
	maxPrintedWarnings = 5
)

// newTable returns a table in the style of all commands.
func newTable(w io.Writer, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = 0
	t.AppendHeader(header)
	return t
}

// printSummary prints the result of an import.
func printSummary(ctx context.Context, w io.Writer, api *client, r *result) error {
	fmt.Fprintf(w, "Import %d of %s: %s%s\n", r.ID, printable(r.FileName), r.summary(), r.speed())
	if err := printRelations(ctx, w, api, r); err != nil {
		return err
	}
	if u := r.Undo; u != nil && u.finished() {
		fmt.Fprintf(w, "Undone by %s. %s.\n", printable(u.Manager), capital(u.done(r.kind)))
	} else if u != nil {
		fmt.Fprintf(w, "It is being undone, as %s asked: %.0f %%.\n", printable(u.Manager), u.Progress*100)
	}
	if r.Result == nil {
		return nil
	}
	fmt.Fprintln(w)
	printCounts(w, r)
	err := errors.Join(printWarnings(ctx, w, api, r), printChanges(ctx, w, api, r), printKept(ctx, w, api, r))
	printRejected(w, r)
	return err
}

// summary is one sentence about what the import did.
func (r *result) summary() string {
	c := r.Result
	switch {
	case !r.ended():
		return r.Status + "."
	case r.Status != "success" && r.Error != nil && strings.Contains(r.Error.Message, "nothing was imported"):
		return strings.TrimSuffix(r.Error.Message, ".") + "."
	case r.Status != "success" && (c == nil || c.Created+c.Updated == 0):
		return "nothing was imported. " + r.failure()
	case r.Status != "success":
		return r.done() + ", then it ended. " + r.failure()
	case r.DryRun && c.Invalid == 0:
		return fmt.Sprintf("%s valid%s. This was a dry run: nothing was imported.", allRows(c.Valid, "is", "are"), c.preview())
	case r.DryRun:
		return fmt.Sprintf("%s of %s valid%s, %s would be rejected. This was a dry run: nothing was imported.",
			grouped(c.Valid), plural(c.Rows, "row is", "rows are"), c.preview(), grouped(c.Invalid))
	case c.Valid == 0:
		return fmt.Sprintf("nothing was imported, %s rejected.", allRows(c.Invalid, "was", "were"))
	default:
		return r.done() + "."
	}
}

// done says how many rows had each outcome, without those that no row had.
func (r *result) done() string {
	c := r.Result
	return listed(c.Created, "imported", c.Updated, "updated", c.Existed, "existed (unchanged)", c.Invalid, "rejected")
}

func (r *result) failure() string {
	if r.Error == nil {
		return ""
	}
	return r.Error.Message
}

// preview is what a dry run's valid rows would do, where the server tells.
func (c *counts) preview() string {
	if c.Preview == nil || c.Valid == 0 {
		return ""
	}
	p := c.Preview
	return ": " + listed(p.Created, "new", p.Updated, "would change", p.Existed, "existing (unchanged)")
}

// allRows is "the row is", "both rows are", "all 4 rows are".
func allRows(n uint64, one, many string) string {
	switch n {
	case 1:
		return "the row " + one
	case 2:
		return "both rows " + many
	}
	return "all " + grouped(n) + " rows " + many
}

// listed joins numbers with their words, without those that are 0: "34 imported, 5 rejected".
func listed(pairs ...any) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		if n := pairs[i].(uint64); n > 0 {
			parts = append(parts, grouped(n)+" "+pairs[i+1].(string))
		}
	}
	return strings.Join(parts, ", ")
}

func (r *result) speed() string {
	took := r.duration()
	if took <= 0 || r.Result == nil {
		return ""
	}
	text := fmt.Sprintf(" (%s in %s", plural(r.Result.Rows, "row", "rows"), took.Round(time.Millisecond))
	if r.RowsPerSecond >= 1 && took > time.Second {
		text += fmt.Sprintf(", %s rows/s", grouped(uint64(r.RowsPerSecond)))
	}
	return text + ")"
}

// printCounts prints a line for what has a count.
func printCounts(w io.Writer, r *result) {
	c := r.Result
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %-10s %s\n", name, text)
		}
	}
	line("Rows", listed(c.Valid, "valid", c.Invalid, "rejected"))
	line(r.kind.Title(), listed(c.Created, "new", c.Updated, "updated", c.Existed, "existing"))
	if c.CreatedCustomers != nil && c.ExistedCustomers != nil {
		line("Customers", listed(*c.CreatedCustomers, "new", *c.ExistedCustomers, "existing"))
	}
	if c.CreatedOrders != nil && c.ExistedOrders != nil {
		line("Orders", listed(*c.CreatedOrders, "new", *c.ExistedOrders, "existing"))
	}
	if c.Differing > 0 {
		line("Differing", fmt.Sprintf("%s of an existing %s with other values; nothing was changed",
			plural(c.Differing, "row", "rows"), r.kind.One))
	}
	if c.Warnings > 0 {
		line("Warnings", plural(c.Warnings, "valid row", "valid rows")+" with a value to look at")
	}
}

// printChanges shows the first rows that updated something, or that would in a dry run, one line for each
// column.
func printChanges(ctx context.Context, w io.Writer, api *client, r *result) error {
	updated, heading, what := r.Result.Updated, "Updated", "updated "+r.kind.Many
	if r.DryRun && r.Result.Preview != nil {
		updated, heading, what = r.Result.Preview.Updated, "Would change", r.kind.Many+" that would change"
	}
	if updated == 0 {
		return nil
	}
	var page rowPage
	if err := api.firstPage(ctx, r.ref().path()+"updated_rows/", maxPrintedRows, &page); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s:\n", firstOf(len(page.Results), updated, heading, what))
	t := newTable(w, rowHeader(r.kind, "Column", "From", "To")...)
	for _, row := range page.Results {
		for _, change := range row.Changed {
			t.AppendRow(row.cells(r.kind, change.Column, printable(excerpt(change.From)), printable(excerpt(change.To))))
		}
	}
	t.Render()
	return nil
}

// printRejected shows the first rejected rows, one line for each error.
func printRejected(w io.Writer, r *result) {
	if r.rejected() == 0 {
		return
	}
	shown := r.Result.InvalidRows[:min(maxPrintedRows, len(r.Result.InvalidRows))]
	fmt.Fprintf(w, "\n%s:\n", firstOf(len(shown), r.rejected(), "Rejected", "rejected rows"))
	t := newTable(w, "Row", "Line", "Column", "Value", "What is wrong")
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 5, WidthMax: 60, WidthMaxEnforcer: text.WrapSoft}})
	for _, row := range shown {
		for _, e := range row.Errors {
			column, value := printable(cmp.Or(e.Header, e.Column)), printable(excerpt(e.Value))
			t.AppendRow(table.Row{row.Row, row.Line, column, value, inFlags(e.Message)})
		}
	}
	t.Render()
}

// maxPrintedValue bounds the characters of a value that are printed.
const maxPrintedValue = 40

// excerpt cuts a value to maxPrintedValue characters.
func excerpt(s string) string {
	if short := events.Excerpt(s, maxPrintedValue); short != s {
		return short + "…"
	}
	return s
}

// printable escapes a value's control characters, which a terminal would obey.
func printable(s string) string {
	quoted := strconv.QuoteToGraphic(s)
	return quoted[1 : len(quoted)-1]
}

// plural returns a number with its noun.
func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// grouped formats a number with separators: 1,000,000.
func grouped(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
