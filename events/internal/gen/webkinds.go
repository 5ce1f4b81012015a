package main

import (
	"bytes"
	"encoding/json"
	"strings"

	"licenseimport/events"
)

// webKinds is the table of kinds for the page, as a module: one line for each kind.
func webKinds() ([]byte, error) {
	lines := make([]string, len(events.Kinds))
	for i, kind := range events.Kinds {
		var required []string
		for _, column := range kind.Required() {
			required = append(required, events.Columns[column].Name)
		}
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		err := encoder.Encode(struct {
			Name       string   `json:"name"`
			One        string   `json:"one"`
			Many       string   `json:"many"`
			Counted    string   `json:"counted"`
			Upload     string   `json:"upload"`
			Results    string   `json:"results"`
			Template   string   `json:"template"`
			Undoable   bool     `json:"undoable"`
			OfProducts bool     `json:"ofProducts"`
			Parties    bool     `json:"namesParties"`
			Required   []string `json:"required"`
			Columns    []string `json:"columns"`
		}{
			kind.Name, kind.One, kind.Many, kind.Counted, kind.Upload, kind.Results, kind.Template(""),
			kind.Undoable, kind.OfProducts(), kind.NamesParties, required, kind.ColumnNames(),
		})
		if err != nil {
			return nil, err
		}
		lines[i] = "  " + strings.TrimSpace(line.String())
	}
	return []byte("// Written from the table of kinds by make generate.\n\nexport const kinds = [\n" + strings.Join(lines,
		",\n") + ",\n];\n"), nil
}
