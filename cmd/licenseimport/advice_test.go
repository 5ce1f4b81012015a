package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
