package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/mapping"
	"licenseimport/internal/workbook"
)

// inspectCommand says what the columns of a file seem to be. It needs no server and no data directory.
type inspectCommand struct {
	File string `arg:"" help:"The CSV file, packed by gzip or not, or Excel workbook (.xlsx); - reads standard input."`
	kindFlag
	Delimiter string `placeholder:"NAME" enum:",comma,semicolon,tab,pipe" default:"" help:"comma, semicolon, tab or pipe. Default: found out from the header."`
	Encoding  string `placeholder:"NAME" enum:",utf-8,windows-1252" default:"" help:"utf-8 or windows-1252. Default: found out from the file."`
	Sheet     string `placeholder:"NAME" help:"Sheet of an Excel workbook. Default: the first one that is not hidden."`
	JSON      bool   `name:"json" help:"Print what the API would answer, and nothing else."`

	// What other commands take to find a server: a script may give all commands the same flags.
	Server string `hidden:""`
	Key    string `hidden:""`
	Data   string `hidden:""`
}

// Help is what --help tells beside the flags.
func (inspectCommand) Help() string {
	return `Reads the beginning of the file and guesses by the names of its columns, in several languages and of other vendors' exports, and by their cells. Nothing is imported, and no server is asked; --server and --data are repeated in the command that it prints. The last lines are the command that imports the file; change what was guessed wrong.

Examples:
  licenseimport inspect licenses.csv
  licenseimport inspect keys.xlsx --sheet 2024
  licenseimport inspect entitlements.csv --kind features
  licenseimport inspect licenses.csv --json`
}

// Run inspects.
func (c *inspectCommand) Run(ctx context.Context, t *terminal) error {
	found, err := c.inspect(ctx, t.in)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(t.out)
		out.SetEscapeHTML(false)
		return out.Encode(found)
	}
	c.print(t.out, found)
	return nil
}

func (c *inspectCommand) inspect(ctx context.Context, stdin io.Reader) (mapping.Inspection, error) {
	file, err := openSource(ctx, c.File, stdin)
	if err != nil {
		return mapping.Inspection{}, err
	}
	defer file.Close()
	in := bufio.NewReader(file)
	var content io.Reader = in
	if head, _ := in.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		if content, err = gzip.NewReader(in); err != nil {
			return mapping.Inspection{}, fmt.Errorf("the packed file cannot be read: %w", err)
		}
	}
	beginning, err := io.ReadAll(io.LimitReader(content, mapping.InspectedBytes))
	if err != nil {
		return mapping.Inspection{}, fmt.Errorf("the file cannot be read: %w", err)
	}
	if workbook.IsZIP(beginning) || workbook.IsOLE(beginning) {
		return c.inspectWorkbook(io.MultiReader(bytes.NewReader(beginning), content))
	}
	if c.Sheet != "" {
		return mapping.Inspection{}, errors.New("--sheet: the file is a CSV, and only a workbook has sheets")
	}
	options := csvfile.Options{Delimiter: csvfile.DelimiterNamed(c.Delimiter)}
	if c.Encoding == csvfile.NameWindows1252 {
		options.Encoding = csvfile.Windows1252
	}
	return mapping.InspectCSV(c.kind(), beginning, len(beginning) == mapping.InspectedBytes, options, nil)
}

// inspectWorkbook reads a workbook from a temporary file: its directory stands at its end.
func (c *inspectCommand) inspectWorkbook(content io.Reader) (found mapping.Inspection, err error) {
	temp, err := os.CreateTemp("", workbook.TempPrefix)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, temp.Close(), os.Remove(temp.Name())) }()
	size, err := io.Copy(temp, content)
	if err != nil {
		return found, err
	}
	rows, err := workbook.Open(temp, size, workbook.Options{Sheet: c.Sheet})
	if empty, ok := errors.AsType[*workbook.EmptySheetError](err); ok && len(empty.Others) > 0 {
		return found, fmt.Errorf("%w. The workbook has other sheets: %q. Name one by --sheet", empty, empty.Others)
	}
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found, err = mapping.Inspect(c.kind(), rows, false, nil, rows.SerialDate)
	name := rows.Sheet()
	found.Format, found.Sheets, found.Sheet = "xlsx", rows.Sheets(), &name
	return found, err
}

func (c *inspectCommand) print(w io.Writer, found mapping.Inspection) {
	table := newTable(w, "Column of the file", "Values", "Becomes", "Sure", "Why")
	for _, column := range found.Columns {
		becomes, sure := "", ""
		if column.Column != nil {
			becomes, sure = *column.Column, fmt.Sprintf("%.0f %%", 100*column.Confidence)
		}
		shown := strings.Join(column.Samples[:min(len(column.Samples), 2)], ", ")
		if runes := []rune(shown); len(runes) > 32 {
			shown = string(runes[:31]) + "…"
		}
		table.AppendRow([]any{printable(column.Header), printable(shown), becomes, sure, column.Why})
	}
	table.Render()
	if other := otherKind(c.kind(), found); other != nil {
		fmt.Fprintf(w, "The file's columns are those of %s. For these: %s\n", other.Many, command(inspectWords(other, c.File, c.Sheet)))
		return
	}
	if !slices.ContainsFunc(found.Columns, func(c mapping.Inspected) bool { return c.Column != nil }) {
		var fields []string
		for _, column := range found.Columns {
			fields = append(fields, column.Header)
		}
		fmt.Fprintf(w, "%s.\n", capital(mapping.NoHeaderOf(fields)))
	}
	printTranslations(w, found)
	printUnlike(w, found)
	for _, column := range found.Missing {
		advice := "give all rows one value by --set, or name the column by --map instead of --ignore"
		if isIdentity(c.kind(), column) {
			one, many := "key", "keys"
			if strings.HasSuffix(column, "email") {
				one, many = "address", "e-mail addresses"
			}
			advice = "name the column that has the " + many + " by --map instead of --ignore"
			if found.Vendor != nil {
				advice = fmt.Sprintf("this export of %s has no %s; add a column with one %s in each row to the file", *found.Vendor,
					many, one)
			}
		}
		fmt.Fprintf(w, "No column seems to be %s, which is required: %s.\n", column, advice)
	}
	if others := otherSheets(found); len(found.Missing) > 0 && len(others) > 0 {
		fmt.Fprintf(w, "This is the sheet %q. The workbook has other sheets: %s. Name one by --sheet.\n", *found.Sheet,
			strings.Join(others, ", "))
	}
	var more []string
	if c.Delimiter != "" {
		more = append(more, "--delimiter", c.Delimiter)
	}
	more = append(more, (&clientFlags{Server: c.Server, dataFlag: dataFlag{Data: c.Data}}).again()...)
	fmt.Fprintln(w, importAdvice(c.kind(), c.File, c.Sheet, found, more))
}

// otherSheets are the names, in quotes, of the sheets of a workbook that were not inspected.
func otherSheets(found mapping.Inspection) (quoted []string) {
	for _, name := range found.Sheets {
		if name != *found.Sheet {
			quoted = append(quoted, strconv.Quote(name))
		}
	}
	return quoted
}

// printTranslations lists the cells that mean something else than they say, and those that their column rejects.
func printTranslations(w io.Writer, found mapping.Inspection) {
	for _, column := range found.Columns {
		if column.Column == nil {
			continue
		}
		to := column.Translations[*column.Column]
		for _, cell := range slices.Sorted(maps.Keys(to)) {
			becomes := cmp.Or(to[cell], "empty")
			fmt.Fprintf(w, "%s: %s becomes %s in %s.\n", printable(column.Header), printable(cell), becomes, *column.Column)
		}
		for _, cell := range rejectedCells(column) {
			fmt.Fprintf(w, "%s: rows with %s are rejected, unless you add --value %s.\n", printable(column.Header),
				printable(cell), shellQuoted(*column.Column+":"+cell+":VALUE"))
		}
	}
}

// printUnlike lists the columns that the command leaves out although their headers name a column: a date of expiry in
// an unknown form must not get lost without a word.
func printUnlike(w io.Writer, found mapping.Inspection) {
	for _, column := range found.Columns {
		if column.Column != nil || column.Unlike == "" || len(column.Samples) == 0 {
			continue
		}
		fmt.Fprintf(w, "%s is left out: the header is like that of %s, but the cells do not match it, such as %s.",
			printable(column.Header), column.Unlike, printable(column.Samples[0]))
		if i, known := events.ColumnIndex(column.Unlike); known && events.Columns[i].Type == events.Date {
			fmt.Fprint(w, " Dates are read in the forms of --date-format, with four digits of the year.")
		}
		fmt.Fprintln(w)
	}
}

// rejectedCells are the cells of a column of few values that it rejects and that are not translated.
func rejectedCells(column mapping.Inspected) []string {
	i, known := events.ColumnIndex(*column.Column)
	if !known || events.Columns[i].Type != events.Bool && events.Columns[i].Type != events.Enum {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(column.Values), func(cell string) bool {
		_, translated := column.Translations[*column.Column][cell]
		return translated || events.Columns[i].Set(new(events.Record), cell) == ""
	})
}
