package main

import "licenseimport/ingest"

// templateCommand prints the CSV template.
type templateCommand struct{}

// Help is what --help tells beside the flags.
func (templateCommand) Help() string {
	return `Only license__license_key and product__short_code are required; leave out the columns that you do not need.

Example:
  licenseimport template > licenses.csv`
}

// Run prints it.
func (templateCommand) Run(t *terminal) error {
	_, err := t.out.Write(ingest.Template())
	return err
}
