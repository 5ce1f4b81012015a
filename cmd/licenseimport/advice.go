package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/mapping"
)

// isIdentity reports whether a column tells one row of a file from another: one value for all rows is never meant.
func isIdentity(kind *events.Kind, name string) bool {
	column, _ := kind.ColumnIndex(name)
	return mapping.Identifies(column)
}

// kindWords are the words of a command that say what the rows are.
func kindWords(kind *events.Kind) []string {
	if kind == events.DefaultKind {
		return nil
	}
	return []string{"--kind", kind.Name}
}

// program is how this program was called, so that commands in its advice can be copied.
func program() string {
	called := os.Args[0]
	switch name := strings.TrimSuffix(filepath.Base(called), ".exe"); {
	case name != "licenseimport":
		return "licenseimport"
	case strings.Contains(called, "go-build"):
		return "go run ./cmd/licenseimport"
	default:
		return shellQuoted(called)
	}
}

// importAdvice is the command that imports a file as it was inspected, followed by more flags. VALUE and HEADER are
// to be replaced. Where the file's dates are ambiguous there is one command for each format: only the user knows.
func importAdvice(kind *events.Kind, file, sheet string, found mapping.Inspection, more []string) string {
	words := append(importWords(kind, file, sheet, found), more...)
	advice := encodingAdvice(found)
	switch found.DateFormat {
	case mapping.ISO:
		return advice + "Import it with:\n  " + command(words)
	case mapping.Ambiguous:
		advice += "Import it with one of these. Rows with dates of another format are rejected."
		for _, format := range found.Formats {
			advice += fmt.Sprintf("\nIf its dates are %s:\n  %s", format, command(append(words, "--date-format", format)))
		}
		return advice
	default:
		return advice + "Import it with:\n  " + command(append(words, "--date-format", found.DateFormat))
	}
}

// encodingAdvice says what a file is taken for that is not UTF-8: in another encoding all its letters would be
// others, and no error would tell.
func encodingAdvice(found mapping.Inspection) string {
	if found.Encoding == nil || *found.Encoding != csvfile.NameWindows1252 {
		return ""
	}
	return "The file is not UTF-8. It is read as windows-1252, which is for western European languages only: " +
		"if names in it look wrong then, save it as CSV UTF-8 first.\n"
}

// inspectWords are the words, after the program, of the command that inspects a file.
func inspectWords(kind *events.Kind, file, sheet string) []string {
	words := append([]string{"inspect", file}, kindWords(kind)...)
	if sheet != "" {
		words = append(words, "--sheet", sheet)
	}
	return words
}

// importWords are the words of that command after the program, without the dates' format.
func importWords(kind *events.Kind, file, sheet string, found mapping.Inspection) []string {
	words := append([]string{"import", file}, kindWords(kind)...)
	if sheet != "" {
		words = append(words, "--sheet", sheet)
	}
	if found.Encoding != nil && *found.Encoding == csvfile.NameWindows1252 {
		words = append(words, "--encoding", *found.Encoding)
	}
	ignored := map[string]bool{}
	for _, column := range found.Columns {
		switch {
		case column.Header == "" || csvfile.IsErrorColumn(column.Header):
		case column.Column == nil && ignored[csvfile.NormalName(column.Header)]: // once for all columns of that name
		case column.Column == nil:
			words = append(words, flagOf("--ignore", column.Header)...)
			ignored[csvfile.NormalName(column.Header)] = true
		case csvfile.NormalName(column.Header) != *column.Column:
			words = append(words, flagOf("--map", column.Header+":"+*column.Column)...)
		}
	}
	words = append(words, valueWords(found)...)
	for _, column := range found.Missing {
		if isIdentity(kind, column) {
			words = append(words, "--map", "HEADER:"+column)
		} else {
			words = append(words, "--set", column+":VALUE")
		}
	}
	return words
}

// flagOf is a flag and its value, in one word where the value looks like a flag.
func flagOf(name, value string) []string {
	if strings.HasPrefix(value, "-") {
		return []string{name + "=" + value}
	}
	return []string{name, value}
}

// valueWords are the flags that translate cells.
func valueWords(found mapping.Inspection) (words []string) {
	for _, column := range found.Columns {
		if column.Column == nil {
			continue
		}
		to := column.Translations[*column.Column]
		for _, cell := range slices.Sorted(maps.Keys(to)) {
			words = append(words, "--value", *column.Column+":"+cell+":"+to[cell])
		}
	}
	return words
}

// command is a command line of this program.
func command(words []string) string {
	quoted := []string{program()}
	for _, word := range words {
		quoted = append(quoted, shellQuoted(word))
	}
	return strings.Join(quoted, " ")
}

// plainWord is what a shell takes as it is.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

func shellQuoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
