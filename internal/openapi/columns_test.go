package openapi_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/openapi"
)

var update = flag.Bool("update", false, "write the generated part of openapi.yaml anew")

// generatedBelow is the comment behind which everything is generated.
const generatedBelow = "    # Generated from the tables of package events from here to the end: go test ./internal/openapi -update\n"

// TestTables: the columns and codes of the document are those of package events.
func TestTables(t *testing.T) {
	written, present, found := strings.Cut(string(openapi.Document()), generatedBelow)
	if !found {
		t.Fatalf("openapi.yaml lacks the line %q", generatedBelow)
	}
	want := generated()
	if *update {
		if err := os.WriteFile("openapi.yaml", []byte(written+generatedBelow+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if present != want {
		t.Errorf("the generated part of openapi.yaml is not what the tables of package events say; run: go test ./internal/openapi -update\n%s",
			firstDifference(present, want))
	}
}

func firstDifference(present, want string) string {
	lines := strings.Split(present, "\n")
	for i, line := range strings.Split(want, "\n") {
		if i >= len(lines) || lines[i] != line {
			return fmt.Sprintf("missing: %s", strings.TrimSpace(line))
		}
	}
	return "it has lines too many"
}

// generated is the last part of the document: schemas, indented to stand below
// components.schemas.
func generated() string {
	var b bytes.Buffer
	for _, of := range []struct{ schema, prefix, what string }{
		{"LicenseColumns", "license__", "What a license's row says, by column; null where nothing was given."},
		{"CustomerColumns", "customer__", "What a row says of its customer, by column."},
		{"OrderColumns", "order__", "What a row says of its order, by column."},
	} {
		columnSchema(&b, of.schema, of.prefix, of.what)
	}
	valuesSchema(&b)
	codesSchema(&b)
	return b.String()
}

// columnSchema types the columns of a prefix, which is left out of the names.
func columnSchema(b *bytes.Buffer, schema, prefix, what string) {
	var names []string
	var properties strings.Builder
	for i := range events.Columns {
		c := &events.Columns[i]
		if name, ok := strings.CutPrefix(c.Name, prefix); ok {
			names = append(names, name)
			fmt.Fprintf(&properties, "        %s:\n%s", name, columnType(c))
		}
	}
	fmt.Fprintf(b, "\n    %s:\n      type: object\n      description: %s\n      required:\n", schema, what)
	for _, name := range names {
		fmt.Fprintf(b, "        - %s\n", name)
	}
	fmt.Fprintf(b, "      properties:\n%s", properties.String())
}

// columnType is the schema of one column's values, without its name.
func columnType(c *events.Column) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "          "+format+"\n", args...) }
	line("type: %s", nullable(c))
	switch c.Type {
	case events.Text:
		line("maxLength: %d", c.Limit())
	case events.Email:
		line("maxLength: %d", c.Limit())
		line("format: idn-email")
	case events.Int:
		line("minimum: 0")
		line("maximum: 2147483647")
	case events.Date:
		line("format: date")
	case events.Duration:
		line("pattern: '^[1-9][0-9]*[dmy]$'")
	case events.Enum:
		line("enum: [%s, null]", strings.Join(c.Choices, ", "))
	}
	if c.Required {
		line("minLength: 1")
	}
	line("description: %s", strconv.Quote(c.Help))
	if example := exampleOf(c); example != "" {
		line("examples: [%s]", example)
	}
	return b.String()
}

func nullable(c *events.Column) string {
	name := "string"
	switch c.Type {
	case events.Bool:
		name = "boolean"
	case events.Int:
		name = "integer"
	}
	if c.Required {
		return name
	}
	return "[" + name + ", 'null']"
}

// exampleOf is the template's example, typed.
func exampleOf(c *events.Column) string {
	if c.Example == "" || c.Type == events.Bool || c.Type == events.Int {
		return c.Example
	}
	return strconv.Quote(c.Example)
}

// valuesSchema lists the columns as a row has them: texts, those that were given.
func valuesSchema(b *bytes.Buffer) {
	b.WriteString("\n    RowValues:\n      type: object\n      description: A row's values as they were sent, by column; those that were not given are left out.\n" +
		"      additionalProperties: false\n      properties:\n")
	for i := range events.Columns {
		fmt.Fprintf(b, "        %s: {type: string, description: %s}\n", events.Columns[i].Name, strconv.Quote(events.Columns[i].Help))
	}
}

func codesSchema(b *bytes.Buffer) {
	b.WriteString("\n    RowErrorCode:\n      type: string\n      description: What is wrong with a row, for programs.\n      enum:\n")
	for _, code := range events.Codes {
		fmt.Fprintf(b, "        - %s\n", code)
	}
}
