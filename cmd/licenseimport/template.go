package main

import (
	"errors"

	"licenseimport/ingest"
)

// templateCommand prints the template.
type templateCommand struct {
	kindFlag
	Format string `placeholder:"FORMAT" enum:"csv,xlsx" default:"csv" help:"csv or xlsx, an Excel workbook whose header explains the columns. Default: csv."`
}

// Help is what --help tells beside the flags.
func (templateCommand) Help() string {
	return `Of licenses only license__license_key and product__short_code are required, of features license_key and code, of customers email; leave out the columns that you do not need.

Examples:
  licenseimport template > licenses.csv
  licenseimport template --kind features > features.csv
  licenseimport template --format xlsx > licenses.xlsx`
}

// Run prints it.
func (c templateCommand) Run(t *terminal) error {
	if c.Format != "xlsx" {
		_, err := t.out.Write(ingest.Template(c.kind()))
		return err
	}
	if isTerminal(t.out) {
		return errors.New("a workbook cannot be shown on a terminal: licenseimport template --format xlsx > licenses.xlsx")
	}
	_, err := t.out.Write(ingest.TemplateWorkbook(c.kind()))
	return err
}
