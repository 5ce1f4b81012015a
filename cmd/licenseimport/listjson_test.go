package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// leaves returns all commands that have no commands below them.
func leaves(t *testing.T) (found []*kong.Node) {
	t.Helper()
	parser, err := kong.New(&cli{}, kong.Name("licenseimport"))
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(false) {
		if !leaf.Hidden {
			found = append(found, leaf)
		}
	}
	return found
}

// TestEveryListHasJSON: each command that shows a list prints it by --json in the form of the API's lists.
func TestEveryListHasJSON(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	try := func(args ...string) string {
		t.Helper()
		var out, errOut bytes.Buffer
		if status := run(t.Context(), append(args, "--data", data), strings.NewReader(""), &out, &errOut); status != 0 {
			t.Fatalf("%q ends with %d: %s", args, status, &errOut)
		}
		return out.String()
	}
	try("import", "../../examples/simple_licenses_example.csv")
	try("products", "set", "psc")
	try("keys", "create", "Shop")
	lists := 0
	for _, leaf := range leaves(t) {
		if leaf.Name != "list" && !strings.HasPrefix(leaf.Help, "Show") {
			continue
		}
		lists++
		words := strings.Fields(leaf.Path())
		var list struct {
			Count          int
			Next, Previous *string
			Results        []map[string]any
		}
		text := try(append(words, "--json")...)
		if err := json.Unmarshal([]byte(text), &list); err != nil || list.Count == 0 || len(list.Results) != list.Count {
			t.Errorf("%s --json: %v: %s", leaf.Path(), err, text)
		}
	}
	if lists < 4 {
		t.Errorf("only %d lists were found", lists)
	}
}
