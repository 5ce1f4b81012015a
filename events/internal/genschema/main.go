// Command genschema writes what follows from the tables of package events: the
// JSON Schema of each event type (events/schema/*.json) and the list of the CSV
// columns (docs/columns.md). Run it in the module's root after a change there:
//
//	go run ./events/internal/genschema
//
// Descriptions are the comments of the Go source, so that there is one place
// where a field is explained. A test fails while a file is out of date.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"licenseimport/events"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "genschema:", err)
		os.Exit(1)
	}
}

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

// generate gives the text of each file by its path from the module's root.
func generate(root string) (map[string][]byte, error) {
	source, err := readSource(filepath.Join(root, "events"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"docs/columns.md": columnsPage()}
	for _, name := range events.Types() {
		text, err := eventSchema(name, source)
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", name, err)
		}
		files["events/schema/"+name+".json"] = text
	}
	return files, nil
}
