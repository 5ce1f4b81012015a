package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"licenseimport/events"
)

// maxPrintedRows bounds the rejected rows that are printed; --rejected writes all.
const maxPrintedRows = 10

// newTable returns a table in the style of all commands.
func newTable(w io.Writer, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = 0
	t.AppendHeader(header)
	return t
}

// printSummary prints the result of an import that has ended.
func printSummary(w io.Writer, r *result) {
	fmt.Fprintf(w, "Import %d of %s: %s%s\n", r.ID, r.FileName, r.summary(), r.speed())
	if r.Result != nil {
		fmt.Fprintln(w)
		printCounts(w, r)
		printRejected(w, r)
	}
}

// summary is one sentence about the import's end.
func (r *result) summary() string {
	switch {
	case r.Status == "error" && r.Error != nil:
		return "error. " + r.Error.Message
	case r.Status != "success":
		return r.Status
	case r.DryRun && r.rejected() > 0:
		return fmt.Sprintf("%s would be rejected. This was a dry run: nothing was imported.", plural(r.rejected(), "row", "rows"))
	case r.DryRun:
		return "no row would be rejected. This was a dry run: nothing was imported."
	case r.rejected() > 0:
		return fmt.Sprintf("success, but %s rejected.", plural(r.rejected(), "row was", "rows were"))
	default:
		return "success."
	}
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

func printCounts(w io.Writer, r *result) {
	c := r.Result
	line := func(name string, n uint64, what string, m uint64, what2 string) {
		fmt.Fprintf(w, "  %-10s %10s %-9s %10s %s\n", name, grouped(n), what, grouped(m), what2)
	}
	line("Rows", c.Valid, "valid", c.Invalid, "rejected")
	line("Licenses", c.CreatedLicenses, "created", c.ExistedLicenses, "existed")
	if c.Differing > 0 {
		fmt.Fprintf(w, "  %-10s %10s %s\n", "Differing", grouped(c.Differing), "existed with other values; nothing was changed")
	}
	if c.CreatedCustomers != nil && c.ExistedCustomers != nil {
		line("Customers", *c.CreatedCustomers, "created", *c.ExistedCustomers, "existed")
	}
	if c.CreatedOrders != nil && c.ExistedOrders != nil {
		line("Orders", *c.CreatedOrders, "created", *c.ExistedOrders, "existed")
	}
	if c.Warnings > 0 {
		fmt.Fprintf(w, "  %-10s %10s %s\n", "Warnings", grouped(c.Warnings), "valid rows with a value to look at")
	}
}

// printRejected shows the first rejected rows, one line for each error.
func printRejected(w io.Writer, r *result) {
	if r.rejected() == 0 {
		return
	}
	shown := r.Result.InvalidRows[:min(maxPrintedRows, len(r.Result.InvalidRows))]
	if uint64(len(shown)) < r.rejected() {
		fmt.Fprintf(w, "\nThe first %d of %s rejected rows:\n", len(shown), grouped(r.rejected()))
	} else {
		fmt.Fprint(w, "\nRejected:\n")
	}
	t := newTable(w, "Row", "Line", "Column", "Value", "What is wrong")
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 5, WidthMax: 60, WidthMaxEnforcer: text.WrapSoft}})
	for _, row := range shown {
		for _, e := range row.Errors {
			t.AppendRow(table.Row{row.Row, row.Line, e.Column, printable(excerpt(e.Value)), e.Message})
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
