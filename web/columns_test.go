package web

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"licenseimport/events"
)

var update = flag.Bool("update", false, "write static/columns.json anew")

// TestColumns: the page's list of columns is that of the program.
func TestColumns(t *testing.T) {
	const file = "static/columns.json"
	want := columnsFile(t)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what events.Columns says; write it anew with: go test ./web -run TestColumns -update", file)
	}
}

// columnsFile has one line for each column, so that a change can be read.
func columnsFile(t *testing.T) []byte {
	var lines []string
	for i := range events.Columns {
		c := &events.Columns[i]
		var line bytes.Buffer
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		err := enc.Encode(struct {
			Name     string `json:"name"`
			Required bool   `json:"required,omitempty"`
			Values   string `json:"values"`
			Help     string `json:"help"`
			Example  string `json:"example,omitempty"`
		}{c.Name, c.Required, valuesOf(t, c), c.Help, c.Example})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.TrimSpace(line.String()))
	}
	return []byte("[\n" + strings.Join(lines, ",\n") + "\n]\n")
}

// valuesOf says what a value may be, for people.
func valuesOf(t *testing.T, c *events.Column) string {
	switch c.Type {
	case events.Text:
		return fmt.Sprintf("text of up to %d characters", c.Limit())
	case events.Email:
		return "an e-mail address"
	case events.Bool:
		return "true or false; 1, 0, yes and no are read as well"
	case events.Int:
		return "a whole number from 0"
	case events.Date:
		return "a date, YYYY-MM-DD"
	case events.Duration:
		return "a number and d, m or y: 30d, 6m, 1y"
	case events.Enum:
		return strings.Join(c.Choices, ", ")
	}
	t.Fatalf("%s: no words for its kind", c.Name)
	return ""
}
