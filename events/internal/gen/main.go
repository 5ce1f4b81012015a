// Command gen writes the files that follow from the tables of package events. `make generate` runs
// it through go generate:
//
//	events/schema/<Type>.json         the JSON Schema of each event type   schema.go
//	docs/columns.md                   the columns, for authors of files    columnspage.go
//	web/static/columns.json           the columns, for the page's help     webcolumns.go
//	web/static/js/kindtable.js        the kinds of import, for the page    webkinds.go
//	internal/openapi/openapi.yaml     its last part: columns and codes     openapi.go
//
// Descriptions in the schemas are the comments of the Go source (gosource.go), so a field is
// explained in one place. A test of this package fails while a file is out of date.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"licenseimport/events"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen MODULE_ROOT")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run writes all files below the module's root.
func run(root string) error {
	files, err := generate(root)
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the text of each file by its path below the module's root. It reads the Go source
// of package events and the part of openapi.yaml that is written by hand.
func generate(root string) (map[string][]byte, error) {
	source, err := readSource(filepath.Join(root, "events"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"docs/columns.md": columnsPage()}
	if files["web/static/columns.json"], err = webColumns(); err != nil {
		return nil, err
	}
	if files["web/static/js/kindtable.js"], err = webKinds(); err != nil {
		return nil, err
	}
	if files[openAPIFile], err = openAPI(root); err != nil {
		return nil, err
	}
	for _, name := range events.Types() {
		text, err := eventSchema(name, source)
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", name, err)
		}
		files["events/schema/"+name+".json"] = text
	}
	return files, nil
}
