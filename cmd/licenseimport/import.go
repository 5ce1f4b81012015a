package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/mapping"
)

// importCommand uploads one file and waits for the import's end.
type importCommand struct {
	File string `arg:"" help:"The CSV file, packed by gzip or not, or Excel workbook (.xlsx); - reads standard input."`

	kindFlag
	DryRun         bool     `group:"file" help:"Check every row and count, but import nothing."`
	Mode           string   `group:"file" placeholder:"MODE" enum:"partial,all_or_nothing" default:"partial" help:"What a rejected row means: the others are imported (partial, the default), or nothing is (all_or_nothing)."`
	Existing       string   `group:"file" placeholder:"WHAT" enum:"keep,update" default:"keep" help:"What to do with a row whose license, feature or customer exists: keep it as it is (the default), or update it with the row's values."`
	Delimiter      string   `group:"file" placeholder:"NAME" enum:",comma,semicolon,tab,pipe" default:"" help:"comma, semicolon, tab or pipe. Default: found out from the header."`
	Encoding       string   `group:"file" placeholder:"NAME" enum:",utf-8,windows-1252" default:"" help:"utf-8 or windows-1252. Default: UTF-8, or UTF-16 by its byte order mark."`
	Sheet          string   `group:"file" placeholder:"NAME" help:"Sheet of an Excel workbook. Default: the first one that is not hidden."`
	UnknownColumns string   `group:"file" placeholder:"WHAT" enum:"reject,ignore" default:"reject" help:"What to do with columns that are not known: reject the file (the default) or ignore them."`
	Mapping        string   `group:"file" placeholder:"NAME" help:"Saved mapping of the file's columns. Default: the one that a file of rejected rows names, else the columns' own names."`
	Map            []string `group:"file" sep:"none" placeholder:"HEADER:COLUMN" help:"Which column a column of the file is, over --mapping. May be repeated."`
	Set            []string `group:"file" sep:"none" placeholder:"COLUMN:VALUE" help:"One value for all rows, over --mapping. May be repeated."`
	Ignore         []string `group:"file" sep:"none" placeholder:"HEADER" help:"A column of the file that is not read. May be repeated."`
	Value          []string `group:"file" sep:"none" placeholder:"COLUMN:CELL:VALUE" help:"What a cell of a column becomes, over --mapping, such as license__enabled:SUSPENDED:false. May be repeated."`
	DateFormat     string   `group:"file" placeholder:"FORMAT" help:"How the file writes dates: YYYY-MM-DD (always read), MM/DD/YYYY, DD/MM/YYYY, DD.MM.YYYY, YYYY/MM/DD or D MMM YYYY."`
	RetryOf        count    `group:"file" placeholder:"ID" help:"The file has the rejected rows of this import, corrected: each result names the other import."`
	IdempotencyKey string   `group:"file" placeholder:"TEXT" help:"A name for this upload, within 24 hours: saying it again gives the first import's outcome and imports nothing more."`

	Strict   bool   `help:"End with status 2 when rows were rejected."`
	JSON     bool   `name:"json" help:"Print the result as the API gives it, and nothing else."`
	Rejected string `placeholder:"FILE" help:"Write the rejected rows there, as a CSV (or, where the name ends in .xlsx, as an Excel workbook) to be corrected and imported again."`

	clientFlags
}

// Help is what --help tells beside the flags.
func (importCommand) Help() string {
	return `A row is imported, exists already, or is rejected with the reason; importing the same file twice does no harm. With --existing update a row whose license exists changes it; --dry-run shows first what would change.

The rows are licenses, or with --kind the features of licenses that exist, or customers.

Without --server nothing has to run: this process imports into the data directory by itself. Where a server of this machine holds that directory, it is used.

Examples:
  licenseimport import licenses.csv
  licenseimport import licenses.xlsx --sheet "New licenses"
  licenseimport import licenses.csv --dry-run
  licenseimport import licenses.csv --mode all_or_nothing --strict
  licenseimport import prices.csv --existing update --dry-run
  licenseimport import licenses.csv --rejected fix-me.csv
  licenseimport import keys.csv --map "Serial No.:license__license_key" --set product__short_code:photo-pro --ignore Notes
  licenseimport import export.csv --mapping keygen --set product__short_code:photo-pro
  licenseimport import features.csv --kind features
  licenseimport import customers.xlsx --kind customers --existing update
  licenseimport import licenses.csv --server https://licenses.example.com --key lik_...
  zcat huge.csv.gz | licenseimport import - --json

Exit status: 0 the import ended as success, 1 it did not, 2 with --strict when rows were rejected.`
}

// Run imports.
func (c *importCommand) Run(ctx context.Context, t *terminal) error {
	file, err := openSource(ctx, c.File, t.in)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := checkRejectedFile(c.Rejected); err != nil {
		return err
	}
	return c.withServer(ctx, t, allRoles, func(ctx context.Context, api *client) error {
		return c.importFile(ctx, t, api, file)
	})
}

func (c *importCommand) importFile(ctx context.Context, t *terminal, api *client, file *source) error {
	if err := api.waitForServer(ctx); err != nil {
		return explainUpload(ctx, err)
	}
	bar := newProgress(t.err)
	id, err := c.upload(ctx, t, bar, api, file)
	bar.end()
	if err != nil {
		return c.adviseMapping(ctx, explainUpload(ctx, err))
	}
	return finishImport(ctx, t, api, importRef{c.kind(), id},
		ending{what: file.name, strict: c.Strict, asJSON: c.JSON, rejected: c.Rejected})
}

// upload sends the file. It sends it again after a transient error answer, for example
// while a cluster elects a leader: such an answer means that nothing was imported.
func (c *importCommand) upload(ctx context.Context, t *terminal, bar *progress, api *client, file *source) (uint64, error) {
	began, told := time.Now(), false
	for attempts := resending.Start(); ; {
		bar.begin("Uploading "+file.name, file.size, inBytes)
		counted := *file
		counted.ReadCloser = bar.countReads(file.ReadCloser)
		id, err := api.upload(ctx, &counted,
			uploadOptions{kind: c.kind(), query: c.query(), idempotencyKey: c.IdempotencyKey})
		_, answered := errors.AsType[*apiError](err)
		if err == nil || !answered || !isTransient(err) || time.Since(began) > transientTimeout || !file.rewind() {
			return id, err
		}
		bar.end()
		if !told {
			fmt.Fprintf(t.err, "%v This goes on for a minute.\n", err)
			told = true
		}
		if err := attempts.WaitAtLeast(ctx, err, retryAfter(err)); err != nil {
			return 0, err
		}
	}
}

// query holds the parameters that differ from the defaults.
func (c *importCommand) query() url.Values {
	q := url.Values{}
	set := func(name, value, usual string) {
		if value != usual {
			q.Set(name, value)
		}
	}
	set("dry_run", strconv.FormatBool(c.DryRun), "false")
	set("mode", c.Mode, "partial")
	set("existing", c.Existing, "keep")
	set("delimiter", c.Delimiter, "")
	set("sheet", c.Sheet, "")
	set("encoding", c.Encoding, "")
	set("unknown_columns", c.UnknownColumns, "reject")
	set("mapping", c.Mapping, "")
	set("retry_of", strconv.FormatUint(uint64(c.RetryOf), 10), "0")
	set("date_format", c.DateFormat, "")
	for name, values := range map[string][]string{"map": c.Map, "set": c.Set, "ignore": c.Ignore, "value": c.Value} {
		if len(values) > 0 {
			q[name] = values
		}
	}
	return q
}

// adviseMapping turns an error about a header with other columns into the command that imports the file as it
// seems to be meant, with the flags that the user gave.
func (c *importCommand) adviseMapping(ctx context.Context, err error) error {
	problem, ok := errors.AsType[*apiError](err)
	if !ok || problem.Code != "invalid_header" || c.File == "-" || c.Mapping != "" || len(c.Map) > 0 {
		return err
	}
	found, unread := (&inspectCommand{kindFlag: c.kindFlag, File: c.File, Sheet: c.Sheet, Delimiter: c.Delimiter,
		Encoding: c.Encoding}).inspect(ctx, nil)
	if unread != nil {
		return err
	}
	if other := otherKind(c.kind(), found); other != nil {
		return fmt.Errorf("nothing was imported: the file's columns are those of %s, and this is an import of %s\n%s",
			other.Many, c.kind().Many, c.adviseKind(other))
	}
	if foreign := foreignColumns(found); foreign > 1 { // many sentences about one cause
		err = fmt.Errorf("nothing was imported: %s other names than the columns of an import", plural(uint64(foreign), "column has", "columns have"))
	}
	found.Missing = slices.DeleteFunc(found.Missing, func(column string) bool {
		return slices.ContainsFunc(c.Set, func(set string) bool { return strings.HasPrefix(set, column+":") })
	})
	return fmt.Errorf("%w\n%s\nWhy each column is read so: %s", err,
		importAdvice(c.kind(), c.File, c.Sheet, found, c.repeated()), command(inspectWords(c.kind(), c.File, c.Sheet)))
}

// adviseKind is the command that imports the file as another kind.
func (c *importCommand) adviseKind(kind *events.Kind) string {
	words := append([]string{"import", c.File}, kindWords(kind)...)
	if c.Sheet != "" {
		words = append(words, "--sheet", c.Sheet)
	}
	return "Import it with:\n  " + command(append(words, c.repeated()...))
}

// otherKind is the kind that has all columns of a file that are not all of the given kind; nil: none.
func otherKind(kind *events.Kind, found mapping.Inspection) *events.Kind {
	headers := make([]string, len(found.Columns))
	for i, column := range found.Columns {
		headers[i] = column.Header
	}
	return mapping.KindOfColumns(kind, headers)
}

// foreignColumns counts the columns that have another name than the column that they seem to be.
func foreignColumns(found mapping.Inspection) (n int) {
	for _, column := range found.Columns {
		if column.Column != nil && csvfile.NormalName(column.Header) != *column.Column {
			n++
		}
	}
	return n
}

// repeated are the flags that the user gave, but for those of the file's columns, the dates and the key.
func (c *importCommand) repeated() (words []string) {
	add := func(name, value, usual string) {
		if value != usual {
			words = append(words, name, value)
		}
	}
	for name, on := range map[string]bool{"--dry-run": c.DryRun, "--strict": c.Strict, "--json": c.JSON} {
		if on {
			words = append(words, name)
		}
	}
	slices.Sort(words)
	add("--mode", c.Mode, "partial")
	add("--existing", c.Existing, "keep")
	add("--delimiter", c.Delimiter, "")
	add("--rejected", c.Rejected, "")
	for _, set := range c.Set {
		add("--set", set, "")
	}
	return append(words, c.again()...)
}

func explainUpload(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("stopped while uploading: nothing is imported")
	}
	if isRefusal(err) {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	return err
}

// isRefusal reports whether the server refuses what was asked, and not who asked.
func isRefusal(err error) bool {
	problem, ok := errors.AsType[*apiError](err)
	return ok && problem.Status/100 == 4 && problem.Status != 401 && problem.Status != 403
}
