package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"licenseimport/events"
)

const openAPIFile = "internal/openapi/openapi.yaml"

// generatedBelow is the line of the OpenAPI document below which everything is generated.
const generatedBelow = "    # Generated from the tables of package events, from here to the end: make generate\n"

// openAPI is the OpenAPI document with new generated parts. The rest of the part above generatedBelow is
// unchanged.
func openAPI(root string) ([]byte, error) {
	document, err := os.ReadFile(filepath.Join(root, openAPIFile))
	if err != nil {
		return nil, err
	}
	byHand, _, found := bytes.Cut(document, []byte(generatedBelow))
	if !found {
		return nil, fmt.Errorf("%s lacks the line %q", openAPIFile, strings.TrimSpace(generatedBelow))
	}
	text, err := openAPIKindPaths(string(byHand))
	if err != nil {
		return nil, err
	}
	ofKinds, err := openAPIKindSchemas(text)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]byte(text), []byte(generatedBelow), openAPISchemas(), []byte(ofKinds)), nil
}

// openAPISchemas are the schemas of columns and codes, indented to stand below components.schemas.
func openAPISchemas() []byte {
	var b bytes.Buffer
	for _, of := range []struct{ schema, prefix, what string }{
		{"LicenseColumns", "license__", "What a license's row says, by column; null where nothing was given."},
		{"CustomerColumns", "customer__", "What a row says of its customer, by column."},
		{"OrderColumns", "order__", "What a row says of its order, by column."},
	} {
		openAPIColumns(&b, of.schema, of.prefix, of.what)
	}
	openAPIValues(&b)
	openAPICodes(&b)
	return b.Bytes()
}

// openAPIColumns describes the columns with a prefix; the members' names lack it.
func openAPIColumns(b *bytes.Buffer, schema, prefix, what string) {
	var names []string
	var properties strings.Builder
	for i := range events.Columns {
		c := &events.Columns[i]
		if name, ok := strings.CutPrefix(c.Name, prefix); ok {
			names = append(names, name)
			fmt.Fprintf(&properties, "        %s:\n%s", name, openAPIType(c))
		}
	}
	fmt.Fprintf(b, "\n    %s:\n      type: object\n      description: %s\n      required:\n", schema, what)
	for _, name := range names {
		fmt.Fprintf(b, "        - %s\n", name)
	}
	fmt.Fprintf(b, "      properties:\n%s", properties.String())
}

// openAPIType is the schema of one column's values, without its name.
func openAPIType(c *events.Column) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "          "+format+"\n", args...) }
	line("type: %s", openAPITypeName(c))
	switch c.Type {
	case events.Text:
		line("maxLength: %d", c.Limit())
	case events.Email:
		line("maxLength: %d", c.Limit())
		line("format: idn-email")
	case events.Int:
		line("minimum: 0")
		line("maximum: %d", events.MaxInt)
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
	if example := openAPIExample(c); example != "" {
		line("examples: [%s]", example)
	}
	return b.String()
}

func openAPITypeName(c *events.Column) string {
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

// openAPIExample is the template's example as a value of the column's type.
func openAPIExample(c *events.Column) string {
	if c.Example == "" || c.Type == events.Bool || c.Type == events.Int {
		return c.Example
	}
	return strconv.Quote(c.Example)
}

// openAPIValues lists the columns as a row has them: the texts that were given.
func openAPIValues(b *bytes.Buffer) {
	b.WriteString("\n    RowValues:\n      type: object\n      description: A row's values as they were sent, by column; those that were not given are left out.\n" +
		"      additionalProperties: false\n      properties:\n")
	for i := range events.Columns {
		fmt.Fprintf(b, "        %s: {type: string, description: %s}\n", events.Columns[i].Name, strconv.Quote(events.Columns[i].Help))
	}
}

func openAPICodes(b *bytes.Buffer) {
	b.WriteString("\n    RowErrorCode:\n      type: string\n      description: What is wrong with a row, for programs.\n      enum:\n")
	for _, code := range events.Codes {
		fmt.Fprintf(b, "        - %s\n", code)
	}
	b.WriteString("\n    WarningCode:\n      type: string\n      description: What is odd in a valid row, for programs.\n      enum:\n")
	for _, code := range events.WarningCodes {
		fmt.Fprintf(b, "        - %s\n", code)
	}
}
