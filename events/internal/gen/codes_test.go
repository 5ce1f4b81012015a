package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
)

// constantsOf lists the text constants of a type in a package's source.
func constantsOf(t *testing.T, dir, typeName string) []string {
	t.Helper()
	s, err := readSource(filepath.Join(root, dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.values[typeName]) == 0 {
		t.Fatalf("%s has no constants of type %s", dir, typeName)
	}
	return s.values[typeName]
}

func TestEveryErrorCodeHasItsSentence(t *testing.T) {
	codes := constantsOf(t, "events", "Code")
	for _, code := range codes {
		if !slices.Contains(events.Codes, events.Code(code)) {
			t.Errorf("%s has no sentence: add a row to rejections in events/error_codes.go", code)
		}
	}
	for _, code := range events.Codes {
		if !slices.Contains(codes, string(code)) {
			t.Errorf("%s has a sentence and no constant", code)
		}
		for i := range events.Columns {
			c := &events.Columns[i]
			if c.Error(code, "").Message == c.Error("no code", "").Message {
				t.Errorf("%s has no sentence at %s", code, c.Name)
			}
		}
	}
}

func TestEveryWarningCodeHasItsSentence(t *testing.T) {
	for _, code := range constantsOf(t, "events", "WarningCode") {
		if (events.Warning{Code: events.WarningCode(code)}).Message() == "" {
			t.Errorf("%s has no sentence: add a row to warningMessages in events/warning_codes.go", code)
		}
	}
}

// Package csvfile does not import events, so it declares the codes that it finds.
func TestCodesOfCSVFilesAreErrorCodes(t *testing.T) {
	for _, code := range constantsOf(t, "internal/csvfile", "Code") {
		if !slices.Contains(events.Codes, events.Code(code)) {
			t.Errorf("internal/csvfile rejects rows with %s, which is no code of events/error_codes.go", code)
		}
	}
}

// The page has a short name for each code.
func TestPageNamesEveryErrorCode(t *testing.T) {
	words := read(t, "web/static/js/words.js")
	_, table, found := strings.Cut(words, "\nconst errors = {\n")
	table, _, ended := strings.Cut(table, "\n};")
	if !found || !ended {
		t.Fatal("words.js has no table errors")
	}
	var named []string
	for _, row := range regexp.MustCompile(`(?m)^\s*(\w+): "[^"]+",$`).FindAllStringSubmatch(table, -1) {
		named = append(named, row[1])
		if !slices.Contains(events.Codes, events.Code(row[1])) {
			t.Errorf("words.js names %s, which is no error code", row[1])
		}
	}
	for _, code := range events.Codes {
		if !slices.Contains(named, string(code)) {
			t.Errorf("%s has no name on the page: add it to errors in web/static/js/words.js", code)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
