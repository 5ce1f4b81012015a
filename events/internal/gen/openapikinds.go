package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"licenseimport/events"
)

// The lines of the OpenAPI document between which the paths of the other kinds than licenses stand.
const (
	kindPathsBegin = "  # Generated from the paths of licenses and the table of kinds: make generate\n"
	kindPathsEnd   = "  # The end of the generated paths.\n"
)

// openAPIKindPaths is a document with new generated paths: for each other kind those of licenses, in its words.
func openAPIKindPaths(document string) (string, error) {
	before, rest, found := strings.Cut(document, kindPathsBegin)
	_, after, ended := strings.Cut(rest, kindPathsEnd)
	if !found || !ended {
		return "", fmt.Errorf("%s lacks the lines %q and %q", openAPIFile, strings.TrimSpace(kindPathsBegin),
			strings.TrimSpace(kindPathsEnd))
	}
	var paths strings.Builder
	for _, kind := range events.Kinds {
		if kind == events.Licenses {
			continue
		}
		for _, item := range pathItems(before) {
			path, _, _ := strings.Cut(strings.TrimSpace(item), ":\n")
			if of := kindPath(kind, path); of != "" {
				paths.WriteString(kindPathItem(kind, path, of, item))
			}
		}
	}
	return before + kindPathsBegin + paths.String() + kindPathsEnd + after, nil
}

// pathItems are the paths of a document, each with all its lines.
func pathItems(document string) (items []string) {
	for _, block := range strings.Split(document, "\n  /")[1:] {
		items = append(items, "  /"+strings.TrimRight(block, "\n")+"\n")
	}
	return items
}

// kindPath is the path of a kind that a path of licenses stands for; "": none.
func kindPath(kind *events.Kind, path string) string {
	below := strings.TrimPrefix(path, "/api/v1/")
	switch {
	case below == events.Licenses.Upload:
		return "/api/v1/" + kind.Upload
	case below == events.Licenses.Template(".csv"), below == events.Licenses.Template(".xlsx"):
		return "/api/v1/" + strings.Replace(below, events.Licenses.One, kind.One, 1)
	case strings.HasPrefix(below, events.Licenses.Results):
		return "/api/v1/" + kind.Results + strings.TrimPrefix(below, events.Licenses.Results)
	}
	return ""
}

var (
	operationID = regexp.MustCompile(`operationId: (\w+)`)
	// ofImports are the schemas of which each kind has one.
	ofImports = regexp.MustCompile(`'#/components/schemas/(Import|ImportPage)'`)
	// longDescription is the description of a schema, in several lines.
	longDescription = regexp.MustCompile(`(?m)^      description: \|\n(        .*\n)+`)
	licenses        = regexp.MustCompile(`\b([Ll]icenses?)( import)?\b`)
)

// kindPathItem is a path of licenses in the words of another kind.
func kindPathItem(kind *events.Kind, path, of, item string) string {
	var b strings.Builder
	lines := strings.SplitAfter(strings.Replace(item, path, of, 1), "\n")[1:]
	skipped := ""
	operation := ""
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		if skipped != "" && (len(indent) > len(skipped) || trimmed == "") {
			continue
		}
		skipped = ""
		if id := operationID.FindStringSubmatch(trimmed); id != nil {
			operation = id[1]
		}
		switch {
		case len(indent) == 6 && strings.HasPrefix(trimmed, "description:"):
			skipped = indent
			line = fmt.Sprintf("%sdescription: As `%s`, for %s.\n", indent, operation, kind.Many)
		case strings.HasPrefix(trimmed, "example:"):
			skipped = indent
			continue
		case strings.HasPrefix(trimmed, "description: |") && strings.Contains(lines[i+1], "Exactly one CSV file"):
			skipped = indent
			line = fmt.Sprintf("%sdescription: %s\n", indent, kindFile(kind))
		case strings.HasSuffix(trimmed, "&problem"):
			skipped = indent
			line = strings.Replace(line, "&problem", "*problem", 1)
		default:
			line = kindWords(kind, line)
		}
		b.WriteString(line)
	}
	text := b.String()
	text = operationID.ReplaceAllStringFunc(text, func(id string) string {
		if of := strings.Replace(id, events.Licenses.Title(), kind.Title(), 1); of != id {
			return of
		}
		return id + "Of" + kind.Title()
	})
	text = ofImports.ReplaceAllString(text, "'#/components/schemas/"+kind.Title()+"$1'")
	return "  " + of + ":\n" + text + "\n"
}

// kindFile describes the file of an upload.
func kindFile(kind *events.Kind) string {
	var required []string
	for _, i := range kind.Required() {
		required = append(required, "`"+events.Columns[i].Name+"`")
	}
	return fmt.Sprintf("'Exactly one CSV file or Excel workbook: a header line with %s and any other of the columns of %s, in any order, then the rows. `/api/v1/%s` is one to begin with.'",
		strings.Join(required, ", "), kind.Many, kind.Template(".csv"))
}

// kindWords is a line about licenses in the words of another kind. The paths of results stay.
func kindWords(kind *events.Kind, line string) string {
	words := map[string]string{
		"license": kind.One, "licenses": kind.Many, "Licenses": kind.Title(),
		"License": strings.TrimSuffix(kind.Title(), "s"),
	}
	return licenses.ReplaceAllStringFunc(line, func(word string) string {
		if of, known := words[word]; known {
			return of
		}
		return word
	})
}

// openAPIKindSchemas are the schemas of the imports of other kinds, after those of licenses.
func openAPIKindSchemas(document string) (string, error) {
	var b strings.Builder
	for _, kind := range events.Kinds {
		if kind == events.Licenses {
			continue
		}
		for _, name := range []string{"Import", "ImportPage", "Counts", "Preview"} {
			at := strings.Index(document, "\n    "+name+":\n")
			if at < 0 {
				return "", fmt.Errorf("%s lacks the schema %s", openAPIFile, name)
			}
			block, _, _ := strings.Cut(document[at+1:], "\n\n")
			b.WriteString("\n" + kindSchema(kind, name, block))
		}
	}
	return b.String(), nil
}

// kindSchema is a schema of licenses' imports in the words of another kind.
func kindSchema(kind *events.Kind, name, block string) string {
	var lines []string
	for _, line := range strings.Split(block, "\n") {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "example:") {
			break
		}
		for _, party := range []string{"customers_count", "orders_count"} {
			if strings.Contains(trimmed, party) {
				trimmed = ""
			}
		}
		if trimmed == "" {
			continue
		}
		for _, word := range []string{"created_", "existed_", "updated_"} {
			line = strings.ReplaceAll(line, word+events.Licenses.Counted, word+kind.Counted)
		}
		lines = append(lines, kindWords(kind, line))
		if bare, counts := strings.CutSuffix(lines[len(lines)-1], kind.Counted+"_count"); kind.BareCounts && counts &&
			!strings.Contains(bare, "updated_") {
			lines = append(lines, bare+kind.Counted)
		}
		name, schema, _ := strings.Cut(lines[len(lines)-1], ": ")
		if bare, counts := strings.CutSuffix(name, kind.Counted+"_count"); counts && schema != "" {
			if !kind.Has(events.ColumnProduct) { // a limited manager does not see them
				lines[len(lines)-1] = strings.Replace(lines[len(lines)-1], "type: integer", "type: [integer, 'null']", 1)
			}
			if kind.BareCounts && !strings.Contains(bare, "updated_") {
				lines = append(lines, bare+kind.Counted+": {type: integer, minimum: 0, description: The same as with _count.}")
			}
		}
	}
	lines[0] = "    " + kind.Title() + name + ":"
	text := strings.Join(slices.Clip(lines), "\n") + "\n"
	if name == "Counts" { // of the rows only
		text = longDescription.ReplaceAllString(text, "      description: As `Counts`, for "+kind.Many+".\n")
	}
	return regexp.MustCompile(`'#/components/schemas/(Import|Counts|Preview)'`).ReplaceAllString(text,
		"'#/components/schemas/"+kind.Title()+"$1'")
}
