package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// retryCommand imports again what an import rejected, and waits for the end.
type retryCommand struct {
	ID count `arg:"" help:"The import whose rejected rows are imported again."`

	DryRun     *bool    `negatable:"" group:"file" help:"Check the rows and count, but import nothing; --no-dry-run imports what a dry run checked. Default: as the first import."`
	Mode       string   `group:"file" placeholder:"MODE" enum:",partial,all_or_nothing" default:"" help:"What a rejected row means: the others are imported (partial), or nothing is (all_or_nothing). Default: as the first import."`
	Existing   string   `group:"file" placeholder:"WHAT" enum:",keep,update" default:"" help:"What to do with a row whose license, feature or customer exists: keep it as it is, or update it. Default: as the first import."`
	Mapping    string   `group:"file" placeholder:"NAME" help:"A saved mapping in the place of the first import's."`
	Map        []string `group:"file" sep:"none" placeholder:"HEADER:COLUMN" help:"What a column of the file is; may be repeated. Default: as in the first import."`
	Set        []string `group:"file" sep:"none" placeholder:"COLUMN:VALUE" help:"One value for all rows; may be repeated. Default: as in the first import."`
	Ignore     []string `group:"file" sep:"none" placeholder:"HEADER" help:"A column of the file that is not read now; may be repeated."`
	Value      []string `group:"file" sep:"none" placeholder:"COLUMN:CELL:VALUE" help:"What a cell of a column becomes; may be repeated. Default: as in the first import."`
	DateFormat string   `group:"file" placeholder:"FORMAT" help:"How the file writes dates, such as MM/DD/YYYY. Default: as in the first import."`

	IdempotencyKey string `group:"file" placeholder:"TEXT" help:"A name for this retry, within 24 hours: saying it again gives the first one's outcome and imports nothing more."`

	Strict   bool   `help:"End with status 2 when rows were rejected again."`
	JSON     bool   `name:"json" help:"Print the result as the API gives it, and nothing else."`
	Rejected string `placeholder:"FILE" help:"Write the rows that are rejected again there, as a CSV (or, where the name ends in .xlsx, as an Excel workbook) to be corrected and imported."`

	clientFlags
}

// Help is what --help tells beside the flags.
func (retryCommand) Help() string {
	return `For when not the rows were wrong, but the product catalogue, a right, an option or the mapping: a new import of just the rejected rows, as they were sent. It has the options of the first import unless the flags say otherwise, and keeps the lines of its file.

An all_or_nothing import that was refused has imported nothing: import its file again instead.

Examples:
  licenseimport products set photo-pro && licenseimport retry 10
  licenseimport retry 10 --dry-run
  licenseimport retry 10 --date-format DD.MM.YYYY --set product__short_code:photo-pro
  licenseimport retry 10 --server https://licenses.example.com --key lik_...

Exit status: as of licenseimport import.`
}

// Run retries.
func (c *retryCommand) Run(ctx context.Context, t *terminal) error {
	if err := checkRejectedFile(c.Rejected); err != nil {
		return err
	}
	return c.withExisting(ctx, t, allRoles, func(ctx context.Context, api *client) error {
		again, err := c.start(ctx, t, api)
		if err != nil {
			return explainRetry(ctx, err)
		}
		return finishImport(ctx, t, api, again, ending{
			what: fmt.Sprintf("the rejected rows of import %d", c.ID), strict: c.Strict, asJSON: c.JSON, rejected: c.Rejected,
		})
	})
}

// start asks for the new import. When it returns every row is stored.
func (c *retryCommand) start(ctx context.Context, t *terminal, api *client) (again importRef, err error) {
	bar := newProgress(t.err)
	defer bar.end()
	if err := api.waitForServer(ctx); err != nil {
		return again, err
	}
	first, err := api.find(ctx, uint64(c.ID))
	if err != nil {
		return again, err
	}
	again.kind = first.kind
	bar.begin(fmt.Sprintf("Reading the rejected rows of import %d", c.ID), -1, shares)
	path := first.ref().path() + "retry/?" + c.query().Encode()
	err = whileBusy(ctx, t, func() error {
		again.id, err = api.post(ctx, path, c.IdempotencyKey)
		return err
	})
	return again, err
}

// query holds the parameters that differ from the first import's.
func (c *retryCommand) query() url.Values {
	q := url.Values{}
	if c.DryRun != nil {
		q.Set("dry_run", strconv.FormatBool(*c.DryRun))
	}
	if c.Mode != "" {
		q.Set("mode", c.Mode)
	}
	for name, value := range map[string]string{"existing": c.Existing, "mapping": c.Mapping, "date_format": c.DateFormat} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, values := range map[string][]string{"map": c.Map, "set": c.Set, "ignore": c.Ignore, "value": c.Value} {
		if len(values) > 0 {
			q[name] = values
		}
	}
	return q
}

func explainRetry(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("stopped before all rows were stored: nothing is imported")
	}
	if isRefusal(err) {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	return err
}
