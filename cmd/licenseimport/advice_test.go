package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/internal/mapping"
)

// TestInspectSaysThatItGuessesTheEncoding: in another encoding than windows-1252 all letters would be others.
func TestInspectSaysThatItGuessesTheEncoding(t *testing.T) {
	const header, note = "License Key,Product,First Name\nAAAA-1111,psc,", "which is for western European languages only"
	for name, c := range map[string]struct {
		file string
		says bool
	}{
		"windows-1250": {header + "\xa3ukasz\n", true}, "Shift JIS": {header + "\x8c\x92\n", true},
		"UTF-8": {header + "Łukasz\n", false}, "ASCII": {header + "Ada\n", false},
	} {
		path := filepath.Join(t.TempDir(), "names.csv")
		if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		inspect := inspectCommand{kindFlag: kindFlag{Kind: "licenses"}, File: path}
		if err := inspect.Run(t.Context(), &terminal{out: &out}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), note); got != c.says {
			t.Errorf("%s: says so: %t, want %t:\n%s", name, got, c.says, &out)
		}
	}
}

// TestInspectNamesTheOtherSheets: a workbook may begin with a sheet that explains the others.
func TestInspectNamesTheOtherSheets(t *testing.T) {
	const note = `This is the sheet "Read me". The workbook has other sheets: "Keys", "Old keys". Name one by --sheet.`
	for missing, says := range map[string]bool{"license__license_key": true, "": false} {
		sheet := "Read me"
		found := mapping.Inspection{Sheets: []string{"Keys", sheet, "Old keys"}, Sheet: &sheet, DateFormat: mapping.ISO,
			Missing: strings.Fields(missing)}
		var out bytes.Buffer
		(&inspectCommand{kindFlag: kindFlag{Kind: "licenses"}, File: "keys.xlsx"}).print(&out, found)
		if got := strings.Contains(out.String(), note); got != says {
			t.Errorf("missing %q: says so: %t, want %t:\n%s", missing, got, says, &out)
		}
	}
}
