package main

import (
	"bytes"
	"fmt"
	"strings"

	"licenseimport/events"
)

// columnsPage is docs/columns.md.
func columnsPage() []byte {
	var page bytes.Buffer
	page.WriteString(`# The columns of an import file

<!-- Written by: make generate. Change events/columns.go instead. -->

Header names are matched without regard to case and surrounding white space. A file needs the required columns; all others
may be left out, and an empty value means "not given". The template (` + "`licenseimport template`" + `) has all columns and one
example row.
`)
	for _, kind := range events.Kinds {
		fmt.Fprintf(&page, `
## A file of %s

| column | type | limits | required | meaning | example |
|---|---|---|---|---|---|
`, kind.Many)
		for _, i := range kind.Columns() {
			c := &events.Columns[i]
			required := ""
			if kind.Requires(i) {
				required = "**yes**"
			}
			fmt.Fprintf(&page, "| `%s` | %s | %s | %s | %s | %s |\n", c.Name, c.Type, limits(c), required, cell(c.Help),
				code(c.Example))
		}
	}
	page.WriteString(`
Characters are Unicode code points. No text may hold control characters (U+0000 to U+001F and U+007F) but for tab, carriage return
and line feed. No value may be an error of a spreadsheet: ` + "`#REF!` `#N/A` `#VALUE!` `#NAME?` `#DIV/0!` `#NULL!` `#NUM!`" + `. Surrounding white space is trimmed, except in ` + "`license__note`" + `.
`)
	return page.Bytes()
}

// limits describes the permitted values.
func limits(c *events.Column) string {
	switch c.Type {
	case events.Bool:
		return "`true` `false` `1` `0` `yes` `no`, any case"
	case events.Int:
		return fmt.Sprintf("whole number, 0 to %d", events.MaxInt)
	case events.Date:
		return "`YYYY-MM-DD`; `YYYY-MM-DD HH:MM:SS` and RFC 3339 are read as their date"
	case events.Duration:
		return fmt.Sprintf("`<n>d`, `<n>m` or `<n>y` (days, months, years), n from 1 to %d", events.MaxDuration)
	case events.Enum:
		return "one of `" + strings.Join(c.Choices, "` `") + "`, any case"
	case events.Email:
		return fmt.Sprintf("one address, up to %d characters", c.Limit())
	default:
		limit := fmt.Sprintf("up to %d characters", c.Limit())
		if c.MaxToken > 0 {
			limit += fmt.Sprintf("; as a subject token up to %d bytes, in which a byte other than `A-Z a-z 0-9 - _` takes three", c.MaxToken)
		}
		return limit
	}
}

// cell escapes a text for a cell of a Markdown table.
func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + cell(s) + "`"
}
